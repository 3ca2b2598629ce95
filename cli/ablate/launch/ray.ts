/** The cells of a study to a script that gives each to Ray as a task, with the processors and graphics cards that it takes. */

import type { Launch } from "./launch.ts";

/** Written as Python's formatters would: it is there to be read and changed. */
export function rayScript({ cells }: Launch): string {
  return `"""The cells of a study as tasks of Ray, each one torchrun on one node. Started
again they go on from their checkpoints. All nodes must see this folder:

    RAY_ADDRESS=auto python3 study_ray.py --gpus 1
"""

import argparse
import os
import subprocess
import sys

import ray

CELLS = [
${cells.map((cell) => `    "${cell}",\n`).join("")}]
STUDY = os.path.dirname(os.path.abspath(__file__))


@ray.remote(max_retries=3)
def train(cell: str, processes: int) -> int:
    """The exit code of the cell's train.sh, whose words go into train.log."""
    folder = os.path.join(STUDY, "cells", cell)
    with open(os.path.join(folder, "train.log"), "a") as log:
        command = ["bash", os.path.join(folder, "train.sh"), str(processes)]
        return subprocess.run(command, stdout=log, stderr=log).returncode


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\\n\\n")[0])
    parser.add_argument("--cpus", type=float, default=1, help="of a cell")
    parser.add_argument("--gpus", type=int, help="of a cell (default: 1, or"
                        " none where the cluster has none)")
    options = parser.parse_args()
    ray.init()
    gpus = options.gpus
    if gpus is None:
        gpus = 1 if ray.cluster_resources().get("GPU", 0) else 0
    task = train.options(num_cpus=options.cpus, num_gpus=gpus)
    cells = {task.remote(cell, max(1, gpus)): cell for cell in CELLS}
    waiting, failed = list(cells), []
    while waiting:
        [done], waiting = ray.wait(waiting)
        code, cell = ray.get(done), cells[done]
        log = os.path.join(STUDY, "cells", cell, "train.log")
        print(f"{cell}: " + (f"ended with {code}, see {log}" if code
                             else "done"), flush=True)
        if code:
            failed.append(cell)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
`;
}

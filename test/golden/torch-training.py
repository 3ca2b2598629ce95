"""Runs of an emitted train.py, each in forks of one process that has loaded
PyTorch: python torch-training.py FOLDER prints a line of JSON a run.

FOLDER has model.py, train.py, trainer/ and runs.json: of each run its `name`,
`arguments`, number of `processes`, and in `from` the run and the step whose
checkpoint it goes on from. Of each checkpoint a copy stays, checkpoint-STEP.
"""

import json
import os
import runpy
import shutil
import socket
import sys
import traceback

import torch

os.chdir(sys.argv[1])
sys.path.insert(0, os.getcwd())
torch.set_num_threads(1)
import trainer  # noqa: E402
from trainer.folder import Folder  # noqa: E402

save, main = Folder.save, trainer.main


def keep(self, weights, kept):
    save(self, weights, kept)
    if self.processes.leads and kept:
        copy = f"checkpoint-{self.run['step']}.safetensors"
        shutil.copy(self.at("checkpoint.safetensors"), self.at(copy))


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def train(run, rank, port):
    if run["processes"] > 1:
        os.environ.update(
            RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE=str(run["processes"]),
            MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port),
        )
    out = open(f"{run['name']}-{rank}.out", "w")
    os.dup2(out.fileno(), 1)
    os.dup2(out.fileno(), 2)
    sys.stdout = sys.stderr = out
    code = 0
    try:
        trainer.main = lambda *given: main(*given, run["arguments"])
        runpy.run_path("train.py", run_name="__main__")
    except SystemExit as ended:
        code = ended.code or 0
    except BaseException:
        traceback.print_exc()
        code = 99
    out.flush()
    os._exit(code)


Folder.save = keep
with open("runs.json") as file:
    runs = json.load(file)
for run in runs:
    name = run["name"]
    if "from" in run:
        other, step = run["from"]
        os.makedirs(name)
        shutil.copy(f"{other}/checkpoint-{step}.safetensors", f"{name}/checkpoint.safetensors")
        shutil.copy(f"{other}/metrics.jsonl", name)
    port, children = free_port(), []
    for rank in range(run["processes"]):
        child = os.fork()
        if child == 0:
            train(run, rank, port)
        children.append(child)
    codes = [os.WEXITSTATUS(os.waitpid(child, 0)[1]) for child in children]
    texts = [open(f"{name}-{rank}.out").read() for rank in range(run["processes"])]
    print(json.dumps({"name": name, "codes": codes, "texts": texts}), flush=True)

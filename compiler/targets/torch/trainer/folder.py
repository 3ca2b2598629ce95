"""A run's folder, in which all is made again from its checkpoint."""

import json
import os
import time

import torch
from torch import Tensor

from .processes import Processes
from .tensors import Failure, Tensors, digest_of, write_tensors

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

FORMAT = "mvc-torch-run"


class Folder:
    """`run` says what the run was started with and how far it has come."""

    def __init__(
        self, path: str, run: dict, about: dict, processes: Processes
    ) -> None:
        self.path, self.run, self.about = path, run, about
        self.processes = processes
        self.started = time.time() - run["seconds"]
        if processes.leads:
            os.makedirs(self.at("cache"), exist_ok=True)
        if not processes.gathered(self.lock())[0]:
            raise Failure(f"another process is training in {path}")
        if processes.leads and os.path.exists(self.at("failure.txt")):
            os.remove(self.at("failure.txt"))

    def lock(self) -> bool:
        """Until this process has ended, however it ends."""
        if fcntl is None or not self.processes.leads:
            return True
        self.locked = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.flock(self.locked, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:  # a file system without locks
            return True
        return True

    def at(self, name: str) -> str:
        return os.path.join(self.path, name)

    def seconds(self) -> float:
        """Since the run began, all of its sittings."""
        return time.time() - self.started

    def save(self, weights: dict, kept: dict) -> None:
        """The weights as the next step reads them, and what the optimizer
        keeps; what the run gives has the averages of what is trained."""
        if self.processes.leads:
            self.run["seconds"] = self.seconds()
            tensors = {f"weight {p}": one for p, one in weights.items()} | kept
            metadata = {"format": FORMAT, "run": json.dumps(self.run)}
            path = self.at("checkpoint.safetensors")
            write_tensors(path, numbers(tensors), metadata)
            given = {p: kept.get(f"average {p}", one)
                     for p, one in weights.items()}
            path = self.at("weights.safetensors")
            write_tensors(path, numbers(given), self.about)
        self.processes.wait()

    def keep(self, name: str, weights: dict) -> None:
        """A moment's weights, as the run would give them."""
        if self.processes.leads:
            os.makedirs(self.at("samples"), exist_ok=True)
            path = self.at(os.path.join("samples", f"{name}.safetensors"))
            write_tensors(path, numbers(weights), self.about)
        self.processes.wait()

    def add_failure(self, why: str) -> None:
        """For whoever did not hear it, until the run is gone on with."""
        if self.processes.leads:
            with open(self.at("failure.txt"), "w") as file:
                file.write(why + "\n")

    def cut_metrics(self) -> None:
        """Back to the lines of what the checkpoint has."""
        if not self.processes.leads:
            return
        path, kept = self.at("metrics.jsonl"), []
        names = [stage["name"] for stage in self.run["stages"]]
        if os.path.exists(path):
            with open(path) as file:
                kept = [line for line in file if self.has(line, names)]
        with open(path + ".part", "w") as file:
            file.writelines(kept)
        os.replace(path + ".part", path)

    def has(self, line: str, names: list) -> bool:
        try:
            metric = json.loads(line)
            at = names.index(metric["stage"]), metric["step"]
            return at <= (self.run["stage"], self.run["step"])
        except (ValueError, KeyError):
            return False

    def add_metric(self, metric: dict) -> None:
        if not self.processes.leads:
            return
        metric["seconds"] = round(self.seconds(), 3)
        with open(self.at("metrics.jsonl"), "a") as file:
            file.write(json.dumps(metric, separators=(",", ":")) + "\n")


def numbers(tensors: dict[str, Tensor]):
    return [(name, one.numpy()) for name, one in tensors.items()]


def read_checkpoint(folder: str) -> tuple[dict, dict[str, Tensor]]:
    """What a run is, and its tensors by their names in the checkpoint."""
    path = os.path.join(folder, "checkpoint.safetensors")
    if not os.path.exists(path):
        raise Failure(f"{folder} holds no run to go on with")
    file = Tensors(path)
    if file.metadata.get("format") != FORMAT:
        raise Failure(f"{path} is no checkpoint of train.py")
    arrays = {name: file[name] for name in file.entries}
    if digest_of(arrays.items()) != file.metadata.get("sha256"):
        raise Failure(f"{path}: its numbers are not those that were written")
    tensors = {n: torch.from_numpy(one.copy()) for n, one in arrays.items()}
    return json.loads(file.metadata["run"]), tensors


def require_same(folder: str, started: dict, now: dict) -> None:
    """A run goes on only as it was started: the first difference is named."""
    for name, what in (("seed", "the seed"), ("data", "clips of the hash")):
        if started[name] != now[name]:
            raise Failure(
                f"the run in {folder} was started with {what} {started[name]},"
                f" and this is {now[name]}: begin another with --weights"
            )
    named, others = ([stage["name"] for stage in one["stages"]]
                     for one in (started, now))
    if named != others:
        raise Failure(
            f"the run in {folder} has the stages {named}, not {others}"
        )
    for old, new in zip(started["stages"], now["stages"]):
        for key in {**old, **new}:
            if old.get(key) != new.get(key):
                raise Failure(
                    f"the run in {folder} has {key} {old.get(key)} in stage"
                    f" {old['name']}, and this is {new.get(key)}"
                )

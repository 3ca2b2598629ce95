"""The processes that train together, as torchrun starts them, or one alone."""

import os
import signal
import warnings
from collections.abc import Sequence

import torch
import torch.distributed as dist
from torch import Tensor, nn


class Stopped(Exception):
    """Ctrl-C, or the end of a job's time: all processes stop together."""


class Processes:
    """This process among all, and the device that is its own."""

    def __init__(self) -> None:
        cuda = torch.cuda.is_available()
        self.rank = int(os.environ.get("RANK", "0"))
        self.count = int(os.environ.get("WORLD_SIZE", "1"))
        local = int(os.environ.get("LOCAL_RANK", "0"))
        self.device = torch.device(f"cuda:{local}" if cuda else "cpu")
        if cuda:
            torch.cuda.set_device(self.device)
        if self.count > 1:
            dist.init_process_group("nccl" if cuda else "gloo")
        self.stopped = False
        for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1"):
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), self.stop)

    def stop(self, *_) -> None:
        """After the step that is under way; asked twice, at once, but under
        torchrun, which asks again itself."""
        if self.stopped and "TORCHELASTIC_RUN_ID" not in os.environ:
            os._exit(130)
        self.stopped = True

    def require_going(self) -> None:
        if sum(self.sums([float(self.stopped)])):
            raise Stopped

    @property
    def leads(self) -> bool:
        """Whether this is the one that writes and speaks."""
        return self.rank == 0

    def say(self, text: str) -> None:
        if self.leads:
            print(text, flush=True)

    def sums(self, values: Sequence[float]) -> list[float]:
        """Numbers added over all processes, in float64."""
        if self.count == 1:
            return list(values)
        total = torch.tensor(values, dtype=torch.float64, device=self.device)
        dist.all_reduce(total)
        return total.tolist()

    def gathered(self, value: object) -> list:
        """What each process has, in their order."""
        if self.count == 1:
            return [value]
        values = [None] * self.count
        dist.all_gather_object(values, value)
        return values

    def wait(self) -> None:
        if self.count > 1:
            dist.barrier()

    def close(self) -> None:
        if self.count > 1:
            dist.destroy_process_group()


def shard(loss: nn.Module, is_block) -> None:
    """Divides the weights among the processes (FSDP2), each block's by itself
    that has over a hundredth of all."""
    from torch.distributed.fsdp import fully_shard

    def size(module: nn.Module) -> int:
        return sum(one.numel() for one in module.parameters())

    # Of views: nothing in a model or a loss is changed in place.
    warnings.filterwarnings("ignore", "FSDP2-wrapped module")
    least = size(loss) / 100
    every = list(loss.named_parameters(remove_duplicate=False))
    # Weights of two modules are gathered together, with all others.
    tied = len(every) > len(list(loss.parameters()))
    # Those within others come first.
    for module in () if tied else reversed(list(loss.modules())):
        if is_block(module) and size(module) > least:
            fully_shard(module)
    fully_shard(loss)


def own(tensor: Tensor) -> Tensor:
    """The part of a tensor that this process holds, to be changed in place."""
    return tensor.to_local() if hasattr(tensor, "to_local") else tensor


def whole(tensor: Tensor) -> Tensor:
    """All of a tensor on the CPU; every process must ask for it."""
    full = getattr(tensor, "full_tensor", None)
    return (full() if full else tensor).detach().float().cpu()


def like(parameter: Tensor, values: Tensor) -> Tensor:
    """Values [whole] on a weight's device, divided as it is."""
    values = values.to(parameter.device)
    if not hasattr(parameter, "to_local"):
        return values
    from torch.distributed.tensor import distribute_tensor

    mesh, placements = parameter.device_mesh, parameter.placements
    return distribute_tensor(values, mesh, placements)

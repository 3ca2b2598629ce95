"""A stage's figures and gradients to the next weights."""

import math
import re

import torch
from torch import Tensor, nn

from .processes import Processes, like, own, whole


def holds(pattern: str, path: str) -> bool:
    """Whether a path begins with a pattern: `*` is one level of it, `**` any
    number of them."""
    levels = pattern.split(".")
    parts = []
    for i, level in enumerate(levels):
        one = "[^.]+" if level == "*" else re.escape(level)
        if level == "**":
            parts.append("" if i + 1 == len(levels) else r"(?:[^.]+\.)*")
        else:
            ending = r"(?:\.|$)" if i + 1 == len(levels) else r"\."
            parts.append(one + ending)
    return re.match("".join(parts), path) is not None


def entry_of(entries: list, path: str):
    """How a weight is trained: of the entries that name it, the last; None of
    one that stays."""
    found = [entry for entry in entries if holds(entry["path"], path)]
    return found[-1] if found and found[-1]["rate"] > 0 else None


def learning_rate(stage: dict, step: int, steps: int) -> float:
    """A straight line from 0 to the full rate at step `warmup`, then level, or
    half a cosine down to `final_rate` times itself at the last step."""
    rate, warmup = stage["learning_rate"], stage["warmup"]
    if step <= warmup:
        return rate * step / warmup
    if stage["decay"] == "constant":
        return rate
    part = min(1, (step - warmup) / max(1, steps - warmup))
    least = stage["final_rate"]
    return rate * (least + (1 - least) * 0.5 * (1 + math.cos(math.pi * part)))


def norms_of(tensors: list[Tensor]):
    """The L2 norm of each. On a graphics card a launch a weight would take
    longer than small models compute, and sums are trees, so that float32 is
    enough; processors add up in a row."""
    if tensors[0].is_cuda:
        return torch._foreach_norm(tensors)
    return [torch.linalg.vector_norm(one, dtype=torch.float64)
            for one in tensors]


class Optimizer:
    """AdamW with a rate and a decay a weight, clipping by the norm of all
    gradients together, and the average of the weights."""

    def __init__(
        self, stage: dict, trained: dict[str, Tensor], processes: Processes
    ) -> None:
        self.stage, self.trained, self.processes = stage, trained, processes
        groups: dict[tuple, list] = {}
        for path, parameter in trained.items():
            entry = entry_of(stage["weights"], path)
            key = entry["rate"], entry["weight_decay"]
            groups.setdefault(key, []).append(parameter)
        self.adam = torch.optim.AdamW(
            [
                {"params": parameters, "rate": rate, "weight_decay": decay}
                for (rate, decay), parameters in groups.items()
            ],
            betas=tuple(stage["betas"]),
            eps=stage["eps"],
            **({"fused": True} if self.is_fused() else {}),
        )
        averaged = trained if stage["ema"] is not None else {}
        self.average = {
            path: parameter.detach().clone()
            for path, parameter in averaged.items()
        }

    def is_fused(self) -> bool:
        """One launch for many weights; of PyTorch 2, on graphics cards."""
        modern = not torch.__version__.startswith("1.")
        return modern and all(one.is_cuda for one in self.trained.values())

    def norm(self) -> float:
        """The L2 norm of all gradients together."""
        norms = torch.stack(list(norms_of(self.own_gradients())))
        squares = float(norms.double().square().sum())
        # Where weights are divided, each process has squares of its own.
        if any(hasattr(one, "to_local") for one in self.trained.values()):
            (squares,) = self.processes.sums([squares])
        return math.sqrt(squares)

    def own_gradients(self) -> list[Tensor]:
        return [own(one.grad) for one in self.trained.values()]

    @torch.no_grad()
    def step(self, number: int, rate: float, norm: float) -> None:
        """One step by the gradients that are there; `number` from 1."""
        most = self.stage["clip_norm"]
        factor = 1.0 if most is None else min(1.0, most / (norm + 1e-6))
        if factor < 1:
            torch._foreach_mul_(self.own_gradients(), factor)
        for group in self.adam.param_groups:
            group["lr"] = rate * group["rate"]
        self.adam.step()
        if not self.average:
            return
        # That of few steps forgets where it began.
        kept = min(self.stage["ema"], (1 + number) / (10 + number))
        averages = [own(one) for one in self.average.values()]
        current = [own(self.trained[path].detach()) for path in self.average]
        if hasattr(torch, "_foreach_lerp_"):
            torch._foreach_lerp_(averages, current, 1 - kept)
        else:  # PyTorch 1
            for average, one in zip(averages, current):
                average.lerp_(one, 1 - kept)

    def state(self) -> dict[str, Tensor]:
        """What is kept beside the weights, whole; every process must ask."""
        kept = {}
        for path, parameter in self.trained.items():
            state = self.adam.state.get(parameter)
            if state:
                kept[f"first {path}"] = whole(state["exp_avg"])
                kept[f"second {path}"] = whole(state["exp_avg_sq"])
            if path in self.average:
                kept[f"average {path}"] = whole(self.average[path])
        return kept

    def restore(self, kept: dict[str, Tensor], step: int) -> None:
        for path, parameter in self.trained.items():
            self.adam.state[parameter] = {
                "step": torch.tensor(float(step), device=parameter.device)
                if self.is_fused() else torch.tensor(float(step)),
                "exp_avg": like(parameter, kept[f"first {path}"]),
                "exp_avg_sq": like(parameter, kept[f"second {path}"]),
            }
            if path in self.average:
                self.average[path] = like(parameter, kept[f"average {path}"])


def not_finite(
    model: nn.Module, trained: dict[str, Tensor], compute,
    processes: Processes,
) -> str:
    """Where the first number was born that is not finite: every process has
    the step's losses computed again."""

    def broken(value: object) -> bool:
        return torch.is_tensor(value) and not bool(torch.isfinite(value).all())

    found = []
    for path, parameter in model.named_parameters():
        if broken(own(parameter.detach())):
            found.append(f"the weight {path} is not finite")
    hooks = []
    for path, module in model.named_modules():
        def look(_module, _inputs, output, path=path):
            if broken(output):
                found.append(f"the first result not finite is that of {path}")
        hooks.append(module.register_forward_hook(look))
    with torch.no_grad():
        compute()
    for hook in hooks:
        hook.remove()
    for path, parameter in trained.items():
        if broken(own(parameter.grad)):
            text = "the loss is finite, and the gradient of {} is not"
            found.append(text.format(path))
    told = [one[0] for one in processes.gathered(found) if one]
    return told[0] if told else "the gradients' norm is not finite"

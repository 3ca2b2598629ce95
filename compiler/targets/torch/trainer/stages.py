"""The stages of a training to trained weights."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from .captured import MOST, Captured
from .clips import Batches, Clips
from .folder import Folder
from .latents import cached, encode
from .optimizer import Optimizer, entry_of, learning_rate, not_finite
from .processes import Processes, Stopped, shard, whole
from .tensors import Failure


@dataclass
class Training:
    """What all stages of a run share."""

    Model: type
    sampler: dict
    clips: Clips
    folder: Folder
    processes: Processes
    options: object
    # Of how many moments of a stage the weights are kept, by its name.
    moments: dict[str, int]
    # Every weight by its path; of the stage under way as it began.
    weights: dict[str, Tensor]

    @torch.no_grad()
    def fill(self, model: nn.Module) -> nn.Module:
        for path, parameter in model.named_parameters():
            parameter.copy_(self.weights[path])
        return model.to(self.processes.device)


class LossStage:
    """A stage that minimises a loss."""

    def __init__(self, training: Training, stage: dict, plan: dict) -> None:
        self.training, self.stage = training, stage
        self.folder, self.processes = training.folder, training.processes
        self.steps, self.batch = plan["steps"], plan["batch"]
        self.moments = training.moments.get(stage["name"], 1)
        options = training.options
        # A loss adds to the model what it alone has, and has it as a module.
        self.model = training.Model()
        self.loss = stage["loss"](self.model)
        training.fill(self.model)
        frozen = {path: one for path, one in training.weights.items()
                  if entry_of(stage["weights"], path) is None}
        latents = self.latents(frozen)
        sampler, clips = training.sampler, training.clips
        self.batches = Batches(stage, clips, latents, sampler, options.seed)
        self.call = self.loss
        # Whether a step's gradients are one CUDA graph, and the graph, made of
        # the first step's inputs.
        self.captures, self.captured = False, None
        for path, parameter in self.model.named_parameters():
            parameter.requires_grad_(path not in frozen)
        self.freeze_unread()
        self.call = self.divided(options)
        self.optimizer = Optimizer(stage, self.trained(), self.processes)
        share = self.batch // self.processes.count
        start = self.processes.rank * share
        size = share // options.accumulate
        self.parts = [range(at, at + size)
                      for at in range(start, start + share, size)]
        self.captures = self.can_capture()

    def latents(self, frozen: dict) -> dict:
        clips, made = self.training.clips, {}
        seed = self.training.options.seed
        batches = Batches(self.stage, clips, {}, None, seed)
        steps = range(self.folder.run["step"] + 1, self.steps + 1)
        for source in self.stage["inputs"].values():
            encoder = source.get("encoder")
            if encoder is None or encoder in made:
                continue
            needed = batches.drawn(steps, self.batch, encoder)
            made[encoder] = cached(
                self.folder.at("cache"), self.model, encoder, clips, needed,
                frozen, self.processes,
            )
        return made

    def freeze_unread(self) -> None:
        """What an entry names and the loss does not read is not trained."""
        trained = self.trained()
        if not trained:
            name = self.stage["name"]
            raise Failure(f"no entry of `weights` in {name} names a weight")
        step = self.folder.run["step"] + 1
        losses = self.compute(self.batches.of(step, range(1)))
        gradients = torch.autograd.grad(
            next(iter(losses.values())), list(trained.values()),
            allow_unused=True,
        )
        for parameter, gradient in zip(trained.values(), gradients):
            parameter.requires_grad_(gradient is not None)

    def trained(self) -> dict[str, Tensor]:
        return {path: parameter
                for path, parameter in self.model.named_parameters()
                if parameter.requires_grad}

    def divided(self, options) -> nn.Module:
        """What is called in the loss's place: its gradients are those of all
        processes together."""
        Model, Loss = self.training.Model, type(self.loss)

        def is_block(module: nn.Module) -> bool:
            kind = type(module)
            own = kind.__module__ in (Model.__module__, Loss.__module__)
            whole = kind in (Model, Loss) or not any(module.children())
            return own and not whole and kind.forward is not nn.Module.forward

        several = self.processes.count > 1
        if several and options.shard == "fsdp":
            shard(self.loss, is_block)
        if options.compile:
            self.loss.compile()
        if several and options.shard == "ddp":
            return DistributedDataParallel(self.loss)
        return self.loss

    def compute(self, feeds: dict) -> dict[str, Tensor]:
        return self.losses(self.placed(feeds))

    def placed(self, feeds: dict) -> dict[str, Tensor]:
        device = self.processes.device
        return {name: torch.from_numpy(np.ascontiguousarray(one)).to(device)
                for name, one in feeds.items()}

    def losses(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        bf16, kind = self.training.options.bf16, self.processes.device.type
        # What a graph has cast it must cast again: weights change.
        kept = not self.captures
        with torch.autocast(kind, torch.bfloat16, bf16, cache_enabled=kept):
            losses = self.call(**inputs)
        return {name: loss.float().mean() for name, loss in losses.items()}

    def can_capture(self) -> bool:
        """Of one process and one part, of weights that are few."""
        options, count = self.training.options, self.processes.count
        numbers = sum(one.numel() for one in self.trained().values())
        return (
            self.processes.device.type == "cuda" and numbers < MOST
            and count * len(self.parts) == 1 and not options.compile
        )

    def by_graph(self, feeds: dict) -> dict[str, float]:
        inputs = self.placed(feeds)
        if self.captured is None:
            trained = list(self.trained().values())
            try:
                self.captured = Captured(self.losses, inputs, trained)
            except RuntimeError as error:
                self.captures = False
                why = str(error).splitlines()[0]
                self.processes.say(f"{self.stage['name']}: no CUDA graph, so"
                                   f" kernels are launched one by one: {why}")
                return self.gradients([feeds])
        losses = self.captured(inputs)
        return {name: float(loss.detach()) for name, loss in losses.items()}

    def gradients(self, feeds: list) -> dict[str, float]:
        """Those of the whole batch, into the weights; the means of its losses.
        Processes add theirs with the last part."""
        if self.captures:
            return self.by_graph(feeds[0])
        self.optimizer.adam.zero_grad(set_to_none=True)
        divided = isinstance(self.call, DistributedDataParallel)
        sharded = hasattr(self.call, "set_requires_gradient_sync")
        totals: dict[str, float] = {}
        for i, part in enumerate(feeds):
            is_last = i + 1 == len(feeds)
            if sharded:
                self.call.set_requires_gradient_sync(is_last)
            alone = divided and not is_last
            with self.call.no_sync() if alone else nullcontext():
                losses = self.compute(part)
                (next(iter(losses.values())) / len(feeds)).backward()
            for name, loss in losses.items():
                share = float(loss.detach()) / len(feeds)
                totals[name] = totals.get(name, 0.0) + share
        return totals

    def run(self, kept: dict[str, Tensor]) -> None:
        """Takes the steps that are left, from a checkpoint's `kept` on."""
        if kept:
            self.optimizer.restore(kept, self.folder.run["step"])
        first = self.folder.run["step"] + 1
        saved, pause = time.time(), 60.0
        with ThreadPoolExecutor(1) as pool:
            def draw(step: int):
                return [self.batches.of(step, part) for part in self.parts]

            coming = pool.submit(draw, first)
            for step in range(first, self.steps + 1):
                feeds = coming.result()
                if step < self.steps:
                    coming = pool.submit(draw, step + 1)
                is_due = self.processes.leads and time.time() - saved > pause
                stops, dues = self.step(step, feeds, is_due)
                if step == self.steps:
                    break
                if self.is_moment(step):
                    self.keep(step)
                every = self.training.options.save_every
                if stops or (dues if every is None else step % every == 0):
                    started = time.time()
                    self.save()
                    saved = time.time()
                    # Large checkpoints take a twentieth of the time at most.
                    pause = max(60.0, 20 * (saved - started))
                if stops:
                    raise Stopped
        self.finish()

    def step(self, step: int, feeds: list, is_due: bool) -> tuple[bool, bool]:
        """Whether a process was asked to stop, and whether to save."""
        losses = self.gradients(feeds)
        count, stopped = self.processes.count, self.processes.stopped
        sums = self.processes.sums([*losses.values(), stopped, is_due])
        means = {name: one / count for name, one in zip(losses, sums)}
        norm = self.optimizer.norm()
        minimised = next(iter(means.values()))
        if not (np.isfinite(norm) and np.isfinite(minimised)):
            why = (
                f'training stopped in stage "{self.stage["name"]}" at step'
                f" {step}: {self.where_not_finite(feeds)}"
            )
            self.folder.add_failure(why)
            raise Failure(
                f"{why}; the last checkpoint stays, and --resume goes on"
                " from it"
            )
        rate = learning_rate(self.stage, step, self.steps)
        self.optimizer.step(step, rate, norm)
        self.folder.run["step"] = step
        self.folder.add_metric({
            "stage": self.stage["name"], "step": step, **means,
            "learningRate": rate, "gradientNorm": norm,
        })
        self.told = (
            f"{self.stage['name']}: step {step:,} of {self.steps:,}, loss"
            f" {minimised:#.4g}, {shown(self.folder.seconds())}"
        )
        return sums[-2] > 0, sums[-1] > 0

    def where_not_finite(self, feeds: list) -> str:
        for part in feeds:
            for name, values in part.items():
                if not np.isfinite(values).all():
                    return f"the input {name} is not finite"

        def again() -> None:
            self.call = self.loss
            for part in feeds:
                self.compute(part)

        return not_finite(self.model, self.trained(), again, self.processes)

    def save(self) -> None:
        now = {path: whole(one) for path, one in self.trained().items()}
        kept = self.optimizer.state()
        self.folder.save({**self.training.weights, **now}, kept)
        self.processes.say(self.told)

    def is_moment(self, step: int) -> bool:
        count = self.moments
        return step * count // self.steps > (step - 1) * count // self.steps

    def keep(self, step: int) -> None:
        name = f"{self.stage['name']}-{step:06}"
        self.folder.keep(name, {**self.training.weights, **self.given()})

    def given(self) -> dict[str, Tensor]:
        """What the stage would give now; every process must ask."""
        return {path: whole(self.optimizer.average.get(path, parameter))
                for path, parameter in self.trained().items()}

    def finish(self) -> None:
        """What the stage gives becomes what the next one starts from."""
        self.training.weights.update(self.given())
        if self.folder.run["step"]:
            self.processes.say(self.told)


def measure(training: Training, stage: dict) -> None:
    """Gives latents mean 0 and deviation 1 in each channel over the data, by
    the layers on both sides of them."""
    clips, processes = training.clips, training.processes
    processes.say(f"{stage['name']}: measuring {stage['graph']}")
    model = training.fill(training.Model())
    count = min(clips.count, 500)
    mine = {}
    for i in range(processes.rank, count, processes.count):
        if processes.stopped:
            break
        made = encode(model, stage["graph"], clips, [i * clips.count // count])
        rows = np.moveaxis(made, stage["axis"], 0).astype(np.float64)
        rows = rows.reshape(len(rows), -1)
        mine[i] = rows.sum(1), np.square(rows).sum(1), rows.shape[1]
    processes.require_going()
    found: dict = {}
    for one in processes.gathered(mine):
        found.update(one)
    # In the order of the clips, however many processes there are.
    sums, squares, number = (
        sum(parts) for parts in zip(*(found[i] for i in range(count)))
    )
    mean = sums / number
    deviation = np.sqrt(np.maximum(0, squares / number - mean**2))
    normalise(training.weights, stage, mean, deviation)


def normalise(weights: dict, stage: dict, mean, deviation) -> None:
    """A channel that is the same in all clips keeps its size."""
    sizes = np.where(deviation > 0, deviation, 1)

    def numbers(layer: dict):
        bias = weights[layer["bias"]].numpy().astype(np.float64)
        matrix = weights[layer["weight"]].numpy().astype(np.float64)
        return matrix.reshape(len(bias), -1), bias

    def put(layer: dict, matrix, bias) -> None:
        for name, values in (("weight", matrix), ("bias", bias)):
            old = weights[layer[name]]
            new = torch.from_numpy(values.astype(np.float32))
            weights[layer[name]] = new.reshape(old.shape)

    writer, kept = stage["writer"], len(sizes)
    matrix, bias = numbers(writer)
    matrix[:kept] /= sizes[:, None]
    bias[:kept] = (bias[:kept] - mean / writer["scale"]) / sizes
    put(writer, matrix, bias)
    for reader in stage["readers"]:
        matrix, bias = numbers(reader)
        bias += reader["scale"] * (matrix[:, :kept] @ mean)
        matrix[:, :kept] *= sizes
        put(reader, matrix, bias)


def shown(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{seconds // 60:.0f} min {seconds % 60:.0f} s"

"""Turns a model's many parameters into one vector, so that AdamW, averaging and the exchange between processes are a few operations."""
import os

import torch
import torch.distributed as dist


class FlatAdamW:
    """AdamW with gradient clipping and an exponential average of the weights; gradients are averaged over the processes."""

    def __init__(self, parameters, decay=0.01, betas=(0.9, 0.99), average=0.999, clip=1.0):
        self.parameters = list(parameters)
        self.data = torch.cat([p.detach().reshape(-1) for p in self.parameters])
        self.grad = torch.zeros_like(self.data)
        self.mean, self.square = torch.zeros_like(self.data), torch.zeros_like(self.data)
        self.averaged = self.data.clone()
        self.decay, self.betas, self.average, self.clip, self.steps = decay, betas, average, clip, 0
        offset = 0
        for p in self.parameters:
            size = p.numel()
            p.data = self.data[offset:offset + size].view_as(p)
            p.grad = self.grad[offset:offset + size].view_as(p)
            offset += size

    def step(self, rate):
        """One update; returns the gradient's norm. The average's horizon grows with the steps, so that early weights are forgotten."""
        if dist.is_initialized():
            dist.all_reduce(self.grad)
            self.grad.div_(dist.get_world_size())
        self.steps += 1
        norm = float(self.grad.norm())
        if norm > self.clip:
            self.grad.mul_(self.clip / norm)
        first, second = self.betas
        self.mean.mul_(first).add_(self.grad, alpha=1 - first)
        self.square.mul_(second).addcmul_(self.grad, self.grad, value=1 - second)
        scale = (1 - second ** self.steps) ** 0.5
        denominator = self.square.sqrt().div_(scale).add_(1e-8)
        self.data.mul_(1 - rate * self.decay).addcdiv_(self.mean, denominator, value=-rate / (1 - first ** self.steps))
        kept = min(self.average, (1 + self.steps) / (10 + self.steps))
        self.averaged.mul_(kept).add_(self.data, alpha=1 - kept)
        self.grad.zero_()
        return norm

    def state(self):
        return {k: getattr(self, k) for k in ("data", "mean", "square", "averaged", "steps")}

    def restore(self, state):
        for k in ("data", "mean", "square", "averaged"):
            getattr(self, k).copy_(state[k])
        self.steps = state["steps"]

    def swap(self):
        """Exchanges the weights with their average (call again to go back)."""
        kept = self.data.clone()
        self.data.copy_(self.averaged)
        self.averaged.copy_(kept)


def spawn(work, processes, *arguments):
    """Runs work(rank, processes, *arguments) in that many processes of one thread each, joined by gloo."""
    if processes == 1:
        torch.set_num_threads(1)
        work(0, 1, *arguments)
        return
    torch.multiprocessing.spawn(_join, args=(processes, work, arguments, 20000 + os.getpid() % 20000), nprocs=processes)


def _join(rank, processes, work, arguments, port):
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=processes)
    work(rank, processes, *arguments)

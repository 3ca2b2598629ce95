"""Trains golden/training/tiny.mv, written by hand in PyTorch, for 200 steps into golden/training/tiny.safetensors.

Weights start by make_goldens.py's rule. Clip i of 12 has pixel (37 i + 29 f + 5 y + 3 x + 80 c) mod 256 and the caption of two words below. Everything
random of example e of step s comes from the stream (s, e, fnv1a32("tiny/PURPOSE")) of seed 3: the clip, the level, whether the caption is dropped, the noise.
The batch is 4 clips; PyTorch's own AdamW, clip_grad_norm_ and schedulers take the steps.
"""
import math
import os

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

import tensors
from counter_random import fnv1a32, normals, uniforms
from make_goldens import weight
from sampler import alpha_bars

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../training")
SEED, STEPS, BATCH, CLIPS, WARMUP, RATE = 3, 200, 4, 12, 20, 2e-3
WORDS = {"red": 2, "green": 3, "blue": 4, "grey": 5, "one": 6, "two": 7}


class Tiny(nn.Module):
    def __init__(self):
        super().__init__()
        self.text = nn.Embedding(32, 8)
        self.step, self.query, self.key, self.value = (nn.Linear(8, 8) for _ in range(4))
        self.enter, self.leave = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 3, 3, padding=1)
        self.norm, self.normTime = nn.GroupNorm(2, 8), nn.LayerNorm(8)

    def forward(self, z, t, tokens):
        b, f, _, h, w = z.shape
        angles = t[:, None] * torch.exp(-math.log(10000) * torch.arange(4) / 4)
        told = self.step(torch.cat([angles.cos(), angles.sin()], 1)) + self.text(tokens).mean(1)
        x = F.silu(self.norm(self.enter(z.flatten(0, 1)))).view(b, f, 8, h, w) + told[:, None, :, None, None]
        q = self.normTime(x.permute(0, 3, 4, 1, 2).reshape(b * h * w, f, 8))
        heads = lambda y: y.view(b * h * w, f, 2, 4).transpose(1, 2)
        q, k, v = heads(self.query(q)), heads(self.key(q)), heads(self.value(q))
        a = (q @ k.transpose(-1, -2) / 2).masked_fill(torch.ones(f, f).triu(1).bool(), -math.inf).softmax(-1) @ v
        moved = a.transpose(1, 2).reshape(b, h, w, f, 8).permute(0, 3, 4, 1, 2)
        return self.leave((x + moved).flatten(0, 1)).view(b, f, 3, h, w)


def clip(i):
    f, c, y, x = np.meshgrid(np.arange(2), np.arange(3), np.arange(8), np.arange(8), indexing="ij")
    return ((37 * i + 29 * f + 5 * y + 3 * x + 80 * c) % 256 / 127.5 - 1).astype(np.float32)


def caption(i):
    return [WORDS[("red", "green", "blue", "grey")[i % 4]], WORDS[("one", "two")[i % 2]]] + [0] * 6


def batch(step, bars):
    clips, noise, times, tokens = [], [], [], []
    for example in range(BATCH):
        stream = lambda purpose: (step, example, fnv1a32(f"tiny/{purpose}"))
        i = int(float(uniforms(SEED, stream("clip"), 1)[0]) * CLIPS)
        clips.append(clip(i))
        times.append(int(float(uniforms(SEED, stream("level"), 1)[0]) ** 0.6 * 1000))
        tokens.append([0] * 8 if uniforms(SEED, stream("dropped"), 1)[0] < 0.2 else caption(i))
        noise.append(normals(SEED, stream("noise noise"), 2 * 3 * 8 * 8).reshape(2, 3, 8, 8))
    a = torch.tensor(bars[times], dtype=torch.float32).view(-1, 1, 1, 1, 1)
    tensors_of = [torch.from_numpy(np.stack(part)) for part in (clips, noise)]
    return *tensors_of, a.sqrt(), (1 - a).sqrt(), torch.tensor(times, dtype=torch.float32), torch.tensor(tokens)


def optimizer_of(groups):
    """A straight line up to step WARMUP, then half a cosine to a tenth at the last step."""
    adam = torch.optim.AdamW(groups, lr=RATE, betas=(0.9, 0.99), eps=1e-8)
    up = torch.optim.lr_scheduler.LinearLR(adam, 1 / WARMUP, 1, WARMUP - 1)
    down = torch.optim.lr_scheduler.LambdaLR(adam, lambda i: 0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi * (i + 1) / (STEPS - WARMUP))))
    return adam, torch.optim.lr_scheduler.SequentialLR(adam, [up, down], [WARMUP])


def train():
    model, average, bars = Tiny(), {}, np.asarray(alpha_bars("cosine"))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(weight(f"net.{name}", tuple(parameter.shape)))
            average[name] = parameter.clone()
    named = dict(model.named_parameters())
    norms = [p for n, p in named.items() if n.startswith("norm")]
    others = [p for n, p in named.items() if not n.startswith(("norm", "text"))]
    text = {"params": [named["text.weight"]], "lr": RATE / 2, "weight_decay": 0.1}
    adam, schedule = optimizer_of([{"params": others, "weight_decay": 0.1}, {"params": norms, "weight_decay": 0.0}, text])
    losses, gradient_norms, rates = [], [], []
    for step in range(1, STEPS + 1):
        x, noise, a, s, t, tokens = batch(step, bars)
        loss = (model(a * x + s * noise, t, tokens) - (a * noise - s * x)).square().mean()
        adam.zero_grad()
        loss.backward()
        gradient_norms.append(float(nn.utils.clip_grad_norm_(model.parameters(), 0.5)))
        rates.append(adam.param_groups[0]["lr"])
        adam.step()
        schedule.step()
        losses.append(float(loss.detach()))
        kept = min(0.99, (1 + step) / (10 + step))
        with torch.no_grad():
            for name, parameter in named.items():
                average[name].lerp_(parameter, 1 - kept)
    trained = {f"value net.{n}": p.detach().numpy() for n, p in named.items()}
    averages = {f"average net.{n}": p.numpy() for n, p in average.items()}
    figures = {"losses": losses, "gradientNorms": gradient_norms, "rates": rates}
    assert losses[-1] < 0.7 * losses[0] and np.isfinite(losses).all()
    return {**{n: np.float32(v) for n, v in figures.items()}, **trained, **averages}


if __name__ == "__main__":
    torch.set_num_threads(1)
    first, second = train(), train()
    assert all((first[name] == second[name]).all() for name in first)
    print(first["losses"][::20], first["gradientNorms"][::20])
    tensors.save(f"{FOLDER}/tiny.safetensors", first)

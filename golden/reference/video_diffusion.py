"""The U-Net of Video Diffusion Models in plain PyTorch, written by hand from the paper and the choices that models/video-diffusion/unet.mv names.

Parameter names are that file's weight paths. Frames are folded into the batch, [B * F, C, H, W], so that nothing but `Time` can mix them.
"""
from dataclasses import dataclass
from typing import Tuple

import torch
from torch import nn
from torch.nn import functional as F

from layers import Attention, Indexed, Level, sinusoid


@dataclass(frozen=True)
class Config:
    F: int = 16
    D: int = 1024
    E: int = 1024
    levels: Tuple[Tuple[int, bool], ...] = ((256, False), (512, True), (1024, True), (2048, True))
    units: int = 2
    one_more: bool = True
    head_width: int = 64
    layers: int = 4
    groups: int = 32


class ResBlock(nn.Module):
    def __init__(self, config, channels, out):
        super().__init__()
        self.norm1 = nn.GroupNorm(config.groups, channels)
        self.conv1 = nn.Conv2d(channels, out, 3, padding=1)
        self.given = nn.Linear(config.E, out)
        self.norm2 = nn.GroupNorm(config.groups, out)
        self.conv2 = nn.Conv2d(out, out, 3, padding=1)
        if out != channels:
            self.skip = nn.Conv2d(channels, out, 1)

    def forward(self, x, given):
        s = self.given(F.silu(given)).repeat_interleave(x.shape[0] // given.shape[0], 0)
        h = self.conv1(F.silu(self.norm1(x))) + s[:, :, None, None]
        return self.conv2(F.silu(self.norm2(h))) + (self.skip(x) if hasattr(self, "skip") else x)


class Space(nn.Module):
    def __init__(self, config, channels):
        super().__init__()
        self.norm = nn.GroupNorm(config.groups, channels)
        self.attention = Attention(channels, channels, channels // config.head_width, bias=True)

    def forward(self, x):
        n = self.norm(x).flatten(2).transpose(1, 2)
        return x + self.attention(n, n).transpose(1, 2).reshape(x.shape)


class Time(nn.Module):
    """Scores of query i and key j are q_i (k_j + a_(j-i)) / sqrt(d), with one table `a` for all heads: rows looked up one by one."""

    def __init__(self, config, channels):
        super().__init__()
        self.frames, self.width = config.F, config.head_width
        self.norm = nn.GroupNorm(config.groups, channels)
        self.query, self.key, self.value = (nn.Linear(channels, channels) for _ in range(3))
        self.distances = nn.ModuleDict({"table": nn.Linear(self.width, 2 * config.F - 1, bias=False)})
        self.project = nn.Linear(channels, channels)

    def forward(self, x):
        bf, c, h, w = x.shape
        f, d = self.frames, self.width
        n = self.norm(x).view(-1, f, c, h * w).permute(0, 3, 1, 2).reshape(-1, f, c)
        query, key, value = (made(n).view(-1, f, c // d, d).transpose(1, 2) for made in (self.query, self.key, self.value))
        frames = torch.arange(f)
        between = self.distances["table"].weight[frames[None, :] - frames[:, None] + f - 1]
        keys = key[:, :, None] + between[None, None]
        scores = (query[:, :, :, None] * keys).sum(-1) * d ** -0.5
        y = (scores.softmax(-1)[..., None] * value[:, :, None]).sum(-2)
        y = self.project(y.transpose(1, 2).reshape(-1, f, c))
        return x + y.view(-1, h * w, f, c).permute(0, 2, 3, 1).reshape(bf, c, h, w)


class Conditions(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.width = config.levels[0][0]
        self.score = nn.Linear(config.D, 1)
        self.step = nn.Linear(self.width, config.E)
        self.text = nn.Linear(config.D, config.E)
        self.layer = Indexed(nn.ModuleDict({"linear": nn.Linear(config.E, config.E)}) for _ in range(config.layers - 1))

    def forward(self, t, text):
        pooled = torch.einsum("bl,bld->bd", self.score(text)[:, :, 0].softmax(-1), text)
        h = self.step(sinusoid(t, self.width)) + self.text(pooled)
        for layer in self.layer:
            h = layer["linear"](F.silu(h))
        return h


class Unit(nn.Module):
    def __init__(self, config, channels, width, attends):
        super().__init__()
        self.res = ResBlock(config, channels, width)
        if attends:
            self.space, self.time = Space(config, width), Time(config, width)

    def forward(self, h, given):
        h = self.res(h, given)
        return self.time(self.space(h)) if hasattr(self, "time") else h


class UNet(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.one_more = config.one_more
        channels = config.levels[0][0]
        self.conditions = Conditions(config)
        self.stem = nn.Conv2d(3, channels, 3, padding=1)
        kept, last, downs, ups = [channels] if self.one_more else [], len(config.levels) - 1, [], []
        for i, (width, attends) in enumerate(config.levels):
            units = []
            for _ in range(config.units):
                units.append(Unit(config, channels, width, attends))
                channels = width
                kept.append(width)
            if i < last and self.one_more:
                kept.append(width)
            downs.append(Level(units, halve=nn.Conv2d(width, width, 3, 2, 1) if i < last else None))
        self.down = Indexed(downs)
        self.mid1, self.mid2 = ResBlock(config, channels, channels), ResBlock(config, channels, channels)
        self.space, self.time = Space(config, channels), Time(config, channels)
        for i, (width, attends) in enumerate(reversed(config.levels)):
            units = []
            for _ in range(config.units + (1 if self.one_more else 0)):
                units.append(Unit(config, channels + kept.pop(), width, attends))
                channels = width
            ups.append(Level(units, double=nn.Conv2d(width, width, 3, padding=1) if i < last else None))
        self.up = Indexed(ups)
        self.norm = nn.GroupNorm(config.groups, channels)
        self.head = nn.Conv2d(channels, 3, 3, padding=1)

    def forward(self, x, t, text):
        """Clips [B, F, 3, H, W], steps [B], text [B, L, D]."""
        given = self.conditions(t, text)
        h = self.stem(x.flatten(0, 1))
        kept = [h] if self.one_more else []
        for level in self.down:
            for unit in level.unit:
                h = unit(h, given)
                kept.append(h)
            if hasattr(level, "halve"):
                h = level.halve(h)
                if self.one_more:
                    kept.append(h)
        h = self.mid2(self.time(self.space(self.mid1(h, given))), given)
        for level in self.up:
            for unit in level.unit:
                h = unit(torch.cat([h, kept.pop()], 1), given)
            h = level.doubled(h)
        return self.head(F.silu(self.norm(h))).view(x.shape)

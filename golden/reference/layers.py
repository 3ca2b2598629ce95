"""What the parts of the reference share: the configuration, attention, the adaptor and attention along time, and levels of units."""
import math
from dataclasses import dataclass, replace
from typing import Tuple

import torch
from torch import nn
from torch.nn import functional as F


@dataclass(frozen=True)
class Config:
    H: int = 32
    W: int = 32
    F: int = 16
    L: int = 77
    D: int = 768
    Z: int = 4
    levels: Tuple[Tuple[int, bool], ...] = ((320, True), (640, True), (1280, True), (1280, False))
    units: int = 2
    heads: int = 8
    groups: int = 32
    spatial: bool = True
    composition: str = "parallel"
    adaptor: bool = True
    time: str = "directed"
    video_vae: bool = True
    vocabulary: int = 49408
    text_layers: int = 12
    text_heads: int = 12
    vae_widths: Tuple[int, ...] = (128, 256, 512, 512)
    latent_scale: float = 0.18215


FULL = Config()
MINI = Config(H=8, W=8, L=16, D=96, levels=((48, True), (96, True)), units=1, heads=4, groups=8, vocabulary=32, text_layers=2,
              text_heads=4, vae_widths=(16, 24, 32, 64), latent_scale=1.0)
ABLATIONS = {
    "NoAdaptor": dict(adaptor=False),
    "Undirected": dict(time="full"),
    "SpatialOnly": dict(time="none"),
    "TemporalOnly": dict(spatial=False),
    "ImageVae": dict(video_vae=False),
    "Series": dict(composition="series"),
    "ImageModel": dict(adaptor=False, time="none", video_vae=False),
}


def ablate(config, name):
    return replace(config, **ABLATIONS[name])


# --- ops -----------------------------------------------------------------------------------------------------------

def attend(query, key, value, heads, causal=False):
    """softmax(Q K^T / sqrt(d)) V of [N, S, C] with C split as [heads, d]; bmm, because baddbmm(beta=0) of torch 1.13 is broken."""
    n, s, c = query.shape
    t, d = key.shape[1], c // heads

    def split(x):
        return x.view(n, -1, heads, d).transpose(1, 2).reshape(n * heads, -1, d)

    scores = torch.bmm(split(query), split(key).transpose(-1, -2)) * d ** -0.5
    if causal:
        scores = scores + torch.full((s, t), float("-inf")).triu(1)
    out = torch.bmm(scores.softmax(-1), split(value))
    return out.view(n, heads, s, d).transpose(1, 2).reshape(n, s, c)


def geglu(x):
    value, gate = x.chunk(2, dim=-1)
    return value * F.gelu(gate)


def quick_gelu(x):
    return x * torch.sigmoid(1.702 * x)


def sinusoid(t, n):
    """[B] to [B, n]: cosines, then sines, of frequencies exp(-ln(10000) i / (n / 2))."""
    frequency = torch.exp(-math.log(10000) * torch.arange(n // 2, dtype=torch.float32) / (n // 2))
    angle = t.float()[:, None] * frequency[None]
    return torch.cat([angle.cos(), angle.sin()], -1)


# --- what the parts share (video.mv) -------------------------------------------------------------------------------

class Indexed(nn.Module):
    """A `repeat`: children named 0, 1, 2."""

    def __init__(self, children):
        super().__init__()
        for i, child in enumerate(children):
            self.add_module(str(i), child)

    def __iter__(self):
        return iter(self.children())


class Adaptor(nn.Module):
    def __init__(self, frames, channels):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(frames, channels))
        self.shift = nn.Parameter(torch.zeros(frames, channels))

    def forward(self, x):
        frames, c = self.scale.shape
        clips = x.view(-1, frames, c, *x.shape[2:])
        clips = clips * self.scale.view(1, frames, c, 1, 1) + self.shift.view(1, frames, c, 1, 1)
        return clips.view_as(x)


class Attention(nn.Module):
    def __init__(self, width, context, heads, causal=False, bias=False, zeros=False):
        super().__init__()
        self.heads, self.causal = heads, causal
        self.query = nn.Linear(width, width, bias=bias)
        self.key = nn.Linear(context, width, bias=bias)
        self.value = nn.Linear(context, width, bias=bias)
        self.project = nn.Linear(width, width)
        if zeros:
            nn.init.zeros_(self.project.weight)
            nn.init.zeros_(self.project.bias)

    def forward(self, x, context):
        return self.project(attend(self.query(x), self.key(context), self.value(context), self.heads, self.causal))


class Time(nn.Module):
    """Attention along time at each pixel; directed, frame i sees the frames 0 to i."""

    def __init__(self, config, channels):
        super().__init__()
        self.frames = config.F
        self.norm = nn.LayerNorm(channels)
        self.attention = Attention(channels, channels, config.heads, causal=config.time == "directed", zeros=True)

    def forward(self, x):
        bf, c, h, w = x.shape
        b = bf // self.frames
        pixels = x.view(b, self.frames, c, h * w).permute(0, 3, 1, 2).reshape(b * h * w, self.frames, c)
        n = self.norm(pixels)
        y = self.attention(n, n)
        return y.view(b, h * w, self.frames, c).permute(0, 2, 3, 1).reshape(bf, c, h, w)


class Level(nn.Module):
    """`halve` or `double` is None at the last level. Trap: nn.Module has a method `double`, so the child is reached by `doubled`."""

    def __init__(self, units, halve=None, double=None):
        super().__init__()
        self.unit = Indexed(units)
        if halve is not None:
            self.halve = halve
        if double is not None:
            self._modules["double"] = double

    def doubled(self, x):
        child = self._modules.get("double")
        return x if child is None else child(F.interpolate(x, scale_factor=2, mode="nearest"))

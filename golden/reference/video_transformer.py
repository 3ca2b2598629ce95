"""The video transformer of models/video-transformer by hand: a configuration into a model on clips [B, F, Z, H, W], with the weight names of its source.

Each of its parts is published: RMSNorm (Zhang and Sennrich, 2019), adaLN-Zero (Peebles and Xie, 2023), a bias by relative position (Liu et al., 2021, Swin),
rotary embedding (Su et al., 2021), query and key norms (Henry et al., 2020), GEGLU (Shazeer, 2020)."""
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from layers import Indexed, geglu, sinusoid
from make_goldens import biased_attention, rotary
from transformer import RMSNorm


@dataclass(frozen=True)
class Config:
    F: int = 16
    H: int = 32
    W: int = 32
    Z: int = 4
    width: int = 384
    depth: int = 12
    heads: int = 6
    patch: int = 2
    classes: int = 100


class Adapted(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.norm, self.told = RMSNorm(c), nn.Linear(c, 3 * c)

    def forward(self, x, given):
        scale, shift, gate = self.told(F.silu(given))[:, None, None, None].chunk(3, -1)
        return self.norm(x) * (1 + scale) + shift, gate


class Near(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.conv = nn.Conv3d(c, c, 3, groups=c)

    def forward(self, x):
        """Two frames of zeros before the first, one token of zeros around each frame."""
        return self.conv(F.pad(x.permute(0, 4, 1, 2, 3), (1, 1, 1, 1, 2, 0))).permute(0, 2, 3, 4, 1)


class Heads(nn.Module):
    def __init__(self, c, heads):
        super().__init__()
        self.heads, self.project, self.norm = heads, nn.Linear(c, c, bias=False), RMSNorm(c // heads)

    def forward(self, x):
        return self.norm(self.project(x).unflatten(-1, (self.heads, -1)))


class Attention(nn.Module):
    def __init__(self, c, heads):
        super().__init__()
        self.heads, self.query, self.key = heads, Heads(c, heads), Heads(c, heads)
        self.value, self.project = nn.Linear(c, c), nn.Linear(c, c)


class Space(Attention):
    def __init__(self, c, heads, h, w):
        super().__init__(c, heads)
        self.position = nn.Parameter(torch.zeros(heads, (2 * h - 1) * (2 * w - 1)))

    def forward(self, x):
        b, f, h, w, c = x.shape
        # The bias of a query at (y, x) and a key at (v, u) is the table's at row y - v and column x - u, both counted from the least.
        table = self.position.view(self.heads, 2 * h - 1, 2 * w - 1)
        bias = torch.stack([table[:, y:y + h, x:x + w].flip(1, 2).flatten(1) for y in range(h) for x in range(w)], 1)
        n = x.reshape(b * f, h * w, c)
        y = biased_attention(self.query(n).flatten(2), self.key(n).flatten(2), self.value(n), bias, self.heads, False)
        return self.project(y).view(x.shape)


class Time(Attention):
    def forward(self, x):
        b, f, h, w, c = x.shape
        n, frames = x.permute(0, 2, 3, 1, 4).reshape(b * h * w, f, c), torch.arange(f)[:, None]
        q, k = (rotary(part(n), frames).flatten(2) for part in (self.query, self.key))
        y = biased_attention(q, k, self.value(n), 0.0, self.heads, True)
        return self.project(y).view(b, h, w, f, c).permute(0, 3, 1, 2, 4)


class Block(nn.Module):
    def __init__(self, config):
        super().__init__()
        c, p = config.width, config.patch
        self.adaptNear, self.adaptSpace, self.adaptTime, self.adaptLayer = (Adapted(c) for _ in range(4))
        self.near, self.time = Near(c), Time(c, config.heads)
        self.space = Space(c, config.heads, config.H // p, config.W // p)
        self.widen, self.narrow = nn.Linear(c, 8 * c), nn.Linear(4 * c, c)

    def forward(self, x, given):
        layer = lambda n: self.narrow(geglu(self.widen(n)))  # noqa: E731
        for adapt, branch in ((self.adaptNear, self.near), (self.adaptSpace, self.space), (self.adaptTime, self.time), (self.adaptLayer, layer)):
            n, gate = adapt(x, given)
            x = x + gate * branch(n)
        return x


class VideoTransformer(nn.Module):
    def __init__(self, config):
        super().__init__()
        c, p = config.width, config.patch
        self.config, self.step1, self.step2 = config, nn.Linear(c, c), nn.Linear(c, c)
        self.label, self.patches = nn.Embedding(config.classes + 1, c), nn.Conv2d(config.Z, c, p, p)
        self.block = Indexed([Block(config) for _ in range(config.depth)])
        self.norm, self.head = RMSNorm(c), nn.Linear(c, p * p * config.Z)

    def forward(self, z, t, label):
        b, f, _, _, _ = z.shape
        given = self.step2(F.silu(self.step1(sinusoid(t, self.config.width)))) + self.label(label)
        x = self.patches(z.flatten(0, 1)).unflatten(0, (b, f)).permute(0, 1, 3, 4, 2)
        for block in self.block:
            x = block(x, given)
        # A token's numbers are its pixels, row by row, each with its channels; `pixel_shuffle` wants the channels first.
        tokens = self.head(self.norm(x)).unflatten(-1, (self.config.patch ** 2, -1)).transpose(-1, -2).flatten(-2)
        return F.pixel_shuffle(tokens.permute(0, 1, 4, 2, 3), self.config.patch)

"""MagicVideo in plain PyTorch, written by hand from the paper and from models/*.mv: the oracle the compiled graphs are compared with.

Parameter names are the weight paths of the .mv files. Clips are [B, F, C, H, W]; inside the blocks the frames are
folded into the batch, [B * F, C, H, W], so that nothing but `Time` can mix them.
"""
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


# --- the text encoder (clip.mv) ------------------------------------------------------------------------------------

class ClipLayer(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attention = Attention(width, width, heads, causal=True, bias=True)
        self.norm2 = nn.LayerNorm(width)
        self.widen = nn.Linear(width, 4 * width)
        self.narrow = nn.Linear(4 * width, width)

    def forward(self, h):
        n = self.norm1(h)
        h = h + self.attention(n, n)
        return h + self.narrow(quick_gelu(self.widen(self.norm2(h))))


class ClipText(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.token = nn.Embedding(config.vocabulary, config.D)
        self.position = nn.Parameter(torch.randn(config.L, config.D) * 0.01)
        self.layer = Indexed(ClipLayer(config.D, config.text_heads) for _ in range(config.text_layers))
        self.norm = nn.LayerNorm(config.D)

    def forward(self, tokens):
        h = self.token(tokens) + self.position[None]
        for layer in self.layer:
            h = layer(h)
        return self.norm(h)


# --- the U-Net (magicvideo.mv) -------------------------------------------------------------------------------------

class FrameConv(nn.Module):
    def __init__(self, config, channels, out=None, stride=1):
        super().__init__()
        self.conv = nn.Conv2d(channels, out or channels, 3, stride, 1)
        if config.adaptor:
            self.adaptor = Adaptor(config.F, out or channels)

    def forward(self, x):
        y = self.conv(x)
        return self.adaptor(y) if hasattr(self, "adaptor") else y


class ResBlock(nn.Module):
    def __init__(self, config, channels, embedding, out=None):
        super().__init__()
        out = out or channels
        self.norm1 = nn.GroupNorm(config.groups, channels)
        self.conv1 = FrameConv(config, channels, out)
        self.step = nn.Linear(embedding, out)
        self.norm2 = nn.GroupNorm(config.groups, out)
        self.conv2 = FrameConv(config, out)
        if out != channels:
            self.skip = nn.Conv2d(channels, out, 1)

    def forward(self, x, step):
        h = self.conv1(F.silu(self.norm1(x)))
        s = self.step(F.silu(step)).repeat_interleave(x.shape[0] // step.shape[0], 0)
        y = self.conv2(F.silu(self.norm2(h + s[:, :, None, None])))
        return y + (self.skip(x) if hasattr(self, "skip") else x)


class Space(nn.Module):
    def __init__(self, config, channels):
        super().__init__()
        self.norm = nn.GroupNorm(config.groups, channels, eps=1e-6)
        self.enter = nn.Conv2d(channels, channels, 1)
        if config.spatial:
            self.norm1 = nn.LayerNorm(channels)
            self.self = Attention(channels, channels, config.heads)
        self.norm2 = nn.LayerNorm(channels)
        self.cross = Attention(channels, config.D, config.heads)
        self.norm3 = nn.LayerNorm(channels)
        self.widen = nn.Linear(channels, 8 * channels)
        self.narrow = nn.Linear(4 * channels, channels)
        self.leave = nn.Conv2d(channels, channels, 1)

    def forward(self, x, text):
        bf, c, h, w = x.shape
        t = self.enter(self.norm(x)).flatten(2).transpose(1, 2)
        if hasattr(self, "self"):
            n = self.norm1(t)
            t = t + self.self(n, n)
        t = t + self.cross(self.norm2(t), text.repeat_interleave(bf // text.shape[0], 0))
        t = t + self.narrow(geglu(self.widen(self.norm3(t))))
        return x + self.leave(t.transpose(1, 2).reshape(bf, c, h, w))


class SpaceTime(nn.Module):
    def __init__(self, config, channels):
        super().__init__()
        self.series = config.composition == "series"
        self.space = Space(config, channels)
        if config.adaptor:
            self.adaptor = Adaptor(config.F, channels)
        if config.time != "none":
            self.time = Time(config, channels)

    def forward(self, x, text):
        space = self.space(x, text)
        if hasattr(self, "adaptor"):
            space = self.adaptor(space)
        if not hasattr(self, "time"):
            return space
        return space + self.time(space if self.series else x)


class Unit(nn.Module):
    def __init__(self, config, channels, embedding, width, attends):
        super().__init__()
        self.res = ResBlock(config, channels, embedding, width)
        if attends:
            self.attend = SpaceTime(config, width)

    def forward(self, h, step, text):
        h = self.res(h, step)
        return self.attend(h, text) if hasattr(self, "attend") else h


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


class UNet(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.width = config.levels[0][0]
        embedding = 4 * self.width
        self.step1 = nn.Linear(self.width, embedding)
        self.step2 = nn.Linear(embedding, embedding)
        self.stem = FrameConv(config, config.Z, self.width)
        channels, skips, last = self.width, [self.width], len(config.levels) - 1
        downs = []
        for i, (width, attends) in enumerate(config.levels):
            units = []
            for _ in range(config.units):
                units.append(Unit(config, channels, embedding, width, attends))
                channels = width
                skips.append(width)
            if i < last:
                skips.append(width)
            downs.append(Level(units, halve=FrameConv(config, width, stride=2) if i < last else None))
        self.down = Indexed(downs)
        self.mid1 = ResBlock(config, channels, embedding)
        self.attend = SpaceTime(config, channels)
        self.mid2 = ResBlock(config, channels, embedding)
        ups = []
        for i, (width, attends) in enumerate(reversed(config.levels)):
            units = []
            for _ in range(config.units + 1):
                units.append(Unit(config, channels + skips.pop(), embedding, width, attends))
                channels = width
            ups.append(Level(units, double=FrameConv(config, width) if i < last else None))
        self.up = Indexed(ups)
        self.norm = nn.GroupNorm(config.groups, channels)
        self.head = FrameConv(config, channels, config.Z)

    def forward(self, z, t, text):
        b, f, c, h, w = z.shape
        step = self.step2(F.silu(self.step1(sinusoid(t, self.width))))
        x = self.stem(z.reshape(b * f, c, h, w))
        skips = [x]
        for level in self.down:
            for unit in level.unit:
                x = unit(x, step, text)
                skips.append(x)
            if hasattr(level, "halve"):
                x = level.halve(x)
                skips.append(x)
        x = self.mid2(self.attend(self.mid1(x, step), text), step)
        for level in self.up:
            for unit in level.unit:
                x = unit(torch.cat([x, skips.pop()], 1), step, text)
            x = level.doubled(x)
        return self.head(F.silu(self.norm(x))).view(b, f, c, h, w)


# --- the autoencoder (vae.mv) --------------------------------------------------------------------------------------

class VaeRes(nn.Module):
    def __init__(self, groups, channels, out=None):
        super().__init__()
        out = out or channels
        self.norm1 = nn.GroupNorm(groups, channels, eps=1e-6)
        self.conv1 = nn.Conv2d(channels, out, 3, 1, 1)
        self.norm2 = nn.GroupNorm(groups, out, eps=1e-6)
        self.conv2 = nn.Conv2d(out, out, 3, 1, 1)
        if out != channels:
            self.skip = nn.Conv2d(channels, out, 1)

    def forward(self, x):
        y = self.conv2(F.silu(self.norm2(self.conv1(F.silu(self.norm1(x))))))
        return y + (self.skip(x) if hasattr(self, "skip") else x)


class VaeUnit(nn.Module):
    def __init__(self, res):
        super().__init__()
        self.res = res

    def forward(self, x):
        return self.res(x)


class VaeAttention(nn.Module):
    def __init__(self, groups, channels):
        super().__init__()
        self.norm = nn.GroupNorm(groups, channels, eps=1e-6)
        self.attention = Attention(channels, channels, 1, bias=True)

    def forward(self, x):
        n = self.norm(x).flatten(2).transpose(1, 2)
        return x + self.attention(n, n).transpose(1, 2).reshape(x.shape)


class ImageEncoder(nn.Module):
    def __init__(self, config):
        super().__init__()
        widths, groups = config.vae_widths, config.groups
        self.stem = nn.Conv2d(3, widths[0], 3, 1, 1)
        downs, channels = [], widths[0]
        for i, width in enumerate(widths):
            units = [VaeUnit(VaeRes(groups, channels, width)), VaeUnit(VaeRes(groups, width))]
            downs.append(Level(units, halve=nn.Conv2d(width, width, 3, 2, 0) if i + 1 < len(widths) else None))
            channels = width
        self.down = Indexed(downs)
        self.mid1 = VaeRes(groups, channels)
        self.attend = VaeAttention(groups, channels)
        self.mid2 = VaeRes(groups, channels)
        self.norm = nn.GroupNorm(groups, channels, eps=1e-6)
        self.head = nn.Conv2d(channels, 2 * config.Z, 3, 1, 1)
        self.quant = nn.Conv2d(2 * config.Z, 2 * config.Z, 1)

    def moments(self, x):
        """[N, 3, H, W] to mean and log-variance, each [N, Z, h, w]."""
        x = self.stem(x)
        for level in self.down:
            for unit in level.unit:
                x = unit(x)
            if hasattr(level, "halve"):
                x = level.halve(F.pad(x, (0, 1, 0, 1)))
        x = self.mid2(self.attend(self.mid1(x)))
        return self.quant(self.head(F.silu(self.norm(x)))).chunk(2, 1)

    def forward(self, x):
        b, f = x.shape[:2]
        mean, _ = self.moments(x.flatten(0, 1))
        return mean.view(b, f, *mean.shape[1:])


class VaeLevel(Level):
    def __init__(self, units, double=None, time2=None):
        super().__init__(units, double=double)
        if time2 is not None:
            self.time2 = time2


class VideoDecoder(nn.Module):
    def __init__(self, config):
        super().__init__()
        widths, groups = config.vae_widths[::-1], config.groups
        timed = config.video_vae and config.time != "none"
        deepest = widths[0]
        self.quant = nn.Conv2d(config.Z, config.Z, 1)
        self.stem = nn.Conv2d(config.Z, deepest, 3, 1, 1)
        self.mid1 = VaeRes(groups, deepest)
        self.attend = VaeAttention(groups, deepest)
        self.mid2 = VaeRes(groups, deepest)
        if timed:
            self.time1 = Time(config, deepest)
        ups, channels = [], deepest
        for i, width in enumerate(widths):
            units = [VaeUnit(VaeRes(groups, channels if j == 0 else width, width)) for j in range(3)]
            double = nn.Conv2d(width, width, 3, 1, 1) if i + 1 < len(widths) else None
            ups.append(VaeLevel(units, double, Time(config, width) if i == 0 and timed else None))
            channels = width
        self.up = Indexed(ups)
        self.norm = nn.GroupNorm(groups, channels, eps=1e-6)
        self.head = nn.Conv2d(channels, 3, 3, 1, 1)

    def frames(self, z, timed=True):
        """[B * F, Z, h, w] to [B * F, 3, H, W]; `timed=False` skips attention along time (the frames need no order then)."""
        h = self.mid2(self.attend(self.mid1(self.stem(self.quant(z)))))
        if timed and hasattr(self, "time1"):
            h = h + self.time1(h)
        for level in self.up:
            for unit in level.unit:
                h = unit(h)
            if timed and hasattr(level, "time2"):
                h = h + level.time2(h)
            h = level.doubled(h)
        return self.head(F.silu(self.norm(h)))

    def forward(self, z):
        b, f = z.shape[:2]
        x = self.frames(z.flatten(0, 1))
        return x.view(b, f, *x.shape[1:])


class MagicVideo(nn.Module):
    """The four graphs of magicvideo.mv."""

    def __init__(self, config):
        super().__init__()
        self.config = config
        self.text = ClipText(config)
        self.unet = UNet(config)
        self.encoder = ImageEncoder(config)
        self.decoder = VideoDecoder(config)

    def encode_text(self, tokens):
        """i32 [B, L] to [B, L, D]."""
        return self.text(tokens)

    def denoise(self, z, t, text):
        """z [B, F, Z, H, W] of any number of clips, t [B], text [B, L, D]."""
        return self.unet(z, t, text)

    def decode(self, z):
        return self.decoder(z / self.config.latent_scale)

    def encode(self, x):
        return self.encoder(x) * self.config.latent_scale

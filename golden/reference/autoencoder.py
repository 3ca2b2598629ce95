"""The image autoencoder, and MagicVideo's decoder with attention along time (vae.mv). Pixels are in -1..1."""
import torch
from torch import nn
from torch.nn import functional as F

from layers import Attention, Indexed, Level, Time


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

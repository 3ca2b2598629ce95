"""MagicVideo in plain PyTorch, written by hand from the paper and from models/*.mv: the oracle the compiled graphs are compared with.

Parameter names are the weight paths of the .mv files. Clips are [B, F, C, H, W]; inside the blocks the frames are
folded into the batch, [B * F, C, H, W], so that nothing but `Time` can mix them.
"""
import torch
from torch import nn
from torch.nn import functional as F

import layers
from autoencoder import ImageEncoder, VaeAttention, VaeRes, VideoDecoder
from layers import ABLATIONS, FULL, MINI, Adaptor, Attention, Config, Indexed, Level, Time, ablate, attend, geglu, quick_gelu, sinusoid


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
        t = t + self.narrow(layers.geglu(self.widen(self.norm3(t))))
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

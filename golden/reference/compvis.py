"""Stable Diffusion as a tree of modules whose names are the keys of the checkpoints that CompVis and Stability AI released: U-Net, autoencoder, text encoders.

Written from the published architecture, apart from `diffusers_form.py` and from the compiler: what the two have in common is a configuration.
"""
import math
from dataclasses import dataclass
from typing import Tuple

import torch
from torch import einsum, nn
from torch.nn import functional as F


@dataclass(frozen=True)
class Config:
    """`levels`: width and whether it attends. `head_width` is SD 2's; SD 1 has `heads` of them at every level."""
    levels: Tuple[Tuple[int, bool], ...]
    units: int
    groups: int
    context: int
    heads: int = 0
    head_width: int = 0
    linear: bool = False
    vae_widths: Tuple[int, ...] = ()
    vocabulary: int = 0
    positions: int = 0
    text_layers: int = 0
    text_heads: int = 0

    def heads_of(self, width):
        return self.heads or width // self.head_width


# --- U-Net -----------------------------------------------------------------------------------------------------------

class ResBlock(nn.Module):
    def __init__(self, channels, embedding, out, groups):
        super().__init__()
        self.in_layers = nn.Sequential(nn.GroupNorm(groups, channels), nn.SiLU(), nn.Conv2d(channels, out, 3, padding=1))
        self.emb_layers = nn.Sequential(nn.SiLU(), nn.Linear(embedding, out))
        self.out_layers = nn.Sequential(nn.GroupNorm(groups, out), nn.SiLU(), nn.Dropout(0.0), nn.Conv2d(out, out, 3, padding=1))
        self.skip_connection = nn.Identity() if channels == out else nn.Conv2d(channels, out, 1)

    def forward(self, x, embedding, context):
        h = self.in_layers(x) + self.emb_layers(embedding)[:, :, None, None]
        return self.skip_connection(x) + self.out_layers(h)


class CrossAttention(nn.Module):
    def __init__(self, width, context, heads):
        super().__init__()
        self.heads = heads
        self.to_q = nn.Linear(width, width, bias=False)
        self.to_k = nn.Linear(context, width, bias=False)
        self.to_v = nn.Linear(context, width, bias=False)
        self.to_out = nn.Sequential(nn.Linear(width, width), nn.Dropout(0.0))

    def forward(self, x, context):
        q, k, v = (y.unflatten(-1, (self.heads, -1)) for y in (self.to_q(x), self.to_k(context), self.to_v(context)))
        weights = einsum("bihd,bjhd->bhij", q, k).div(math.sqrt(q.shape[-1])).softmax(-1)
        return self.to_out(einsum("bhij,bjhd->bihd", weights, v).flatten(2))


class GEGLU(nn.Module):
    def __init__(self, width, out):
        super().__init__()
        self.proj = nn.Linear(width, 2 * out)

    def forward(self, x):
        value, gate = self.proj(x).chunk(2, -1)
        return value * F.gelu(gate)


class FeedForward(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.net = nn.Sequential(GEGLU(width, 4 * width), nn.Dropout(0.0), nn.Linear(4 * width, width))

    def forward(self, x):
        return self.net(x)


class BasicTransformerBlock(nn.Module):
    def __init__(self, width, context, heads):
        super().__init__()
        self.attn1 = CrossAttention(width, width, heads)
        self.ff = FeedForward(width)
        self.attn2 = CrossAttention(width, context, heads)
        self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(width) for _ in range(3))

    def forward(self, x, context):
        n = self.norm1(x)
        x = self.attn1(n, n) + x
        x = self.attn2(self.norm2(x), context) + x
        return self.ff(self.norm3(x)) + x


class SpatialTransformer(nn.Module):
    def __init__(self, width, config):
        super().__init__()
        self.linear = config.linear
        self.norm = nn.GroupNorm(config.groups, width, eps=1e-6)
        self.proj_in = nn.Linear(width, width) if self.linear else nn.Conv2d(width, width, 1)
        self.transformer_blocks = nn.ModuleList([BasicTransformerBlock(width, config.context, config.heads_of(width))])
        self.proj_out = nn.Linear(width, width) if self.linear else nn.Conv2d(width, width, 1)

    def forward(self, x, embedding, context):
        h, size = self.norm(x), x.shape[2:]
        h = self.proj_in(h.flatten(2).transpose(1, 2)) if self.linear else self.proj_in(h).flatten(2).transpose(1, 2)
        for block in self.transformer_blocks:
            h = block(h, context)
        h = self.proj_out(h).transpose(1, 2).unflatten(2, size) if self.linear else self.proj_out(h.transpose(1, 2).unflatten(2, size))
        return h + x


class Downsample(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.op = nn.Conv2d(width, width, 3, stride=2, padding=1)

    def forward(self, x, embedding, context):
        return self.op(x)


class Upsample(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x, embedding, context):
        return self.conv(x.repeat_interleave(2, 2).repeat_interleave(2, 3))


class Convolution(nn.Conv2d):
    def forward(self, x, embedding, context):
        return super().forward(x)


class Step(nn.Sequential):
    """One of the numbered blocks: what it holds takes the embedding of the time and the text, whether it reads them or not."""

    def forward(self, x, embedding, context):
        for part in self:
            x = part(x, embedding, context)
        return x


class UNetModel(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.width = config.levels[0][0]
        embedding = 4 * self.width
        self.time_embed = nn.Sequential(nn.Linear(self.width, embedding), nn.SiLU(), nn.Linear(embedding, embedding))

        def unit(channels, out, attends):
            return [ResBlock(channels, embedding, out, config.groups)] + ([SpatialTransformer(out, config)] if attends else [])

        channels = self.width
        kept, blocks = [channels], [Step(Convolution(4, channels, 3, padding=1))]
        for i, (width, attends) in enumerate(config.levels):
            for _ in range(config.units):
                blocks.append(Step(*unit(channels, width, attends)))
                channels = width
                kept.append(channels)
            if i + 1 < len(config.levels):
                blocks.append(Step(Downsample(channels)))
                kept.append(channels)
        self.input_blocks = nn.ModuleList(blocks)
        self.middle_block = Step(*unit(channels, channels, True), *unit(channels, channels, False))
        blocks = []
        for i, (width, attends) in reversed(list(enumerate(config.levels))):
            for j in range(config.units + 1):
                parts = unit(channels + kept.pop(), width, attends)
                channels = width
                if i > 0 and j == config.units:
                    parts.append(Upsample(channels))
                blocks.append(Step(*parts))
        self.output_blocks = nn.ModuleList(blocks)
        self.out = nn.Sequential(nn.GroupNorm(config.groups, channels), nn.SiLU(), nn.Conv2d(channels, 4, 3, padding=1))

    def forward(self, x, t, context):
        half = self.width // 2
        angles = t.float()[:, None] * torch.exp(torch.arange(half) * (-math.log(10000) / half))
        embedding = self.time_embed(torch.cat([angles.cos(), angles.sin()], 1))
        kept = []
        for block in self.input_blocks:
            x = block(x, embedding, context)
            kept.append(x)
        x = self.middle_block(x, embedding, context)
        for block in self.output_blocks:
            x = block(torch.cat([x, kept.pop()], 1), embedding, context)
        return self.out(x)


# --- autoencoder -----------------------------------------------------------------------------------------------------

class ResnetBlock(nn.Module):
    def __init__(self, channels, out, groups):
        super().__init__()
        self.norm1 = nn.GroupNorm(groups, channels, eps=1e-6)
        self.conv1 = nn.Conv2d(channels, out, 3, padding=1)
        self.norm2 = nn.GroupNorm(groups, out, eps=1e-6)
        self.conv2 = nn.Conv2d(out, out, 3, padding=1)
        if channels != out:
            self.nin_shortcut = nn.Conv2d(channels, out, 1)

    def forward(self, x):
        h = self.conv2(F.silu(self.norm2(self.conv1(F.silu(self.norm1(x))))))
        return h + (self.nin_shortcut(x) if hasattr(self, "nin_shortcut") else x)


class AttnBlock(nn.Module):
    """Its four matrices are 1x1 convolutions."""

    def __init__(self, width, groups):
        super().__init__()
        self.norm = nn.GroupNorm(groups, width, eps=1e-6)
        self.q, self.k, self.v, self.proj_out = (nn.Conv2d(width, width, 1) for _ in range(4))

    def forward(self, x):
        n = self.norm(x)
        q, k, v = (part(n).flatten(2) for part in (self.q, self.k, self.v))
        weights = einsum("bci,bcj->bij", q, k).mul(x.shape[1] ** -0.5).softmax(2)
        return x + self.proj_out(einsum("bij,bcj->bci", weights, v).unflatten(2, x.shape[2:]))


class Resample(nn.Module):
    def __init__(self, width, halves):
        super().__init__()
        self.halves = halves
        self.conv = nn.Conv2d(width, width, 3, stride=2) if halves else nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x):
        """On the way down zeros stand at the right and below alone."""
        return self.conv(F.pad(x, (0, 1, 0, 1)) if self.halves else F.interpolate(x, scale_factor=2.0, mode="nearest"))


def middle(width, groups):
    mid = nn.Module()
    mid.block_1, mid.attn_1, mid.block_2 = ResnetBlock(width, width, groups), AttnBlock(width, groups), ResnetBlock(width, width, groups)
    return mid


def level(channels, width, units, groups):
    part = nn.Module()
    part.block = nn.ModuleList([ResnetBlock(channels if j == 0 else width, width, groups) for j in range(units)])
    part.attn = nn.ModuleList()
    return part


class Encoder(nn.Module):
    def __init__(self, widths, groups):
        super().__init__()
        self.conv_in = nn.Conv2d(3, widths[0], 3, padding=1)
        self.down, channels = nn.ModuleList(), widths[0]
        for i, width in enumerate(widths):
            part = level(channels, width, 2, groups)
            if i + 1 < len(widths):
                part.downsample = Resample(width, halves=True)
            self.down.append(part)
            channels = width
        self.mid = middle(channels, groups)
        self.norm_out = nn.GroupNorm(groups, channels, eps=1e-6)
        self.conv_out = nn.Conv2d(channels, 8, 3, padding=1)

    def forward(self, x):
        h = self.conv_in(x)
        for part in self.down:
            for block in part.block:
                h = block(h)
            h = part.downsample(h) if hasattr(part, "downsample") else h
        h = self.mid.block_2(self.mid.attn_1(self.mid.block_1(h)))
        return self.conv_out(F.silu(self.norm_out(h)))


class Decoder(nn.Module):
    """`up.i` has the width of the encoder's `down.i`, and the last of them runs first."""

    def __init__(self, widths, groups):
        super().__init__()
        channels = widths[-1]
        self.conv_in = nn.Conv2d(4, channels, 3, padding=1)
        self.mid = middle(channels, groups)
        parts = []
        for i, width in reversed(list(enumerate(widths))):
            part = level(channels, width, 3, groups)
            if i > 0:
                part.upsample = Resample(width, halves=False)
            parts.insert(0, part)
            channels = width
        self.up = nn.ModuleList(parts)
        self.norm_out = nn.GroupNorm(groups, channels, eps=1e-6)
        self.conv_out = nn.Conv2d(channels, 3, 3, padding=1)

    def forward(self, z):
        h = self.conv_in(z)
        h = self.mid.block_2(self.mid.attn_1(self.mid.block_1(h)))
        for part in reversed(self.up):
            for block in part.block:
                h = block(h)
            h = part.upsample(h) if hasattr(part, "upsample") else h
        return self.conv_out(F.silu(self.norm_out(h)))


class AutoencoderKL(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.encoder = Encoder(config.vae_widths, config.groups)
        self.decoder = Decoder(config.vae_widths, config.groups)
        self.quant_conv = nn.Conv2d(8, 8, 1)
        self.post_quant_conv = nn.Conv2d(4, 4, 1)

    def encode(self, x):
        """The mean; behind it would be the logarithm of the variance."""
        return self.quant_conv(self.encoder(x))[:, :4]

    def decode(self, z):
        return self.decoder(self.post_quant_conv(z))


# --- text: OpenAI's form, which OpenCLIP has too ------------------------------------------------------------------------

class QuickGELU(nn.Module):
    def forward(self, x):
        return x * torch.sigmoid(1.702 * x)


class ResidualAttentionBlock(nn.Module):
    def __init__(self, width, heads, activation):
        super().__init__()
        self.attn = nn.MultiheadAttention(width, heads, batch_first=True)
        self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.mlp = nn.Sequential()
        self.mlp.add_module("c_fc", nn.Linear(width, 4 * width))
        self.mlp.add_module("gelu", activation())
        self.mlp.add_module("c_proj", nn.Linear(4 * width, width))

    def forward(self, x, mask):
        n = self.ln_1(x)
        x = x + self.attn(n, n, n, need_weights=False, attn_mask=mask)[0]
        return x + self.mlp(self.ln_2(x))


class ClipText(nn.Module):
    """`skipped` of its last blocks do not run: SD 2 reads OpenCLIP before the last one, and behind the last norm all the same."""

    def __init__(self, config, activation=QuickGELU, skipped=0):
        super().__init__()
        width, self.skipped = config.context, skipped
        self.token_embedding = nn.Embedding(config.vocabulary, width)
        self.positional_embedding = nn.Parameter(torch.empty(config.positions, width))
        self.transformer = nn.Module()
        self.transformer.resblocks = nn.ModuleList([ResidualAttentionBlock(width, config.text_heads, activation) for _ in range(config.text_layers)])
        self.ln_final = nn.LayerNorm(width)
        self.text_projection = nn.Parameter(torch.empty(width, width))
        self.logit_scale = nn.Parameter(torch.ones([]))

    def forward(self, tokens):
        x = self.token_embedding(tokens) + self.positional_embedding
        mask = torch.full((x.shape[1], x.shape[1]), float("-inf")).triu(1)
        for block in self.transformer.resblocks[:len(self.transformer.resblocks) - self.skipped]:
            x = block(x, mask)
        return self.ln_final(x)

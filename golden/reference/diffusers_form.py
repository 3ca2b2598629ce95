"""Stable Diffusion as trees of modules whose names are the keys of a diffusers folder: `unet`, `vae` and `text_encoder`, this in Hugging Face's form of CLIP.

Written from the published architecture, apart from `compvis.py` and from the compiler: what the two have in common is a configuration.
"""
import math

import torch
from torch import nn
from torch.nn import functional as F


def conv(channels, out, kernel=3, stride=1):
    return nn.Conv2d(channels, out, kernel, stride, kernel // 2)


def part(**children):
    """A module that only holds others."""
    module = nn.Module()
    for name, child in children.items():
        module.add_module(name, child)
    return module


# --- U-Net and autoencoder ---------------------------------------------------------------------------------------------

class ResnetBlock2D(nn.Module):
    """Without `embedding`, the autoencoder's."""

    def __init__(self, channels, out, groups, eps, embedding=None):
        super().__init__()
        self.norm1, self.conv1 = nn.GroupNorm(groups, channels, eps), conv(channels, out)
        self.time_emb_proj = nn.Linear(embedding, out) if embedding else None
        self.norm2, self.conv2 = nn.GroupNorm(groups, out, eps), conv(out, out)
        self.conv_shortcut = conv(channels, out, 1) if channels != out else None

    def forward(self, x, step=None):
        h = self.conv1(F.silu(self.norm1(x)))
        if step is not None:
            h = h + self.time_emb_proj(F.silu(step)).unsqueeze(-1).unsqueeze(-1)
        h = self.conv2(F.silu(self.norm2(h)))
        return h + (x if self.conv_shortcut is None else self.conv_shortcut(x))


class Attention(nn.Module):
    """`groups`: over the pixels of a picture, with a norm of its own and biases, as the autoencoder has it."""

    def __init__(self, width, context, heads, groups=None):
        super().__init__()
        self.heads = heads
        self.group_norm = nn.GroupNorm(groups, width, 1e-6) if groups else None
        self.to_q, self.to_k, self.to_v = (nn.Linear(n, width, bias=groups is not None) for n in (width, context, context))
        self.to_out = nn.ModuleList([nn.Linear(width, width)])

    def attend(self, x, context):
        batch, _, width = x.shape
        query, key, value = (y.view(batch, -1, self.heads, width // self.heads).transpose(1, 2)
                             for y in (self.to_q(x), self.to_k(context), self.to_v(context)))
        y = F.scaled_dot_product_attention(query, key, value)
        return self.to_out[0](y.transpose(1, 2).reshape(x.shape))

    def forward(self, x, context=None):
        if self.group_norm is None:
            return self.attend(x, context)
        n = self.group_norm(x).flatten(2).permute(0, 2, 1)
        return x + self.attend(n, n).permute(0, 2, 1).reshape(x.shape)


class BasicTransformerBlock(nn.Module):
    def __init__(self, width, context, heads):
        super().__init__()
        self.norm1, self.attn1 = nn.LayerNorm(width), Attention(width, width, heads)
        self.norm2, self.attn2 = nn.LayerNorm(width), Attention(width, context, heads)
        self.norm3 = nn.LayerNorm(width)
        self.ff = part(net=nn.ModuleList([part(proj=nn.Linear(width, 8 * width)), nn.Identity(), nn.Linear(4 * width, width)]))

    def forward(self, x, context):
        n = self.norm1(x)
        x = x + self.attn1(n, n)
        x = x + self.attn2(self.norm2(x), context)
        gated = self.ff.net[0].proj(self.norm3(x))
        half = gated.shape[-1] // 2
        return x + self.ff.net[2](gated[..., :half] * F.gelu(gated[..., half:]))


class Transformer2DModel(nn.Module):
    def __init__(self, width, config):
        super().__init__()
        self.norm = nn.GroupNorm(config.groups, width, 1e-6)
        self.proj_in = nn.Linear(width, width) if config.linear else conv(width, width, 1)
        self.transformer_blocks = nn.ModuleList([BasicTransformerBlock(width, config.context, config.heads_of(width))])
        self.proj_out = nn.Linear(width, width) if config.linear else conv(width, width, 1)

    def forward(self, x, context):
        batch, width, height, across = x.shape

        def tokens(y):
            return y.permute(0, 2, 3, 1).reshape(batch, height * across, width)

        def picture(y):
            return y.reshape(batch, height, across, width).permute(0, 3, 1, 2)

        h = self.norm(x)
        if isinstance(self.proj_in, nn.Linear):
            return picture(self.proj_out(self.transformer_blocks[0](self.proj_in(tokens(h)), context))) + x
        return self.proj_out(picture(self.transformer_blocks[0](tokens(self.proj_in(h)), context))) + x


class Level(nn.Module):
    """The residual blocks of one resolution, each with its transformer where there are any; `sampler` names what follows them."""

    def __init__(self, resnets, attentions=(), sampler=None, width=0):
        super().__init__()
        self.resnets = nn.ModuleList(resnets)
        if attentions:
            self.attentions = nn.ModuleList(attentions)
        if sampler is not None:
            self.add_module(sampler, nn.ModuleList([part(conv=conv(width, width, 3, 2 if sampler == "downsamplers" else 1))]))


def double(x):
    return F.interpolate(x, scale_factor=2, mode="nearest")


class UNet2DConditionModel(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.width = config.levels[0][0]
        step = 4 * self.width

        def level(inputs, width, attends, sampler):
            resnets = [ResnetBlock2D(n, width, config.groups, 1e-5, step) for n in inputs]
            return Level(resnets, [Transformer2DModel(width, config) for _ in inputs] if attends else (), sampler, width)

        self.conv_in = conv(4, self.width)
        self.time_embedding = part(linear_1=nn.Linear(self.width, step), linear_2=nn.Linear(step, step))
        widths = [width for width, _ in config.levels]
        last = len(widths) - 1
        self.down_blocks = nn.ModuleList([
            level([([widths[0]] + widths)[i]] + [width] * (config.units - 1), width, attends, "downsamplers" if i < last else None)
            for i, (width, attends) in enumerate(config.levels)])
        deep = widths[-1]
        self.mid_block = Level([ResnetBlock2D(deep, deep, config.groups, 1e-5, step) for _ in range(2)], [Transformer2DModel(deep, config)])
        ups = []
        for i, (width, attends) in reversed(list(enumerate(config.levels))):
            below, above = widths[min(i + 1, last)], widths[max(i - 1, 0)]
            skips = [width] * config.units + [above]
            ups.append(level([(below if j == 0 else width) + skip for j, skip in enumerate(skips)], width, attends, "upsamplers" if i > 0 else None))
        self.up_blocks = nn.ModuleList(ups)
        self.conv_norm_out, self.conv_out = nn.GroupNorm(config.groups, self.width, 1e-5), conv(self.width, 4)

    def forward(self, sample, timestep, context):
        exponents = torch.arange(self.width // 2, dtype=torch.float32) / (self.width // 2)
        angles = timestep[:, None].float() * 10000.0 ** -exponents
        waves = torch.cat([torch.cos(angles), torch.sin(angles)], -1)
        step = self.time_embedding.linear_2(F.silu(self.time_embedding.linear_1(waves)))

        def run(level, j, x):
            x = level.resnets[j](x, step)
            return level.attentions[j](x, context) if hasattr(level, "attentions") else x

        x = self.conv_in(sample)
        stack = [x]
        for level in self.down_blocks:
            for j in range(len(level.resnets)):
                x = run(level, j, x)
                stack.append(x)
            if hasattr(level, "downsamplers"):
                x = level.downsamplers[0].conv(x)
                stack.append(x)
        x = self.mid_block.resnets[1](run(self.mid_block, 0, x), step)
        for level in self.up_blocks:
            for j in range(len(level.resnets)):
                x = run(level, j, torch.cat([x, stack.pop()], 1))
            if hasattr(level, "upsamplers"):
                x = level.upsamplers[0].conv(double(x))
        return self.conv_out(F.silu(self.conv_norm_out(x)))


class AutoencoderKL(nn.Module):
    def __init__(self, config):
        super().__init__()
        widths, groups = config.vae_widths, config.groups

        def res(channels, out):
            return ResnetBlock2D(channels, out, groups, 1e-6)

        def middle():
            return Level([res(widths[-1], widths[-1]) for _ in range(2)], [Attention(widths[-1], widths[-1], 1, groups)])

        def levels(sizes, units, sampler):
            inputs = [sizes[0]] + list(sizes)
            return nn.ModuleList([
                Level([res(inputs[i] if j == 0 else width, width) for j in range(units)], (), sampler if i + 1 < len(sizes) else None, width)
                for i, width in enumerate(sizes)])

        def ends(channels, out):
            return {"conv_norm_out": nn.GroupNorm(groups, channels, 1e-6), "conv_out": conv(channels, out)}

        down, up = levels(widths, 2, "downsamplers"), levels(widths[::-1], 3, "upsamplers")
        for block in down[:-1]:
            block.downsamplers[0].conv.padding = (0, 0)
        self.encoder = part(conv_in=conv(3, widths[0]), down_blocks=down, mid_block=middle(), **ends(widths[-1], 8))
        self.decoder = part(conv_in=conv(4, widths[-1]), mid_block=middle(), up_blocks=up, **ends(widths[0], 3))
        self.quant_conv, self.post_quant_conv = conv(8, 8, 1), conv(4, 4, 1)

    @staticmethod
    def through(mid, x):
        return mid.resnets[1](mid.attentions[0](mid.resnets[0](x)))

    def encode(self, x):
        """The mean of the latent."""
        x = self.encoder.conv_in(x)
        for level in self.encoder.down_blocks:
            for resnet in level.resnets:
                x = resnet(x)
            if hasattr(level, "downsamplers"):
                x = level.downsamplers[0].conv(F.pad(x, (0, 1, 0, 1)))
        x = self.through(self.encoder.mid_block, x)
        moments = self.quant_conv(self.encoder.conv_out(F.silu(self.encoder.conv_norm_out(x))))
        return moments.chunk(2, 1)[0]

    def decode(self, z):
        x = self.through(self.decoder.mid_block, self.decoder.conv_in(self.post_quant_conv(z)))
        for level in self.decoder.up_blocks:
            for resnet in level.resnets:
                x = resnet(x)
            if hasattr(level, "upsamplers"):
                x = level.upsamplers[0].conv(double(x))
        return self.decoder.conv_out(F.silu(self.decoder.conv_norm_out(x)))


# --- text --------------------------------------------------------------------------------------------------------------

def quick_gelu(x):
    return x / (1 + torch.exp(-1.702 * x))


class EncoderLayer(nn.Module):
    def __init__(self, width, heads, activation):
        super().__init__()
        self.heads, self.activation = heads, activation
        self.self_attn = part(**{f"{name}_proj": nn.Linear(width, width) for name in ("k", "v", "q", "out")})
        self.layer_norm1, self.layer_norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.mlp = part(fc1=nn.Linear(width, 4 * width), fc2=nn.Linear(4 * width, width))

    def forward(self, x):
        batch, length, width = x.shape
        n, each = self.layer_norm1(x), width // self.heads
        q, k, v = (proj(n).view(batch, length, self.heads, each).transpose(1, 2)
                   for proj in (self.self_attn.q_proj, self.self_attn.k_proj, self.self_attn.v_proj))
        scores = (q * each ** -0.5) @ k.transpose(-1, -2)
        later = torch.ones(length, length, dtype=torch.bool).triu(1)
        y = scores.masked_fill(later, -math.inf).softmax(-1) @ v
        x = x + self.self_attn.out_proj(y.transpose(1, 2).reshape(batch, length, width))
        return x + self.mlp.fc2(self.activation(self.mlp.fc1(self.layer_norm2(x))))


class CLIPTextModel(nn.Module):
    """SD 2's folder holds OpenCLIP without its last block, which is not read: one layer fewer, and the exact GELU."""

    def __init__(self, config, activation=quick_gelu):
        super().__init__()
        embeddings = part(token_embedding=nn.Embedding(config.vocabulary, config.context),
                          position_embedding=nn.Embedding(config.positions, config.context))
        embeddings.register_buffer("position_ids", torch.arange(config.positions)[None])
        layers = nn.ModuleList([EncoderLayer(config.context, config.text_heads, activation) for _ in range(config.text_layers)])
        self.text_model = part(embeddings=embeddings, encoder=part(layers=layers), final_layer_norm=nn.LayerNorm(config.context))

    def forward(self, tokens):
        embeddings = self.text_model.embeddings
        x = embeddings.token_embedding(tokens) + embeddings.position_embedding(embeddings.position_ids)
        for layer in self.text_model.encoder.layers:
            x = layer(x)
        return self.text_model.final_layer_norm(x)

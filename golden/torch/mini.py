"""MagicVideo (Zhou et al., 2022, arXiv:2211.11018): text to video on the
weights of a text-to-image model.
Read in the paper: figures 3 and 4 and the abstract. The image model is Stable
Diffusion v1 by inference from figure 3a's CLIP.

Written by mvc 0.0.0 from magicvideo.mv: MagicVideo (preset Mini)."""

import json
import math
import sys

import torch
import torch.nn.functional as fn
from torch import Tensor, nn

L = 16  # text tokens
vocabulary = 32
D = 96  # width of the text embedding
textLayers = 2
textHeads = 4
F = 16  # key frames in a clip
Z = 4  # channels of the latent
# The levels of the U-Net from the largest picture down; each step halves it
# (Stable Diffusion v1).
levels = [{"width": 48, "attends": True}, {"width": 96, "attends": True}]
units = 1  # residual blocks a level
# Channels share their statistics in this many groups (Stable Diffusion v1).
groups = 8
heads = 4  # of every attention in the U-Net, and of attention along time
latentScale = 1.0  # brings latents to variance one
vaeWidths = [16, 24, 32, 64]


class Conv2d(nn.Conv2d):
    """Of [..., C, H, W], with more zeros at `ends`, the last axis first."""

    def __init__(self, *args, ends: tuple[int, ...] = (), **options) -> None:
        super().__init__(*args, **options)
        self.ends = ends

    def forward(self, x: Tensor) -> Tensor:
        y = x.flatten(0, -4)
        y = super().forward(fn.pad(y, self.ends) if self.ends else y)
        return y.reshape(*x.shape[:-3], *y.shape[1:])


class GroupNorm(nn.GroupNorm):
    """A group norm of [..., C, H, W], each picture by itself."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.flatten(0, -4)).view_as(x)


def attend(
    q: Tensor, k: Tensor, v: Tensor, heads: int, causal: bool = False
) -> Tensor:
    """Attention of [N, S, C] to [N, T, C]; causal: token i sees 0 to i."""
    split = (heads, q.shape[-1] // heads)
    q, k, v = (x.unflatten(-1, split).transpose(1, 2) for x in (q, k, v))
    if hasattr(fn, "scaled_dot_product_attention"):
        y = fn.scaled_dot_product_attention(q, k, v, is_causal=causal)
    else:  # PyTorch 1
        scores = q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5
        if causal:
            hidden = torch.ones_like(scores).tril() == 0
            scores = scores.masked_fill(hidden, float("-inf"))
        y = scores.softmax(-1) @ v
    return y.transpose(1, 2).flatten(2)


def quick_gelu(x: Tensor) -> Tensor:
    """The activation that CLIP was trained with."""
    return x * torch.sigmoid(1.702 * x)


def geglu(x: Tensor) -> Tensor:
    """The first half of the last axis times the GELU of the second."""
    x, gate = x.chunk(2, -1)
    return x * fn.gelu(gate)


def sinusoid(t: Tensor, width: int, like: Tensor) -> Tensor:
    """Cosines and sines of t [B] to [B, width], worked out in float32."""
    i = torch.arange(width // 2, device=t.device, dtype=torch.float32)
    angles = t.float()[:, None] * torch.exp(-math.log(10000) / (width / 2) * i)
    return torch.cat([angles.cos(), angles.sin()], 1).to(like.dtype)


def upsample(x: Tensor, factor: int) -> Tensor:
    """Each pixel of [..., H, W] repeated both ways."""
    y = x.reshape(1, -1, *x.shape[-2:])
    y = fn.interpolate(y, scale_factor=float(factor), mode="nearest")
    return y.reshape(*x.shape[:-2], *y.shape[-2:])


@torch.no_grad()
def start(module: nn.Module, init: str) -> nn.Module:
    """The module with weights that start in another way than PyTorch's."""
    for name, parameter in module.named_parameters():
        if init == "zeros" or (init != "default" and name == "bias"):
            parameter.zero_()
        elif init == "xavier":
            nn.init.xavier_uniform_(parameter)
        elif init == "normal":
            parameter.normal_(std=0.02)
    return module


class Attention(nn.Module):
    """Multi-head attention of `x` to `context` (Vaswani et al., 2017)."""

    def __init__(
        self,
        C: int,
        E: int,
        heads: int,
        causal: bool = False,
        bias: bool = False,
        init: str = "default",
    ) -> None:
        super().__init__()
        self.heads = heads
        self.causal = causal
        self.query = nn.Linear(C, C, bias=bias)
        self.key = nn.Linear(E, C, bias=bias)
        self.value = nn.Linear(E, C, bias=bias)
        self.project = start(nn.Linear(C, C), init)

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        # x [N, S, C], context [N, T, E] -> [N, S, C]
        query = self.query(x)  # [N, S, C]
        key = self.key(context)  # [N, T, C]
        value = self.value(context)  # [N, T, C]
        return self.project(
            attend(query, key, value, self.heads, causal=self.causal)
        )


class ClipText(nn.Module):
    def __init__(
        self, S: int, vocabulary: int, width: int, layers: int, heads: int
    ) -> None:
        super().__init__()
        self.width = width
        self.position = nn.Parameter(torch.randn(S, width) * 1.0)
        self.token = nn.Embedding(vocabulary, width)
        self.layer = nn.ModuleList()
        for _ in range(layers):
            layer = nn.Module()
            self.layer.append(layer)
            layer.norm1 = nn.LayerNorm(width)
            layer.attention = Attention(
                width, width, heads, causal=True, bias=True
            )
            layer.norm2 = nn.LayerNorm(width)
            layer.widen = nn.Linear(width, 4 * width)
            layer.narrow = nn.Linear(4 * width, width)
        self.norm = nn.LayerNorm(width)

    def forward(self, tokens: Tensor) -> Tensor:
        # tokens [N, S] -> [N, S, width]
        S = tokens.shape[1]
        # [N, S, width]
        h = self.token(tokens) + self.position.reshape(1, S, self.width)
        for layer in self.layer:
            n = layer.norm1(h)  # [N, S, width]
            h = h + layer.attention(n, n)
            wide = layer.widen(layer.norm2(h))  # [N, S, width * 4]
            h = h + layer.narrow(quick_gelu(wide))
        return self.norm(h)


class Adaptor(nn.Module):
    """Takes each frame from the distribution of images to that of video
    (figure 3b).
    One scale and one shift a frame and channel, neutral at first, is our
    reading: the figure shows only the box."""

    def __init__(self, C: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(F, C))
        self.shift = nn.Parameter(torch.zeros(F, C))

    def forward(self, x: Tensor) -> Tensor:
        # x [B, F, C, H, W] -> [B, F, C, H, W]
        _, F, C, _, _ = x.shape
        return (
            x * self.scale.reshape(1, F, C, 1, 1)
            + self.shift.reshape(1, F, C, 1, 1)
        )


class FrameConv(nn.Module):
    """A 2D convolution of each frame, and the frame's adaptor (figure 3b)."""

    def __init__(
        self, C: int, out: int, stride: int = 1, init: str = "default"
    ) -> None:
        super().__init__()
        self.conv = start(Conv2d(C, out, 3, stride=stride, padding=1), init)
        self.adaptor = Adaptor(out)

    def forward(self, x: Tensor) -> Tensor:
        # x [B, F, C, H, W] -> [B, F, out, H / stride, W / stride]
        return self.adaptor(self.conv(x))


class ResBlock(nn.Module):
    def __init__(self, C: int, E: int, out: int) -> None:
        super().__init__()
        self.out = out
        self.norm1 = GroupNorm(groups, C)
        self.conv1 = FrameConv(C, out)
        self.step = nn.Linear(E, out)
        self.norm2 = GroupNorm(groups, out)
        self.conv2 = FrameConv(out, out, init="zeros")
        if out != C:
            self.skip = Conv2d(C, out, 1)

    def forward(self, x: Tensor, step: Tensor) -> Tensor:
        # x [B, F, C, H, W], step [B, E] -> [B, F, out, H, W]
        B, _, C, _, _ = x.shape
        h = self.conv1(fn.silu(self.norm1(x)))  # [B, F, out, H, W]
        s = self.step(fn.silu(step)).reshape(B, 1, self.out, 1, 1)
        y = self.conv2(fn.silu(self.norm2(h + s)))  # [B, F, out, H, W]
        return y + (x if self.out == C else self.skip(x))


class SpaceAttention(Attention):
    def __init__(self, C: int, E: int) -> None:
        super().__init__(C, E, heads)


class Space(nn.Module):
    """The image model's transformer, frame by frame: within the frame, to the
    text, then a gated layer."""

    def __init__(self, C: int) -> None:
        super().__init__()
        self.norm = GroupNorm(groups, C, eps=1e-6)
        self.enter = Conv2d(C, C, 1)
        self.norm1 = nn.LayerNorm(C)
        self._modules["self"] = SpaceAttention(C, C)
        self.norm2 = nn.LayerNorm(C)
        self.cross = SpaceAttention(C, D)
        self.norm3 = nn.LayerNorm(C)
        self.widen = nn.Linear(C, C * 8)
        self.narrow = nn.Linear(4 * C, C)
        self.leave = start(Conv2d(C, C, 1), "zeros")

    def forward(self, x: Tensor, text: Tensor) -> Tensor:
        # x [B, F, C, H, W], text [B, pieces * L, D] -> [B, F, C, H, W]
        B, F, C, H, W = x.shape
        t = (
            self.enter(self.norm(x))
            .permute(0, 1, 3, 4, 2)
            .reshape(B * F, H * W, C)
        )
        n = self.norm1(t)  # [B * F, H * W, C]
        t = t + self._modules["self"](n, n)  # [B * F, H * W, C]
        t = t + self.cross(self.norm2(t), text.repeat_interleave(F, 0))
        t = t + self.narrow(geglu(self.widen(self.norm3(t))))
        return x + self.leave(t.reshape(B, F, H, W, C).permute(0, 1, 4, 2, 3))


class Time(nn.Module):
    """Attention along time at each pixel; directed, frame i sees the frames 0
    to i (figure 3c).
    The mask acts before the softmax and the projection starts at zero:
    inferred, so that training starts from the image model."""

    def __init__(self, C: int, heads: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(C)
        self.attention = Attention(C, C, heads, causal=True, init="zeros")

    def forward(self, x: Tensor) -> Tensor:
        # x [B, F, C, H, W] -> [B, F, C, H, W]
        B, F, C, H, W = x.shape
        # [B * H * W, F, C]
        pixels = self.norm(x.permute(0, 3, 4, 1, 2).reshape(B * H * W, F, C))
        return (
            self.attention(pixels, pixels)
            .reshape(B, H, W, F, C)
            .permute(0, 3, 4, 1, 2)
        )


class SpaceTime(nn.Module):
    """Figure 3b's "Spatiotemporal Attention": branches side by side, summed.
    """

    def __init__(self, C: int) -> None:
        super().__init__()
        self.space = Space(C)
        self.adaptor = Adaptor(C)
        self.time = Time(C, heads)

    def forward(self, x: Tensor, text: Tensor) -> Tensor:
        # x [B, F, C, H, W], text [B, pieces * L, D] -> [B, F, C, H, W]
        space = self.adaptor(self.space(x, text))  # [B, F, C, H, W]
        return space + self.time(x)


class UNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        halvings = len(levels) - 1
        width = levels[0]["width"]
        self.step1 = nn.Linear(width, 4 * width)
        self.step2 = nn.Linear(4 * width, 4 * width)
        self.stem = FrameConv(Z, width)
        self.down = nn.ModuleList()
        for i, level in enumerate(levels):
            down = nn.Module()
            self.down.append(down)
            down.unit = nn.ModuleList()
            for _ in range(units):
                unit = nn.Module()
                down.unit.append(unit)
                unit.res = ResBlock(48, 4 * width, level["width"])
                unit.attend = SpaceTime(level["width"])
            if i < halvings:
                down.halve = FrameConv(48, 48, stride=2)
        self.mid1 = ResBlock(96, 4 * width, 96)
        self.attend = SpaceTime(96)
        self.mid2 = ResBlock(96, 4 * width, 96)
        res_C = [[192, 144], [144, 96]]
        self.up = nn.ModuleList()
        for i, level in enumerate(levels[::-1]):
            up = nn.Module()
            self.up.append(up)
            up.unit = nn.ModuleList()
            for j in range(units + 1):
                unit = nn.Module()
                up.unit.append(unit)
                unit.res = ResBlock(res_C[i][j], 4 * width, level["width"])
                unit.attend = SpaceTime(level["width"])
            if i < halvings:
                up._modules["double"] = FrameConv(96, 96)
        self.norm = GroupNorm(groups, 48)
        self.head = FrameConv(48, Z)

    def forward(self, z: Tensor, t: Tensor, text: Tensor) -> Tensor:
        # z [B, F, Z, H, W], t [B], text [B, pieces * L, D] -> [B, F, Z, H, W]
        halvings = len(levels) - 1
        width = levels[0]["width"]
        # [B, width * 4]
        step = self.step2(fn.silu(self.step1(sinusoid(t, width, z))))
        h = self.stem(z)  # [B, F, width, H, W]
        skips = [h]
        for i, down in enumerate(self.down):
            for unit in down.unit:
                h = unit.res(h, step)
                h = unit.attend(h, text)
                skips.append(h)
            if i < halvings:
                h = down.halve(h)  # [B, F, 48, H / 2, W / 2]
                skips.append(h)
        # [B, F, 96, H / 2, W / 2]
        h = self.mid2(self.attend(self.mid1(h, step), text), step)
        for i, up in enumerate(self.up):
            for unit in up.unit:
                h = unit.res(torch.cat([h, skips.pop()], 2), step)
                h = unit.attend(h, text)
            if i < halvings:
                h = up._modules["double"](upsample(h, 2))  # [B, F, 96, H, W]
        return self.head(fn.silu(self.norm(h)))


class VaeRes(nn.Module):
    def __init__(self, C: int, out: int) -> None:
        super().__init__()
        self.out = out
        self.norm1 = GroupNorm(groups, C, eps=1e-6)
        self.conv1 = Conv2d(C, out, 3, padding=1)
        self.norm2 = GroupNorm(groups, out, eps=1e-6)
        self.conv2 = Conv2d(out, out, 3, padding=1)
        if out != C:
            self.skip = Conv2d(C, out, 1)

    def forward(self, x: Tensor) -> Tensor:
        # x [B, F, C, H, W] -> [B, F, out, H, W]
        C = x.shape[2]
        # [B, F, out, H, W]
        y = self.conv2(fn.silu(self.norm2(self.conv1(fn.silu(self.norm1(x))))))
        return y + (x if self.out == C else self.skip(x))


class VaeAttention(nn.Module):
    def __init__(self, C: int) -> None:
        super().__init__()
        self.norm = GroupNorm(groups, C, eps=1e-6)
        self.attention = Attention(C, C, 1, bias=True)

    def forward(self, x: Tensor) -> Tensor:
        # x [B, F, C, H, W] -> [B, F, C, H, W]
        B, F, C, H, W = x.shape
        n = self.norm(x).permute(0, 1, 3, 4, 2).reshape(B * F, H * W, C)
        return (
            x
            + (
                self.attention(n, n)
                .reshape(B, F, H, W, C)
                .permute(0, 1, 4, 2, 3)
            )
        )


class VideoDecoder(nn.Module):
    """Latents to frames: the image decoder with attention along time
    (VideoVAE), or, not `timed`, the image decoder alone."""

    def __init__(self, Z: int, widths: list, heads: int) -> None:
        super().__init__()
        self.widths = widths
        deepest = widths[len(widths) - 1]
        self.quant = Conv2d(Z, Z, 1)
        self.stem = Conv2d(Z, deepest, 3, padding=1)
        self.mid1 = VaeRes(deepest, deepest)
        self.attend = VaeAttention(deepest)
        self.mid2 = VaeRes(deepest, deepest)
        self.time1 = Time(deepest, heads)
        res_C = [[64, 64, 64], [64, 32, 32], [32, 24, 24], [24, 16, 16]]
        self.up = nn.ModuleList()
        for i, width in enumerate(widths[::-1]):
            up = nn.Module()
            self.up.append(up)
            up.unit = nn.ModuleList()
            for j in range(3):
                unit = nn.Module()
                up.unit.append(unit)
                unit.res = VaeRes(res_C[i][j], width)
            if i == 0:
                up.time2 = Time(64, heads)
            if i + 1 < len(widths):
                up._modules["double"] = Conv2d(width, width, 3, padding=1)
        self.norm = GroupNorm(groups, 16, eps=1e-6)
        self.head = Conv2d(16, 3, 3, padding=1)

    def forward(self, z: Tensor) -> Tensor:
        # z [B, F, Z, H, W] -> [B, F, 3, H * 8, W * 8]
        # [B, F, deepest, H, W]
        h = self.mid2(self.attend(self.mid1(self.stem(self.quant(z)))))
        h = h + self.time1(h)
        for i, up in enumerate(self.up):
            for unit in up.unit:
                h = unit.res(h)
            if i == 0:
                h = h + up.time2(h)  # [B, F, 64, H, W]
            if i + 1 < len(self.widths):
                h = up._modules["double"](upsample(h, 2))
        return self.head(fn.silu(self.norm(h)))


class ImageEncoder(nn.Module):
    """Frames to the mean of their latents, and behind it, where twice the
    channels are kept, the log of their variance; `widths` from the picture
    down, each step halves it."""

    def __init__(self, channels: int, widths: list, kept: int) -> None:
        super().__init__()
        self.widths = widths
        self.kept = kept
        self.stem = Conv2d(3, widths[0], 3, padding=1)
        res_C = [[16, 16], [16, 24], [24, 32], [32, 64]]
        self.down = nn.ModuleList()
        for i, width in enumerate(widths):
            down = nn.Module()
            self.down.append(down)
            down.unit = nn.ModuleList()
            for j in range(2):
                unit = nn.Module()
                down.unit.append(unit)
                unit.res = VaeRes(res_C[i][j], width)
            if i + 1 < len(widths):
                down.halve = Conv2d(
                    width, width, 3, stride=2, ends=(0, 1, 0, 1)
                )
        self.mid1 = VaeRes(64, 64)
        self.attend = VaeAttention(64)
        self.mid2 = VaeRes(64, 64)
        self.norm = GroupNorm(groups, 64, eps=1e-6)
        self.head = Conv2d(64, 2 * channels, 3, padding=1)
        self.quant = Conv2d(2 * channels, 2 * channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        # x [B, F, 3, H, W] -> [B, F, channels, H / 8, W / 8]
        h = self.stem(x)  # [B, F, 16, H, W]
        for i, down in enumerate(self.down):
            for unit in down.unit:
                h = unit.res(h)
            if i + 1 < len(self.widths):
                h = down.halve(h)
        h = self.mid2(self.attend(self.mid1(h)))  # [B, F, 64, H / 8, W / 8]
        # [B, F, channels * 2, H / 8, W / 8]
        moments = self.quant(self.head(fn.silu(self.norm(h))))
        return moments.narrow(2, 0, self.kept)


class MagicVideo(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.text = ClipText(L, vocabulary, D, textLayers, textHeads)
        self.unet = UNet()
        self.decoder = VideoDecoder(Z, vaeWidths, heads)
        self.encoder = ImageEncoder(Z, vaeWidths, Z)

    def encodeText(self, tokens: Tensor) -> Tensor:
        # tokens [B, L] -> [B, L, D]
        return self.text(tokens)

    def denoise(self, z: Tensor, t: Tensor, text: Tensor) -> Tensor:
        # z [B, F, Z, H, W], t [B], text [B, pieces * L, D] -> [B, F, Z, H, W]
        return self.unet(z, t, text)

    def decode(self, z: Tensor) -> Tensor:
        # z [B, F, Z, H, W] -> [B, F, 3, H * 8, W * 8]
        return self.decoder(z / latentScale)

    def encode(self, x: Tensor) -> Tensor:
        # x [B, F, 3, 64, 64] -> [B, F, Z, 8, 8]
        return self.encoder(x) * latentScale

    forward = denoise


def read_safetensors(path: str) -> dict[str, Tensor]:
    """Tensors by their names: a header in JSON, and bytes."""
    names = {"F32": "float32", "F16": "float16", "BF16": "bfloat16"}
    with open(path, "rb") as file:
        size = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(size))
        header.pop("__metadata__", None)
        tensors = {}
        for name, entry in header.items():
            (start, end), shape = entry["data_offsets"], entry["shape"]
            file.seek(8 + size + start)
            data = bytearray(file.read(end - start))
            dtype = getattr(torch, names[entry["dtype"]])
            tensors[name] = torch.frombuffer(data, dtype=dtype).view(shape)
    return tensors


def load(path: str, device="cpu", dtype=torch.float32) -> MagicVideo:
    """The model with the weights of a file of its own names."""
    model = MagicVideo()
    model.load_state_dict(read_safetensors(path), strict=True)
    return model.to(device, dtype).eval()


# What each graph takes at the sizes of this build, ids below a bound.
INPUTS = {
    "encodeText": {"tokens": (1, 16)},
    "denoise": {"z": (1, 16, 4, 8, 8), "t": (1,), "text": (1, 16, 96)},
    "decode": {"z": (1, 16, 4, 8, 8)},
    "encode": {"x": (1, 16, 3, 64, 64)},
}
IDS = {"tokens": 32}


def main() -> None:
    """Each graph on random inputs, with the weights of a file or random."""
    model = load(sys.argv[1]) if sys.argv[1:] else MagicVideo()
    for graph, shapes in INPUTS.items():
        inputs = [
            torch.randint(IDS[name], shape) if name in IDS
            else torch.randn(shape, dtype=next(model.parameters()).dtype)
            for name, shape in shapes.items()
        ]
        with torch.no_grad():
            output = getattr(model, graph)(*inputs)
        print(graph, getattr(output, "shape", output))


if __name__ == "__main__":
    main()

"""How MagicVideo (preset Mini) is trained: its losses, and the stages that
minimise them.

Written by mvc 0.0.0 from magicvideo.mv: MagicVideo (preset Mini)."""

from collections.abc import Callable

import torch
import torch.nn.functional as fn
from torch import Tensor, nn

from model import (
    Conv2d,
    GroupNorm,
    ImageEncoder,
    MagicVideo,
    VaeAttention,
    VaeRes,
    Z,
    groups,
    upsample,
    vaeWidths,
)

divergenceWeight = 5e-4


class VideoDecoder2(nn.Module):
    """Latents to frames: the image decoder with attention along time
    (VideoVAE), or, not `timed`, the image decoder alone."""

    def __init__(self, Z: int, widths: list) -> None:
        super().__init__()
        self.widths = widths
        deepest = widths[len(widths) - 1]
        self.quant = Conv2d(Z, Z, 1)
        self.stem = Conv2d(Z, deepest, 3, padding=1)
        self.mid1 = VaeRes(deepest, deepest)
        self.attend = VaeAttention(deepest)
        self.mid2 = VaeRes(deepest, deepest)
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
            if i + 1 < len(widths):
                up._modules["double"] = Conv2d(width, width, 3, padding=1)
        self.norm = GroupNorm(groups, 16, eps=1e-6)
        self.head = Conv2d(16, 3, 3, padding=1)

    def forward(self, z: Tensor) -> Tensor:
        # z [B, F, Z, H, W] -> [B, F, 3, H * 8, W * 8]
        # [B, F, deepest, H, W]
        h = self.mid2(self.attend(self.mid1(self.stem(self.quant(z)))))
        for i, up in enumerate(self.up):
            for unit in up.unit:
                h = unit.res(h)
            if i + 1 < len(self.widths):
                h = up._modules["double"](upsample(h, 2))
        return self.head(fn.silu(self.norm(h)))


def LogVariance(moments: Tensor) -> Tensor:
    """The part of what an encoder says of its latents that is the log of their
    variance, between -12 and 4, where e to it stays a number."""
    # moments [B, F, M, H, W] -> [B, F, M / 2, H, W]
    M = moments.shape[2]
    free = moments.narrow(2, M // 2, M // 2)  # [B, F, M / 2, H, W]
    return fn.relu(free + 12.0) - fn.relu(free - 4.0) - 12.0


def Drawn(moments: Tensor, noise: Tensor) -> Tensor:
    """Latents of the mean and variance that an encoder says (Kingma and
    Welling, 2014); `noise` are standard normals."""
    # moments [B, F, M, H, W], noise [B, F, C, H, W] -> [B, F, C, H, W]
    C = noise.shape[2]
    return (
        moments.narrow(2, 0, C) + torch.exp(0.5 * LogVariance(moments)) * noise
    )


def Mean(x: Tensor) -> Tensor:
    """The mean over all elements."""
    # x [B, F, C, H, W] -> [1]
    B, F, C, H, W = x.shape
    return x.reshape(B * F * C * H * W).mean(0, keepdim=True)


def SquaredError(x: Tensor, wanted: Tensor) -> Tensor:
    # x [B, F, C, H, W], wanted [B, F, C, H, W] -> [1]
    error = x - wanted  # [B, F, C, H, W]
    return Mean(error * error)


def Reconstruction(x: Tensor, wanted: Tensor) -> Tensor:
    """Of an autoencoder, for pixels in -1..1: the absolute error, and twice
    the squared one. Our choice."""
    # x [B, F, C, H, W], wanted [B, F, C, H, W] -> [1]
    return Mean(torch.abs(x - wanted)) + 2.0 * SquaredError(x, wanted)


def Divergence(moments: Tensor) -> Tensor:
    """Kullback and Leibler's divergence of such latents from standard normals,
    an element."""
    # moments [B, F, M, H, W] -> [1]
    M = moments.shape[2]
    z = moments.narrow(2, 0, M // 2)  # [B, F, M / 2, H, W]
    logVariance = LogVariance(moments)  # [B, F, M / 2, H, W]
    return 0.5 * Mean(z * z + torch.exp(logVariance) - 1.0 - logVariance)


def Each(x: Tensor) -> Tensor:
    """A clip's own number, for all of its elements."""
    # x [B] -> [B, 1, 1, 1, 1]
    B = x.shape[0]
    return x.reshape(B, 1, 1, 1, 1)


def tied(module: nn.Module, model: nn.Module, path: str) -> Callable:
    """The call of a module that reads the weights which the model has at its
    path. What the model lacks there becomes part of it."""
    *levels, name = path.split(".")
    for level in levels:
        model = model._modules.setdefault(level, nn.ModuleDict())
    own = model._modules.setdefault(name, module) if name else model
    return tie(module, own).__call__


def tie(module: nn.Module, other: nn.Module) -> nn.Module:
    """A module with the weights and hooks of another; of those within it, the
    other's own where they are alike."""
    if alike(module, other):
        return other
    for name, child in module._modules.items():
        own = other._modules.setdefault(name, child)
        module._modules[name] = tie(child, own)
    for name, weight in module._parameters.items():
        own = other._parameters.setdefault(name, weight)
        if (own is None) != (weight is None):
            a, b = ("loss", "model") if own is None else ("model", "loss")
            raise ValueError(f"the {a} has a {name} that the {b} lacks "
                             f"in {other}: they cannot share its weights")
    for name, value in vars(other).items():
        if name == "_parameters" or "_hooks" in name:
            vars(module)[name] = value
    return module


def alike(module: nn.Module, other: nn.Module) -> bool:
    """Whether nothing but their weights tells two modules apart."""
    inner, plain = module._modules, vars(nn.Module())
    said = [{name: value for name, value in vars(one).items()
             if name not in plain} for one in (module, other)]
    absent = [[name for name, value in one._parameters.items()
               if value is None] for one in (module, other)]
    return (
        type(module) is type(other)
        and said[0] == said[1]
        and absent[0] == absent[1]
        and inner.keys() == other._modules.keys()
        and all(alike(inner[name], other._modules[name]) for name in inner)
    )


class AutoencoderLoss(nn.Module):
    """Frames one by one, through the image autoencoder."""

    def __init__(self, model: MagicVideo) -> None:
        super().__init__()
        self.model = model
        self.encoder = tied(
            ImageEncoder(Z, vaeWidths, 2 * Z), model, "encoder"
        )
        self.decoder = tied(VideoDecoder2(Z, vaeWidths), model, "decoder")

    def forward(self, x: Tensor, noise: Tensor) -> dict[str, Tensor]:
        # x [B, F, 3, 64, 64], noise [B, F, Z, H, W]
        moments = self.encoder(x)  # [B, F, Z * 2, 8, 8]
        y = self.decoder(Drawn(moments, noise))  # [B, F, 3, 64, 64]
        reconstruction = Reconstruction(y, x)  # [1]
        divergence = Divergence(moments)  # [1]
        return {
            "loss": reconstruction + divergenceWeight * divergence,
            "reconstruction": reconstruction,
            "divergence": divergence,
        }


class DecoderLoss(nn.Module):
    """Clips through the VideoVAE."""

    def __init__(self, model: MagicVideo) -> None:
        super().__init__()
        self.model = model
        self.encoder = tied(
            ImageEncoder(Z, vaeWidths, 2 * Z), model, "encoder"
        )

    def forward(self, x: Tensor, noise: Tensor) -> dict[str, Tensor]:
        # x [B, F, 3, 64, 64], noise [B, F, Z, H, W]
        moments = self.encoder(x)  # [B, F, Z * 2, 8, 8]
        return {
            "decoderLoss": Reconstruction(
                self.model.decoder(Drawn(moments, noise)), x
            )
        }


class DenoiserLoss(nn.Module):
    """What is wrong with the noise, or with v, that the U-Net finds in a
    clip's noisy latents."""

    def __init__(self, model: MagicVideo) -> None:
        super().__init__()
        self.model = model

    def forward(
        self,
        z: Tensor,
        noise: Tensor,
        tokens: Tensor,
        t: Tensor,
        signal: Tensor,
        sigma: Tensor,
    ) -> dict[str, Tensor]:
        # z [B, F, Z, H, W], noise [B, F, Z, H, W], tokens [B, L], t [B],
        # signal [B], sigma [B]
        text = self.model.text(tokens)  # [B, L, D]
        # [B, F, Z, H, W]
        found = self.model.unet(
            z * Each(signal) + noise * Each(sigma), t, text
        )
        return {
            "denoiserLoss": SquaredError(
                found, noise * Each(signal) - z * Each(sigma)
            )
        }


# What noise levels go by.
SAMPLER = {
    "schedule": "cosine",
    "betas": [8.5e-4, 0.012],
    "train_steps": 1000,
    "zero_snr": False,
    "timestep_type": "discrete",
}
# The size of clips in pixels.
CLIP = {"frames": 16, "height": 64, "width": 64}
# One after another. Of the entries of `weights` that name one, the last has
# the say: `*` is one level of its path, `**` any number; a rate is times the
# stage's. What none names is frozen. Shapes are those of one example.
STAGES = [
    {
        "name": "autoencoder",
        "kind": "loss",
        "loss": AutoencoderLoss,
        "inputs": {
            "x": {"source": "image", "shape": (16, 3, 64, 64)},
            "noise": {"source": "noise", "shape": (16, 4, 8, 8)},
        },
        "weights": [
            {"path": "encoder", "rate": 1.0, "weight_decay": 0.01},
            {"path": "decoder", "rate": 1.0, "weight_decay": 0.01},
            {"path": "decoder.time1", "rate": 0.0, "weight_decay": 0.01},
            {"path": "decoder.up.0.time2", "rate": 0.0, "weight_decay": 0.01},
        ],
        "levels": {"density": "uniform", "power": 1.0},
        "stills": 0.0,
        "learning_rate": 0.002,
        "betas": (0.9, 0.99),
        "eps": 1e-8,
        "clip_norm": 1.0,
        "ema": 0.995,
        "warmup": 150,
        "decay": "cosine",
        "final_rate": 0.03,
        "batch": 1,
        "steps": 5000,
    },
    {
        "name": "videoDecoder",
        "kind": "loss",
        "loss": DecoderLoss,
        "inputs": {
            "x": {"source": "clip", "shape": (16, 3, 64, 64)},
            "noise": {"source": "noise", "shape": (16, 4, 8, 8)},
        },
        "weights": [
            {"path": "decoder", "rate": 1.0, "weight_decay": 0.01},
            {"path": "decoder.time1", "rate": 1.0, "weight_decay": 0.01},
            {"path": "decoder.up.0.time2", "rate": 1.0, "weight_decay": 0.01},
        ],
        "levels": {"density": "uniform", "power": 1.0},
        "stills": 0.0,
        "learning_rate": 5e-4,
        "betas": (0.9, 0.99),
        "eps": 1e-8,
        "clip_norm": 1.0,
        "ema": 0.995,
        "warmup": 30,
        "decay": "cosine",
        "final_rate": 0.03,
        "batch": 2,
        "steps": 1000,
    },
    {
        "name": "latents",
        "kind": "measure",
        "graph": "encode",
        "input": "x",
        "axis": 2,
        "channels": 4,
        "writer": {
            "weight": "encoder.quant.weight",
            "bias": "encoder.quant.bias",
            "scale": 1.0,
        },
        "readers": [
            {
                "weight": "decoder.quant.weight",
                "bias": "decoder.quant.bias",
                "scale": 1.0,
            }
        ],
    },
    {
        "name": "denoiser",
        "kind": "loss",
        "loss": DenoiserLoss,
        "inputs": {
            "z": {
                "source": "clip", "encoder": "encode", "shape": (16, 4, 8, 8)
            },
            "noise": {"source": "noise", "shape": (16, 4, 8, 8)},
            "tokens": {
                "source": "text",
                "dropped": 0.1,
                "unguided": "",
                "shape": (16,),
            },
            "t": {"source": "time", "shape": ()},
            "signal": {"source": "signal", "shape": ()},
            "sigma": {"source": "sigma", "shape": ()},
        },
        "weights": [
            {"path": "text", "rate": 1.0, "weight_decay": 0.01},
            {"path": "unet", "rate": 1.0, "weight_decay": 0.01},
            {"path": "unet.**.adaptor", "rate": 1.0, "weight_decay": 0.01},
            {"path": "unet.**.attend.time", "rate": 1.0, "weight_decay": 0.01},
        ],
        "levels": {"density": "uniform", "power": 0.6},
        "stills": 0.0,
        "learning_rate": 0.0015,
        "betas": (0.9, 0.99),
        "eps": 1e-8,
        "clip_norm": 1.0,
        "ema": 0.999,
        "warmup": 400,
        "decay": "cosine",
        "final_rate": 0.01,
        "batch": 8,
        "steps": 20000,
    },
]


if __name__ == "__main__":
    import model
    import trainer

    trainer.main(model.MagicVideo, STAGES, SAMPLER, CLIP)

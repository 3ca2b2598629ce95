"""Checks the published TAEF2 in plain PyTorch against its authors' outputs, and makes golden/cases/taef2-crop.safetensors: what it makes of a small part of the picture.

    python3 taef2.py    (PyTorch 2; Pillow for the picture)

The modules are written from golden/taef2/README.md alone. A software adapter takes twenty seconds for a whole picture, hence the part.
"""
import os

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.nn import functional as F

import tensors

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDER = os.path.join(HERE, "../taef2")
TOP, LEFT, SIZE = 64, 96, 32


def conv(channels, out, **more):
    return nn.Conv2d(channels, out, 3, padding=1, **more)


class Block(nn.Module):
    def __init__(self, pooled=False):
        super().__init__()
        self.conv = nn.Sequential(conv(64, 64), nn.ReLU(), conv(64, 64), nn.ReLU(), conv(64, 64))
        self.pool = pooled and nn.Sequential(nn.Conv2d(64, 256, 1, bias=False), nn.GroupNorm(4, 256), nn.ReLU(), nn.Conv2d(256, 64, 1, bias=False))

    def forward(self, x):
        x = x + self.pool(x) if self.pool else x
        return F.relu(self.conv(x) + x)


class Bounded(nn.Module):
    def forward(self, x):
        return 3 * torch.tanh(x / 3)


def encoder():
    parts = [conv(3, 64), Block()]
    for level in range(3):
        parts += [conv(64, 64, stride=2, bias=False), *(Block(pooled=level == 2) for _ in range(3))]
    return nn.Sequential(*parts, conv(64, 32))


def decoder():
    parts = [Bounded(), conv(32, 64), nn.ReLU(), *(Block(pooled=True) for _ in range(3))]
    for blocks in (3, 3, 1):
        parts += [nn.Upsample(scale_factor=2), conv(64, 64, bias=False), *(Block() for _ in range(blocks))]
    return nn.Sequential(*parts, conv(64, 3))


def published(module, name):
    module.load_state_dict(torch.load(f"{FOLDER}/{name}.pth", map_location="cpu", weights_only=True))
    return module.eval()


@torch.no_grad()
def main():
    encode, decode = published(encoder(), "encoder"), published(decoder(), "decoder")
    picture = torch.from_numpy(np.array(Image.open(f"{FOLDER}/cat.png")).astype(np.float32) / 255).permute(2, 0, 1)[None]
    authors = {name: torch.from_numpy(np.array(value)) for name, value in tensors.load(f"{FOLDER}/cat.safetensors")[0].items()}
    for name, found in (("latent", encode(picture)), ("decoded", decode(authors["latent"]))):
        error = ((found - authors[name]).abs().max() / authors[name].abs().max()).item()
        print(f"{name}: within {error:.1e} of the authors' outputs")
        assert error < 1e-5, name
    crop = picture[:, :, TOP:TOP + SIZE, LEFT:LEFT + SIZE]
    latent = encode(crop)
    tensors.save(f"{HERE}/../cases/taef2-crop.safetensors", {"latent": latent.numpy(), "decoded": decode(latent).numpy()},
                 {"top": str(TOP), "left": str(LEFT), "size": str(SIZE)})


if __name__ == "__main__":
    main()

"""A transformer's block as recent video models have it, from published formulas: RMSNorm (Zhang and Sennrich, 2019), query and key norms of
each head, rotary embedding (Su et al., 2021) in halves, and a bias by relative position and head (Raffel et al., 2020). Weight names are those of golden/cases/blocks.mv."""
import math

import torch
from torch import nn
from torch.nn import functional as F


class RMSNorm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x):
        return x * torch.rsqrt((x * x).mean(-1, keepdim=True) + 1e-6) * self.weight


def turned(x, places):
    """x [N, S, heads, D]: the pair (i, i + D / 2) as a complex number, times e^(i place 10000^(-2 i / D))."""
    half = x.shape[-1] // 2
    angles = places.double()[:, None] * 10000.0 ** (-torch.arange(half, dtype=torch.float64) / half)
    spun = torch.complex(x[..., :half].double(), x[..., half:].double()) * torch.polar(torch.ones_like(angles), angles)[:, None]
    return torch.cat([spun.real, spun.imag], -1).float()


class Transformer(nn.Module):
    def __init__(self, tokens, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = RMSNorm(width), RMSNorm(width)
        self.query, self.key, self.value, self.project = (nn.Linear(width, width) for _ in range(4))
        self.queryNorm, self.keyNorm = RMSNorm(width // heads), RMSNorm(width // heads)
        self.position = nn.Parameter(torch.zeros(2 * tokens - 1, heads))
        self.widen, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x, places, distances):
        n = self.norm1(x)
        split = lambda y: y.view(*y.shape[:2], self.heads, -1)  # noqa: E731
        q = turned(self.queryNorm(split(self.query(n))), places).transpose(1, 2)
        k = turned(self.keyNorm(split(self.key(n))), places).transpose(1, 2)
        v = split(self.value(n)).transpose(1, 2)
        bias = F.embedding(distances.long(), self.position).permute(2, 0, 1)
        scores = torch.matmul(q, k.transpose(-1, -2)) / math.sqrt(q.shape[-1]) + bias
        x = x + self.project(torch.matmul(scores.softmax(-1), v).transpose(1, 2).reshape(x.shape))
        return x + self.narrow(F.gelu(self.widen(self.norm2(x)), approximate="tanh"))

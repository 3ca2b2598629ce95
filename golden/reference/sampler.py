"""Turns noise and a text embedding into latents: DDIM (Song et al., 2021) with classifier-free guidance, as runtime/sampler does it.

Timesteps of N steps, from the noisiest down:
  scaled-linear  t_i = (N - 1 - i) * (1000 // N) + 1 (diffusers' "leading", steps_offset 1); after the last step alpha_bar is alpha_bar[0].
  cosine         t_i = round(1000 - i * 1000 / N) - 1 ("trailing", starts at 999); after the last step alpha_bar is 1.
`round` is numpy's, of numpy's own arange: a half goes to the even neighbour. i runs from 0 to N - 1; the next step's alpha_bar is that of t_(i+1).

One step, with a = alpha_bar[t_i], p = the next alpha_bar, o = the network's guided output:
  v:        x0 = sqrt(a) z - sqrt(1 - a) o      e = sqrt(1 - a) z + sqrt(a) o
  epsilon:  e = o                               x0 = (z - sqrt(1 - a) e) / sqrt(a)
  sigma = eta sqrt((1 - p) / (1 - a)) sqrt(1 - a / p)
  z = sqrt(p) x0 + sqrt(1 - p - sigma^2) e + sigma n_i
Guided output: uncond + guidance (cond - uncond), both from one batch [uncond, cond].
Noise: z starts as normals(seed, stream 0), n_i = normals(seed, stream 1 + i), each [1, F, Z, H, W] in row-major order.
The schedule and the coefficients are computed in f64 and applied in f32.
"""
import math

import numpy as np
import torch

from counter_random import normals

TRAIN_STEPS = 1000


def alpha_bars(schedule, betas=(0.00085, 0.012), steps=TRAIN_STEPS):
    """f64 [1000]: the product of 1 - beta up to each t."""
    if schedule == "scaled-linear":
        beta = np.linspace(betas[0] ** 0.5, betas[1] ** 0.5, steps, dtype=np.float64) ** 2
    else:
        part = np.cos((np.arange(steps + 1, dtype=np.float64) / steps + 0.008) / 1.008 * math.pi / 2) ** 2
        beta = np.minimum(1 - part[1:] / part[:-1], 0.999)
    return np.cumprod(1 - beta)


def timesteps(schedule, count):
    if schedule == "scaled-linear":
        return [(count - 1 - i) * (TRAIN_STEPS // count) + 1 for i in range(count)]
    return [int(t) - 1 for t in np.arange(TRAIN_STEPS, 0, -TRAIN_STEPS / count).round()[:count]]


def noise(seed, stream, shape):
    return torch.from_numpy(normals(seed, stream, int(np.prod(shape)))).view(shape)


@torch.no_grad()
def ddim(model, text, empty, seeds, count=50, guidance=4.0, eta=0.0, predicts="v", schedule="cosine", watch=None):
    """text [B, L, D] and empty [1, L, D] to latents [B, F, Z, H, W]; clip b uses seeds[b]. `watch(step, z)` sees each step's latents."""
    config = model.config
    shape = (1, config.F, config.Z, config.H, config.W)
    bars = alpha_bars(schedule)
    times = timesteps(schedule, count)
    z = torch.cat([noise(s, 0, shape) for s in seeds])
    both = torch.cat([empty.expand(len(z), -1, -1), text])
    for i, t in enumerate(times):
        a = bars[t]
        p = bars[times[i + 1]] if i + 1 < count else (1.0 if schedule == "cosine" else bars[0])
        out = model.denoise(torch.cat([z, z]), torch.full((2 * len(z),), float(t)), both)
        uncond, cond = out.chunk(2)
        out = uncond + guidance * (cond - uncond)
        if predicts == "v":
            x0, e = a ** 0.5 * z - (1 - a) ** 0.5 * out, (1 - a) ** 0.5 * z + a ** 0.5 * out
        else:
            x0, e = (z - (1 - a) ** 0.5 * out) / a ** 0.5, out
        sigma = eta * math.sqrt((1 - p) / (1 - a)) * math.sqrt(1 - a / p)
        z = math.sqrt(p) * x0 + math.sqrt(max(0.0, 1 - p - sigma ** 2)) * e
        if sigma > 0:
            z = z + sigma * torch.cat([noise(s, 1 + i, shape) for s in seeds])
        if watch is not None:
            watch(i + 1, z)
    return z

"""Trains Mini's autoencoder on moving shapes: first single frames, then the decoder alone on clips, with its attention along time."""
import argparse
import json
import os
import time

import numpy as np
import torch

import magicvideo
import tensors
from flat import FlatAdamW, spawn


def pixels(clips):
    """u8 [..., H, W, 3] to f32 [..., 3, H, W] in -1..1."""
    return torch.from_numpy(np.ascontiguousarray(clips)).float().div_(127.5).sub_(1).movedim(-1, -3).contiguous()


def rate_at(part, peak):
    """Linear warm-up over 3 %, then a cosine down to 3 % of the peak."""
    return peak * min(1.0, part / 0.03 + 0.01) * (0.03 + 0.97 * 0.5 * (1 + np.cos(np.pi * part)))


def reconstruction(y, x):
    return (y - x).abs().mean() + 2 * (y - x).square().mean()


def work(rank, processes, options):
    torch.manual_seed(1)
    config = magicvideo.MINI
    encoder, decoder = magicvideo.ImageEncoder(config), magicvideo.VideoDecoder(config)
    clips = tensors.load(options.data)[0]["clips"]
    numbers = np.random.default_rng(100 + rank)
    torch.manual_seed(100 + rank)
    flat = clips.reshape(-1, *clips.shape[2:])

    def frames_loss():
        x = pixels(flat[np.sort(numbers.integers(0, len(flat), options.frames))])
        mean, logvar = encoder.moments(x)
        logvar = logvar.clamp(-12, 4)
        kl = 0.5 * (mean.square() + logvar.exp() - 1 - logvar).mean()
        y = decoder.frames(mean + (0.5 * logvar).exp() * torch.randn_like(mean), timed=False)
        return reconstruction(y, x) + options.kl * kl, kl

    def clip_loss():
        x = pixels(clips[numbers.integers(0, len(clips))])
        with torch.no_grad():
            mean, logvar = encoder.moments(x)
            z = mean + (0.5 * logvar.clamp(-12, 4)).exp() * torch.randn_like(mean)
        return reconstruction(decoder.frames(z), x), torch.zeros(())

    for name, minutes, peak, loss_of, parameters in (
        ("frames", options.minutes, options.rate, frames_loss, [*encoder.parameters(), *decoder.parameters()]),
        ("clips", options.clip_minutes, options.rate / 4, clip_loss, list(decoder.parameters())),
    ):
        used = [p for n, p in [*encoder.named_parameters(), *decoder.named_parameters()] if any(p is q for q in parameters)]
        optimiser = FlatAdamW(used, average=0.995)
        started, step, recent = time.time(), 0, []
        while True:
            part = torch.tensor((time.time() - started) / (60 * minutes))
            if processes > 1:
                torch.distributed.broadcast(part, 0)
            if part >= 1:
                break
            loss, kl = loss_of()
            loss.backward()
            optimiser.step(float(rate_at(float(part), peak)))
            step += 1
            recent.append(float(loss))
            if rank == 0 and step % 50 == 0:
                print(f"{name} step {step} {time.time() - started:.0f} s loss {np.mean(recent[-50:]):.5f} kl {float(kl):.3f}", flush=True)
        optimiser.swap()
        if rank == 0:
            save(encoder, decoder, options.out)
    if rank == 0:
        measure(encoder, decoder, options)


def save(encoder, decoder, path):
    state = {f"encoder.{k}": v.numpy() for k, v in encoder.state_dict().items()}
    state.update({f"decoder.{k}": v.numpy() for k, v in decoder.state_dict().items()})
    os.makedirs(os.path.dirname(path), exist_ok=True)
    tensors.save(path, state)


def load(path):
    encoder, decoder = magicvideo.ImageEncoder(magicvideo.MINI), magicvideo.VideoDecoder(magicvideo.MINI)
    state = {k: torch.from_numpy(np.array(v)) for k, v in tensors.load(path)[0].items()}
    for prefix, module in (("encoder.", encoder), ("decoder.", decoder)):
        module.load_state_dict({k[len(prefix):]: v for k, v in state.items() if k.startswith(prefix)})
    return encoder, decoder


def centroids(clips):
    """u8 [..., H, W, 3] to the brightness-weighted centre (x, y) of what stands out from the background, and its area in pixels."""
    light = np.clip(clips.astype(np.float32).max(-1) - 40, 0, None)
    light = np.minimum(light / 120, 1)
    area = light.sum((-1, -2))
    grid = np.arange(clips.shape[-2]) + 0.5
    x = (light.sum(-2) * grid).sum(-1) / np.maximum(area, 1e-6)
    y = (light.sum(-1) * grid).sum(-1) / np.maximum(area, 1e-6)
    return np.stack([x, y], -1), area


def to_bytes(x):
    """f32 [..., 3, H, W] in -1..1 to u8 [..., H, W, 3]."""
    return x.movedim(-3, -1).add(1).mul(127.5).round().clamp(0, 255).byte().numpy()


def measure(encoder, decoder, options):
    test = tensors.load(options.test)[0]["clips"][:32]
    with torch.no_grad():
        x = pixels(test)
        z = encoder(x)
        y = decoder(z)
    error = (y.clamp(-1, 1) - x).square().mean()
    shown = to_bytes(y)
    off = np.abs(centroids(shown)[0] - centroids(test)[0])
    print(json.dumps({"psnr": float(10 * torch.log10(4 / error)), "centroid_mean_px": float(off.mean()), "centroid_max_px": float(off.max()),
                      "latent_std": float(z.std()), "latent_mean": z.mean((0, 1, 3, 4)).tolist(), "channel_std": z.std((0, 1, 3, 4)).tolist()}))
    tensors.save_png(options.out + ".png", tensors.contact_sheet(np.concatenate([test[:6], shown[:6]]), 3))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True)
    parser.add_argument("--test", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--minutes", type=float, default=9)
    parser.add_argument("--clip-minutes", type=float, default=3)
    parser.add_argument("--frames", type=int, default=8, help="frames a process and step")
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--kl", type=float, default=5e-4)
    parser.add_argument("--processes", type=int, default=2)
    chosen = parser.parse_args()
    spawn(work, chosen.processes, chosen)

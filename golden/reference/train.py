"""Trains Mini's text encoder and U-Net on cached latents of moving shapes; stops at any time, goes on where it stopped."""
import argparse
import json
import os
import time

import numpy as np
import torch
from torch import nn

import fast_ops
import magicvideo
import tensors
import train_vae
from flat import FlatAdamW, spawn
from sampler import alpha_bars
from words import tokenize


def cache(rank, processes, options):
    """Each process encodes its share of the clips to f32 latents, written as options.out/latents-RANK.npy."""
    encoder, _ = train_vae.load(options.vae)
    clips = tensors.load(options.data)[0]["clips"][:options.clips]
    mine = range(rank, len(clips), processes)
    out = np.empty((len(mine), 16, 4, 8, 8), np.float32)
    with torch.no_grad():
        for i, k in enumerate(mine):
            out[i] = encoder(train_vae.pixels(clips[k])[None])[0].numpy()
    np.save(f"{options.out}/latents-{rank}.npy", out)


def normalise(options, processes):
    """Gives latents mean 0 and variance 1 in each channel: folded into the 1x1 convolutions on both sides, so latentScale is 1."""
    parts = [np.load(f"{options.out}/latents-{rank}.npy") for rank in range(processes)]
    latents = np.empty((sum(map(len, parts)), *parts[0].shape[1:]), np.float32)
    for rank, part in enumerate(parts):
        latents[rank::processes] = part
    mean, std = latents.mean((0, 1, 3, 4)), latents.std((0, 1, 3, 4))
    encoder, decoder = train_vae.load(options.vae)
    m, s = torch.from_numpy(mean), torch.from_numpy(std)
    with torch.no_grad():
        encoder.quant.weight[:4] /= s[:, None, None, None]
        encoder.quant.bias[:4] = (encoder.quant.bias[:4] - m) / s
        decoder.quant.bias += decoder.quant.weight[:, :, 0, 0] @ m
        decoder.quant.weight *= s[None, :, None, None]
    train_vae.save(encoder, decoder, f"{options.out}/vae-normal.safetensors")
    tensors.save(f"{options.out}/latents.safetensors", {"latents": (latents - mean[:, None, None]) / std[:, None, None]})
    print("latents", latents.shape, "mean", mean, "std", std, flush=True)


def build():
    """Text positions start as large as tokens; a block's last convolution starts at zero, so that each block starts as nothing."""
    torch.manual_seed(1)
    model = nn.Module()
    model.config = magicvideo.MINI
    model.text, model.unet = magicvideo.ClipText(model.config), magicvideo.UNet(model.config)
    nn.init.normal_(model.text.position)
    for module in model.unet.modules():
        last = getattr(module, "leave", None) or (module.conv2.conv if isinstance(module, magicvideo.ResBlock) else None)
        if last is not None:
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)
    model.denoise = lambda z, t, text: model.unet(z, t, text)
    model.encode_text = lambda tokens: model.text(tokens)
    return model


def set_directed(model, directed):
    for module in model.unet.modules():
        if isinstance(module, magicvideo.Time):
            module.attention.causal = directed


def rate_at(part, peak):
    """Linear warm-up over 2 %, then level to a third, then a cosine down to 1 %."""
    if part < 0.02:
        return peak * (part / 0.02 + 0.01)
    return peak * (0.01 + 0.99 * 0.5 * (1 + np.cos(np.pi * max(0.0, (part - 0.33) / 0.67))))


def work(rank, processes, options):
    torch.set_flush_denormal(True)
    fast_ops.use()
    model = build()
    optimiser = FlatAdamW([*model.text.parameters(), *model.unet.parameters()], average=options.average)
    path, elapsed = f"{options.out}/checkpoint.pt", 0.0
    if os.path.exists(path):
        saved = torch.load(path)
        optimiser.restore(saved["optimiser"])
        elapsed = saved["elapsed"]
    latents = tensors.load(f"{options.out}/latents.safetensors")[0]["latents"]
    captions = tensors.load(options.data)[1]["captions"]
    captions = json.loads(captions)[:len(latents)]
    tokens = torch.tensor([[tokenize(c), tokenize("the" + c[1:]), tokenize("?" + c[1:])] for c in captions])
    empty = torch.tensor(tokenize(""))
    bars = torch.from_numpy(alpha_bars("cosine")).float()
    numbers = np.random.default_rng([options.seed, rank, optimiser.steps])
    torch.manual_seed(1000 * options.seed + 10 * optimiser.steps + rank)
    started, saved_at, recent = time.time() - elapsed, time.time(), []
    while True:
        part = torch.tensor((time.time() - started) / (60 * options.minutes))
        if processes > 1:
            torch.distributed.broadcast(part, 0)
        part = float(part)
        set_directed(model, part >= options.undirected)
        if part >= 1:
            break
        pick = numbers.integers(0, len(latents), options.batch)
        x = torch.from_numpy(latents[pick])
        words = tokens[pick, numbers.choice(3, options.batch, p=[0.8, 0.1, 0.1])]
        words[torch.rand(options.batch) < 0.1] = empty
        t = (torch.rand(options.batch) ** options.noisy * 1000).long()
        a = bars[t].view(-1, 1, 1, 1, 1)
        n = torch.randn_like(x)
        v = model.unet(a.sqrt() * x + (1 - a).sqrt() * n, t.float(), model.text(words))
        loss = (v - (a.sqrt() * n - (1 - a).sqrt() * x)).square().mean()
        loss.backward()
        norm = optimiser.step(float(rate_at(part, options.rate)))
        recent.append(float(loss))
        if rank == 0 and optimiser.steps % 50 == 0:
            print(f"step {optimiser.steps} {time.time() - started:.0f} s loss {np.mean(recent[-200:]):.4f} norm {norm:.2f}", flush=True)
        if rank == 0 and (time.time() - saved_at > 60 * options.save_every):
            checkpoint(path, optimiser, time.time() - started)
            saved_at = time.time()
    if rank == 0:
        checkpoint(path, optimiser, time.time() - started)


def checkpoint(path, optimiser, elapsed):
    torch.save({"optimiser": optimiser.state(), "elapsed": elapsed}, path + ".new")
    os.replace(path + ".new", path)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True)
    parser.add_argument("--vae", required=True)
    parser.add_argument("--out", required=True, help="folder of the cache and the checkpoint")
    parser.add_argument("--clips", type=int, default=6000)
    parser.add_argument("--minutes", type=float, default=100, help="of training in all, over every resumption")
    parser.add_argument("--batch", type=int, default=4, help="clips a process and step")
    parser.add_argument("--rate", type=float, default=1.5e-3)
    parser.add_argument("--average", type=float, default=0.999)
    parser.add_argument("--noisy", type=float, default=0.6, help="t = 1000 u^noisy: below 1 draws more noise")
    parser.add_argument("--undirected", type=float, default=0.0, help="the part of the time that trains without the mask")
    parser.add_argument("--save-every", type=float, default=4, help="minutes")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    chosen = parser.parse_args()
    os.makedirs(chosen.out, exist_ok=True)
    if not os.path.exists(f"{chosen.out}/latents.safetensors"):
        spawn(cache, chosen.processes, chosen)
        normalise(chosen, chosen.processes)
    spawn(work, chosen.processes, chosen)

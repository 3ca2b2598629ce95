"""Makes golden/cases/*.safetensors: inputs and expected outputs of every op, block and graph, from the hand-written model.

A case's weights are not stored but made from their names: weight P of shape S is w = normals(7, fnv1a32(P), count), then
  names that end in `scale`, and 1-D names that end in `weight`:   1 + 0.1 w
  names that end in `shift`, and other 1-D names:                  0.1 w
  `position` and `token.weight` (embeddings):                      w
  all others:                                                      w / sqrt(product of S[1:])
Inputs are normals(7, fnv1a32("CASE/INPUT")); tokens floor(uniforms(...) * vocabulary). The metadata says what the case is.
Every case is computed twice and must be finite and equal.
The wide cases store their output only, computed in f64; their inputs are made from the metadata's shapes by the same rule. So do those of losses, in f32.
"""
import argparse
import json
import math
import os
from dataclasses import replace

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

import magicvideo as mv
import tensors
import train_vae
import transformer
from counter_random import fnv1a32, normals, uniforms
from op_cases import ops, timestep_embedding

SEED = 7
FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../cases")


def weight(name, shape):
    w = torch.from_numpy(normals(SEED, fnv1a32(name), int(np.prod(shape)))).view(*shape)
    last = name.split(".")[-1]
    if last == "scale" or (last == "weight" and len(shape) == 1):
        return 1 + 0.1 * w
    if last == "shift" or len(shape) == 1:
        return 0.1 * w
    if last == "position" or name.endswith("token.weight"):
        return w
    return w / math.sqrt(np.prod(shape[1:]))


def weighted(module, prefix):
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            parameter.copy_(weight(f"{prefix}.{name}", tuple(parameter.shape)))
    return module


def signal(case, name, shape, scale=1.0):
    return scale * torch.from_numpy(normals(SEED, fnv1a32(f"{case}/{name}"), int(np.prod(shape)))).view(*shape)


def words(case, name, shape, vocabulary):
    x = uniforms(SEED, fnv1a32(f"{case}/{name}"), int(np.prod(shape)))
    return torch.from_numpy(np.floor(x.astype(np.float64) * vocabulary).astype(np.int32)).view(*shape)


def write(case, inputs, compute, metadata):
    with torch.no_grad():
        first, second = compute(**inputs), compute(**inputs)
    assert torch.isfinite(first).all(), case
    assert torch.equal(first, second), case
    arrays = {k: v.numpy() for k, v in inputs.items()}
    arrays["output"] = first.float().contiguous().numpy()
    tensors.save(f"{FOLDER}/{case}.safetensors", arrays, metadata)


# --- ops: weights are inputs, stored --------------------------------------------------------------------------------

SCALES = {"gelu": 3.0, "quickGelu": 3.0, "silu": 3.0, "geglu": 3.0, "softmax": 3.0, "sin": 300.0, "cos": 300.0}


def op_inputs(case, op, shapes):
    inputs = {}
    for key, shape in shapes.items():
        if key == "weight" or (key == "bias" and len(shape) == 1):
            inputs[key] = weight(f"{case}.{key}", shape)
        elif key == "indices":
            inputs[key] = words(case, key, shape, 9)
        elif key == "positions":
            inputs[key] = words(case, key, shape, 40).float()
        else:
            x = signal(case, key, shape, SCALES.get(op, 1.0))
            inputs[key] = x.abs() if op in ("sqrt", "log") else x
    return inputs


def write_op(name, op, attributes, shapes, compute):
    case = f"op-{name}"
    write(case, op_inputs(case, op, shapes), compute, {"kind": "op", "op": op, "attributes": json.dumps(attributes), "inputs": ",".join(shapes)})


def write_ops():
    for row in ops():
        write_op(*row)
    case = "op-sinusoid"
    write(case, {"t": torch.tensor([0.0, 1.0, 20.5, 999.0])}, lambda t: mv.sinusoid(t, 48), {"kind": "op", "op": "sinusoid", "attributes": json.dumps({"width": 48}), "inputs": "t"})
    case = "op-sinusoid-variant"
    variant = {"width": 10, "order": "sin-cos", "shift": 1.0, "maxPeriod": 1000.0, "scale": 0.25}
    write(case, {"t": torch.tensor([0.0, 1.0, 20.5, 99.0])}, lambda t: timestep_embedding(t, 10, False, 1.0, 1000.0, 0.25),
          {"kind": "op", "op": "sinusoid", "attributes": json.dumps(variant), "inputs": "t"})
    case = "op-embedding"
    write(case, {"x": words(case, "x", (2, 5), 9), "weight": weight(f"{case}.token.weight", (9, 6))}, lambda x, weight: F.embedding(x.long(), weight),
          {"kind": "op", "op": "embedding", "attributes": json.dumps({"vocabulary": 9, "width": 6}), "inputs": "x,weight"})


# --- blocks: golden/cases/blocks.mv, preset Small ------------------------------------------------------------------

SMALL = replace(mv.FULL, L=5, D=12, heads=4, groups=8, vocabulary=32, text_layers=2, text_heads=4, vae_widths=(8, 16))
CLIP = (1, 16, 16, 4, 6)


def clip_block(module):
    """A block on folded frames as a function of clips; `step` and `text` pass as they are."""
    def apply(x, **more):
        y = module(x.flatten(0, 1), *more.values())
        return y.view(*x.shape[:2], *y.shape[1:])
    return apply


def blocks():
    small, full_time, series = SMALL, replace(SMALL, time="full"), replace(SMALL, composition="series")
    step, text = {"step": (1, 32)}, {"text": (1, 5, 12)}
    yield "adaptorAlone", None, mv.Adaptor(16, 16), {"x": CLIP}
    yield "attentionPlain", None, mv.Attention(16, 16, 4), {"x": (3, 7, 16)}
    yield "attentionCausal", None, mv.Attention(16, 16, 4, causal=True, bias=True), {"x": (3, 7, 16)}
    yield "attentionCross", None, mv.Attention(16, 24, 2), {"x": (3, 7, 16), "context": (3, 5, 24)}
    yield "transformer", None, transformer.Transformer(7, 20, 2), {"x": (3, 7, 20), "places": (7,), "distances": (7, 7)}
    yield "timeAlone", None, mv.Time(small, 16), {"x": CLIP}
    yield "timeAlone", "FullTime", mv.Time(full_time, 16), {"x": CLIP}
    yield "frameConv", None, mv.FrameConv(small, 16, 24), {"x": CLIP}
    yield "frameConvHalve", None, mv.FrameConv(small, 16, stride=2), {"x": CLIP}
    yield "resBlock", None, mv.ResBlock(small, 16, 32), {"x": CLIP, **step}
    yield "resBlockWiden", None, mv.ResBlock(small, 16, 32, 24), {"x": CLIP, **step}
    yield "spaceAlone", None, mv.Space(small, 16), {"x": CLIP, **text}
    yield "spaceTime", None, mv.SpaceTime(small, 16), {"x": CLIP, **text}
    yield "spaceTime", "InSeries", mv.SpaceTime(series, 16), {"x": CLIP, **text}
    yield "vaeRes", None, mv.VaeRes(8, 16), {"x": CLIP}
    yield "vaeResWiden", None, mv.VaeRes(8, 16, 24), {"x": CLIP}
    yield "vaeAttention", None, mv.VaeAttention(8, 16), {"x": CLIP}
    yield "clipText", None, mv.ClipText(replace(small, D=24)), {"tokens": (1, 5)}
    yield "imageEncoder", None, mv.ImageEncoder(small), {"x": (1, 16, 3, 8, 12)}
    yield "videoDecoder", None, mv.VideoDecoder(small), {"z": (1, 16, 4, 4, 6)}


def counted(name, shape):
    """Places from 0 on; of a query and a key, how far they are apart, counted from the least."""
    at = torch.arange(shape[0], dtype=torch.int32)
    return at if name == "places" else at[:, None] - at[None, :] + shape[0] - 1


def block_inputs(case, shapes):
    return {k: words(case, k, s, 32) if k == "tokens" else counted(k, s) if k in ("places", "distances") else signal(case, k, s) for k, s in shapes.items()}


def block_function(graph, module, shapes):
    if graph.startswith("attention"):
        return (lambda x: module(x, x)) if len(shapes) == 1 else module
    if graph == "clipText":
        return lambda tokens: module(tokens.long())
    return module if graph in ("imageEncoder", "videoDecoder", "transformer") else clip_block(module)


def write_blocks():
    for graph, ablation, module, shapes in blocks():
        case = f"block-{graph}" + (f"-{ablation}" if ablation else "")
        inputs = block_inputs(case, shapes)
        compute = block_function(graph, weighted(module, graph), shapes)
        write(case, inputs, compute if not isinstance(compute, nn.Module) else lambda m=compute, **k: m(*k.values()),
              {"kind": "block", "file": "golden/cases/blocks.mv", "model": "Blocks", "preset": "Small", "ablation": ablation or "", "graph": graph,
               "inputs": ",".join(shapes)})


# --- wide blocks: golden/cases/wide.mv, preset Short; heads, groups, text and step as in the full model ---------------

def wide_blocks():
    short = replace(mv.FULL, F=4)
    for channels, side in ((320, 8), (1280, 4)):
        x = {"x": (1, short.F, channels, side, side)}
        yield f"resBlock{channels}", mv.ResBlock(short, channels, 1280), {**x, "step": (1, 1280)}
        yield f"spaceTime{channels}", mv.SpaceTime(short, channels), {**x, "text": (1, short.L, short.D)}


def write_wide():
    """In f64, rounded once: sums of ten thousand products leave the only rounding error on the side of the engine that is tested."""
    for graph, module, shapes in wide_blocks():
        case = f"wide-{graph}"
        inputs = {k: signal(case, k, s).double() for k, s in shapes.items()}
        compute = clip_block(weighted(module, graph).double())
        write(case, {}, lambda compute=compute, inputs=inputs: compute(**inputs),
              {"kind": "wide", "file": "golden/cases/wide.mv", "model": "Wide", "preset": "Short", "graph": graph, "inputs": ",".join(shapes),
               "shapes": json.dumps(shapes)})


# --- graphs: models/magicvideo.mv, preset Mini ---------------------------------------------------------------------

def mini(ablation=None):
    model = mv.MagicVideo(mv.ablate(mv.MINI, ablation) if ablation else mv.MINI)
    for root in ("text", "unet", "decoder", "encoder"):
        weighted(getattr(model, root), root)
    return model


def write_graphs():
    m = mv.MINI
    z, text, pixels = (m.F, m.Z, m.H, m.W), (m.L, m.D), (m.F, 3, 8 * m.H, 8 * m.W)

    def graph(case, name, inputs, compute, ablation=None, batch=1):
        write(case, inputs, compute, {"kind": "graph", "file": "models/magicvideo.mv", "model": "MagicVideo", "preset": "Mini", "ablation": ablation or "",
                                      "graph": name, "batch": str(batch), "inputs": ",".join(inputs)})

    def denoise_inputs(case, batch):
        return {"z": signal(case, "z", (batch, *z)), "t": torch.tensor([721.0, 40.0][:batch]), "text": signal(case, "text", (batch, *text))}

    base = mini()
    graph("graph-encodeText", "encodeText", {"tokens": words("graph-encodeText", "tokens", (1, m.L), m.vocabulary)}, lambda tokens: base.encode_text(tokens.long()))
    graph("graph-denoise", "denoise", denoise_inputs("graph-denoise", 1), base.denoise)
    graph("graph-denoise-batch2", "denoise", denoise_inputs("graph-denoise-batch2", 2), base.denoise, batch=2)
    graph("graph-decode", "decode", {"z": signal("graph-decode", "z", (1, *z))}, base.decode)
    graph("graph-encode", "encode", {"x": signal("graph-encode", "x", (1, *pixels), 0.5)}, base.encode)
    for name in mv.ABLATIONS:
        case, model = f"graph-denoise-{name}", mini(name)
        graph(case, "denoise", denoise_inputs(case, 1), model.denoise, name)
        if name == "ImageVae":
            graph(f"graph-decode-{name}", "decode", {"z": signal(f"graph-decode-{name}", "z", (1, *z))}, model.decode, name)


# --- the losses of training: every output, the minimised one first; inputs are made from their shapes, as those of the wide cases ---------------

def losses(base, m, batch, t, case):
    """Of each stage its name, the shapes of normals, the other inputs, and what computes it."""
    latents, pixels = (batch, m.F, m.Z, m.H, m.W), (batch, m.F, 3, 8 * m.H, 8 * m.W)

    def drawn(x, noise):
        mean, logvar = (torch.stack(parts) for parts in zip(*(base.encoder.moments(clip) for clip in x)))
        logvar = logvar.clamp(-12, 4)
        return mean, logvar, mean + (0.5 * logvar).exp() * noise

    def autoencoder(x, noise):
        mean, logvar, z = drawn(x, noise)
        y = torch.stack([base.decoder.frames(clip, timed=False) for clip in z])
        reconstruction = train_vae.reconstruction(y, x)
        divergence = 0.5 * (mean.square() + logvar.exp() - 1 - logvar).mean()
        return reconstruction + 5e-4 * divergence, reconstruction, divergence

    def decoder(x, noise):
        return [train_vae.reconstruction(torch.stack([base.decoder.frames(clip) for clip in drawn(x, noise)[2]]), x)]

    def denoiser(z, noise, tokens, t, signal, sigma):
        a, s = (part.view(-1, 1, 1, 1, 1) for part in (signal, sigma))
        v = base.unet(a * z + s * noise, t, base.text(tokens.long()))
        return [(v - (a * noise - s * z)).square().mean()]

    both = {"x": pixels, "noise": latents}
    yield "autoencoder", both, {}, autoencoder
    yield "videoDecoder", both, {}, decoder
    levels = {"t": torch.tensor(t), "signal": torch.tensor([0.3, 0.99]), "sigma": torch.tensor([0.3, 0.99]).square().neg().add(1).sqrt()}
    yield "denoiser", {"z": latents, "noise": latents}, {"tokens": words(case("denoiser"), "tokens", (batch, m.L), m.vocabulary), **levels}, denoiser


def write_losses():
    batch = 2
    for stage, inputs, stored, compute in losses(mini(), mv.MINI, batch, [721.0, 40.0], lambda stage: f"loss-{stage}"):
        case = f"loss-{stage}"
        made = {name: signal(case, name, shape) for name, shape in inputs.items()}
        with torch.no_grad():
            found = torch.stack([torch.as_tensor(value) for value in compute(**made, **stored)])
        assert torch.isfinite(found).all(), case
        arrays = {k: v.numpy() for k, v in stored.items()}
        tensors.save(f"{FOLDER}/{case}.safetensors", {**arrays, "output": found.numpy()},
                     {"kind": "loss", "stage": stage, "batch": str(batch), "inputs": ",".join([*inputs, *stored]), "shapes": json.dumps(inputs)})


# --- the whole sampling loop, with the trained weights -------------------------------------------------------------

def write_sampling(weights, prompt, seed, steps, guidance, eta):
    from evaluate import from_weights
    from sampler import ddim, noise
    from train_vae import to_bytes
    from words import tokenize
    model = from_weights(weights)
    tokens, empty = torch.tensor([tokenize(prompt)]), torch.tensor([tokenize("")])
    every = max(1, steps // 5)

    @torch.no_grad()
    def once():
        kept = {}
        text, none = model.encode_text(tokens), model.encode_text(empty)
        z = ddim(model, text, none, [seed], steps, guidance, eta, watch=lambda i, z: kept.update({f"latents{i:03d}": z.clone()}) if i % every == 0 else None)
        m = model.config
        return {"tokens": tokens.int(), "text": text, "noise": noise(seed, 0, (1, m.F, m.Z, m.H, m.W)), **kept, "latents": z, "frames": model.decode(z)}

    first, second = once(), once()
    assert all(torch.equal(first[k], second[k]) and torch.isfinite(first[k].float()).all() for k in first)
    first["frames"] = torch.from_numpy(to_bytes(first["frames"]))
    tensors.save(f"{FOLDER}/sample-mini.safetensors", {k: v.numpy() for k, v in first.items()},
                 {"kind": "sample", "file": "models/magicvideo.mv", "model": "MagicVideo", "preset": "Mini", "weights": "models/mini.safetensors", "prompt": prompt,
                  "seed": str(seed), "steps": str(steps), "guidance": str(guidance), "eta": str(eta), "frames": "u8, round((x + 1) * 127.5)"})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", help="models/mini.safetensors: makes the sampled clip too")
    parser.add_argument("--steps", type=int, default=25)
    parser.add_argument("--guidance", type=float, default=2.0)
    parser.add_argument("--eta", type=float, default=1.0)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    write_ops()
    write_blocks()
    write_wide()
    write_graphs()
    write_losses()
    if chosen.weights:
        write_sampling(chosen.weights, "a red circle moves right", 1, chosen.steps, chosen.guidance, chosen.eta)

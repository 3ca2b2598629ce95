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

def frames(op):
    """A 2D op applied to [B, F, C, H, W]."""
    def apply(x, **more):
        y = op(x.flatten(0, 1), **more)
        return y.view(*x.shape[:2], *y.shape[1:])
    return apply


def conv(stride=1, padding=1, end=False):
    def apply(x, weight, bias):
        if end:
            x = F.pad(x, (0, weight.shape[3] - stride, 0, weight.shape[2] - stride))
        return F.conv2d(x, weight, bias, stride, 0 if end else padding)
    return frames(apply)


def windows():
    """Convolutions, their transposes and pools of other windows than one square on both sides: [2, 3] in front, PyTorch's own words where it has them."""
    for name, op, attributes, x, shape, compute in (
        ("same", "conv1d", {"out": 7, "kernel": 3}, (5, 11), (7, 5, 3), lambda x, w, b: F.conv1d(x, w, b, padding="same")),
        ("even", "conv1d", {"out": 8, "kernel": 4}, (4, 9), (8, 4, 4), lambda x, w, b: F.conv1d(x, w, b, padding="same")),
        ("causal-dilated", "conv1d", {"out": 8, "kernel": 3, "padding": "causal", "dilation": 2}, (8, 11), (8, 8, 3),
         lambda x, w, b: F.conv1d(F.pad(x, (4, 0)), w, b, dilation=2)),
        ("none-stride3", "conv1d", {"out": 6, "kernel": 4, "padding": "none", "stride": 3}, (5, 13), (6, 5, 4), lambda x, w, b: F.conv1d(x, w, b, 3)),
        ("depthwise", "conv1d", {"out": 8, "kernel": 5, "groups": 8}, (8, 11), (8, 1, 5), lambda x, w, b: F.conv1d(x, w, b, padding=2, groups=8)),
        ("depthwise-odd", "conv1d", {"out": 5, "kernel": 3, "groups": 5}, (5, 7), (5, 1, 3), lambda x, w, b: F.conv1d(x, w, b, padding=1, groups=5)),
        ("wide-same", "conv2d", {"out": 8, "kernel": [1, 3]}, (4, 5, 7), (8, 4, 1, 3), lambda x, w, b: F.conv2d(x, w, b, padding="same")),
        ("dilated", "conv2d", {"out": 7, "kernel": 3, "dilation": [1, 2]}, (5, 6, 9), (7, 5, 3, 3), lambda x, w, b: F.conv2d(x, w, b, padding="same", dilation=(1, 2))),
        ("ints", "conv2d", {"out": 12, "kernel": [3, 2], "stride": [2, 1], "padding": [2, 1]}, (8, 7, 5), (12, 8, 3, 2),
         lambda x, w, b: F.conv2d(x, w, b, (2, 1), (2, 1))),
        ("groups2", "conv2d", {"out": 12, "kernel": 3, "groups": 2}, (6, 5, 7), (12, 3, 3, 3), lambda x, w, b: F.conv2d(x, w, b, padding=1, groups=2)),
        ("groups3", "conv2d", {"out": 24, "kernel": 3, "groups": 3, "stride": 2}, (12, 5, 8), (24, 4, 3, 3), lambda x, w, b: F.conv2d(x, w, b, 2, 1, groups=3)),
        ("twice-depthwise", "conv2d", {"out": 8, "kernel": 3, "groups": 4}, (4, 5, 7), (8, 1, 3, 3), lambda x, w, b: F.conv2d(x, w, b, padding=1, groups=4)),
        ("same", "conv3d", {"out": 8, "kernel": 3}, (4, 3, 5, 7), (8, 4, 3, 3, 3), lambda x, w, b: F.conv3d(x, w, b, padding="same")),
        ("causal", "conv3d", {"out": 7, "kernel": 3, "stride": [1, 2, 2], "padding": ["causal", 1, 1]}, (5, 5, 6, 3), (7, 5, 3, 3, 3),
         lambda x, w, b: F.conv3d(F.pad(x, (0, 0, 0, 0, 2, 0)), w, b, (1, 2, 2), (0, 1, 1))),
        ("frames-depthwise", "conv3d", {"out": 8, "kernel": [3, 1, 1], "padding": ["causal", "none", "none"], "groups": 8}, (8, 5, 3, 5), (8, 1, 3, 1, 1),
         lambda x, w, b: F.conv3d(F.pad(x, (0, 0, 0, 0, 2, 0)), w, b, groups=8)),
        ("pointwise", "conv3d", {"out": 8, "kernel": 1}, (5, 2, 3, 5), (8, 5, 1, 1, 1), lambda x, w, b: F.conv3d(x, w, b)),
        ("k4-stride2", "convTranspose1d", {"out": 8, "kernel": 4, "stride": 2}, (4, 7), (4, 8, 4), lambda x, w, b: F.conv_transpose1d(x, w, b, 2, 1)),
        ("k3-stride2", "convTranspose1d", {"out": 7, "kernel": 3, "stride": 2}, (5, 7), (5, 7, 3), lambda x, w, b: F.conv_transpose1d(x, w, b, 2, 1, 1)),
        ("causal", "convTranspose1d", {"out": 8, "kernel": 5, "stride": 2, "padding": "causal"}, (8, 7), (8, 8, 5), lambda x, w, b: F.conv_transpose1d(x, w, b, 2)[..., :14]),
        ("none-dilated", "convTranspose1d", {"out": 7, "kernel": 3, "stride": 3, "padding": "none", "dilation": 2}, (5, 4), (5, 7, 3),
         lambda x, w, b: F.conv_transpose1d(x, w, b, 3, dilation=2)),
        ("ints", "convTranspose2d", {"out": 6, "kernel": 3, "stride": [2, 1], "padding": 1}, (5, 4, 7), (5, 6, 3, 3), lambda x, w, b: F.conv_transpose2d(x, w, b, (2, 1), 1)),
        ("groups2", "convTranspose2d", {"out": 16, "kernel": 4, "stride": 2, "groups": 2}, (8, 3, 5), (8, 8, 4, 4), lambda x, w, b: F.conv_transpose2d(x, w, b, 2, 1, groups=2)),
        ("groups2-odd", "convTranspose2d", {"out": 12, "kernel": 2, "stride": 2, "groups": 2}, (6, 3, 5), (6, 6, 2, 2), lambda x, w, b: F.conv_transpose2d(x, w, b, 2, groups=2)),
        ("depthwise", "convTranspose2d", {"out": 8, "kernel": 3, "groups": 8}, (8, 3, 5), (8, 1, 3, 3), lambda x, w, b: F.conv_transpose2d(x, w, b, 1, 1, groups=8)),
        ("pictures", "convTranspose3d", {"out": 8, "kernel": [1, 4, 4], "stride": [1, 2, 2]}, (4, 3, 3, 5), (4, 8, 1, 4, 4),
         lambda x, w, b: F.conv_transpose3d(x, w, b, (1, 2, 2), (0, 1, 1))),
    ):
        yield f"{op}-{name}", op, attributes, {"x": (2, 3, *x), "weight": shape, "bias": (attributes["out"],)}, frames(lambda x, weight, bias, compute=compute: compute(x, weight, bias))
    for name, op, attributes, x, compute in (
        ("k3", "averagePool1d", {"kernel": 3}, (5, 11), lambda x: F.avg_pool1d(x, 3)),
        ("stride1", "averagePool2d", {"kernel": [2, 3], "stride": 1}, (8, 5, 7), lambda x: F.avg_pool2d(x, (2, 3), 1)),
        ("odd", "averagePool2d", {"kernel": 2}, (5, 5, 7), lambda x: F.avg_pool2d(x, 2)),
        ("pictures", "averagePool3d", {"kernel": [1, 2, 2]}, (4, 3, 4, 6), lambda x: F.avg_pool3d(x, (1, 2, 2))),
        ("overlapping", "averagePool3d", {"kernel": 3, "stride": [1, 2, 1]}, (5, 4, 5, 3), lambda x: F.avg_pool3d(x, 3, (1, 2, 1))),
    ):
        yield f"{op}-{name}", op, attributes, {"x": (2, 3, *x)}, frames(compute)
def biased_attention(query, key, value, bias, heads, causal):
    """softmax(q k / sqrt(d) + bias) v, as torch.nn.functional.scaled_dot_product_attention documents its attn_mask."""
    q, k, v = (x.view(x.shape[0], x.shape[1], heads, -1).transpose(1, 2) for x in (query, key, value))
    scores = torch.matmul(q, k.transpose(-1, -2)) / math.sqrt(q.shape[-1]) + bias
    if causal:
        scores = scores.masked_fill(torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1), float("-inf"))
    return torch.matmul(scores.softmax(-1), v).transpose(1, 2).reshape(query.shape)


def rotary(x, positions, base=10000.0, pairs="interleaved"):
    """Equation 15 of RoFormer (Su et al., 2021): x cos + rotate_half(x) sin, in f64; pairs side by side, or in halves as GPT-NeoX has them."""
    width = x.shape[-1]
    rates = base ** (-torch.arange(0, width, 2, dtype=torch.float64) / width)
    angles = positions.double()[..., None] * rates
    x = x.double()
    if pairs == "halves":
        angles, rotated = torch.cat([angles, angles], -1), torch.cat([-x[..., width // 2:], x[..., :width // 2]], -1)
    else:
        angles, rotated = angles.repeat_interleave(2, -1), torch.stack([-x[..., 1::2], x[..., ::2]], -1).flatten(-2)
    return (x * angles.cos() + rotated * angles.sin()).float()


def timestep_embedding(t, width, flip, shift, period, scale):
    """diffusers' get_timestep_embedding as its documentation has it: sines first, unless they are flipped."""
    half = width // 2
    rates = torch.exp(-math.log(period) * torch.arange(half, dtype=torch.float64) / (half - shift))
    angles = scale * t.double()[:, None] * rates
    waves = [angles.sin(), angles.cos()]
    return torch.cat(waves[::-1] if flip else waves, -1).float()


def ops():
    conv_cases = [("k3", 1, 1, 3, False), ("k1", 1, 0, 1, False), ("k5", 1, 2, 5, False), ("k3-stride2", 2, 1, 3, False), ("k3-stride2-end", 2, 0, 3, True)]
    for name, stride, padding, k, end in conv_cases:
        shape = (2, 3, 5, 6, 10) if stride == 2 else (2, 3, 5, 7, 9)
        attributes = {"out": 7, "kernel": k, "stride": stride, **({"padding": "end"} if end else {})}
        yield f"conv2d-{name}", "conv2d", attributes, {"x": shape, "weight": (7, 5, k, k), "bias": (7,)}, conv(stride, padding, end)
    yield from windows()
    for groups, channels, eps in ((1, 5, 1e-5), (3, 6, 1e-6), (6, 6, 1e-5)):
        op = frames(lambda x, weight, bias, groups=groups, eps=eps: F.group_norm(x, groups, weight, bias, eps))
        yield (f"group-norm-{groups}-of-{channels}", "groupNorm", {"groups": groups, "eps": eps},
               {"x": (2, 3, channels, 5, 7), "weight": (channels,), "bias": (channels,)}, op)
    yield ("rms-norm", "rmsNorm", {}, {"x": (3, 5, 13), "weight": (13,)}, lambda x, weight: x * torch.rsqrt((x * x).mean(-1, keepdim=True) + 1e-6) * weight)
    yield ("layer-norm", "layerNorm", {}, {"x": (3, 5, 13), "weight": (13,), "bias": (13,)}, lambda x, weight, bias: F.layer_norm(x, (13,), weight, bias))
    yield ("layer-norm-plain", "layerNorm", {"affine": False}, {"x": (3, 5, 13)}, lambda x: nn.LayerNorm(13, elementwise_affine=False)(x))
    yield ("rms-norm-plain", "rmsNorm", {"affine": False}, {"x": (3, 5, 13)}, lambda x: x * torch.rsqrt((x * x).mean(-1, keepdim=True) + 1e-6))
    yield ("linear", "linear", {"out": 11}, {"x": (3, 5, 13), "weight": (11, 13), "bias": (11,)}, F.linear)
    yield ("linear-no-bias", "linear", {"out": 11, "bias": False}, {"x": (3, 5, 13), "weight": (11, 13)}, F.linear)
    for name, heads, s, t, c, causal in (("self", 3, 7, 7, 15, False), ("cross", 2, 7, 5, 14, False), ("causal", 3, 9, 9, 12, True), ("one-head", 1, 4, 6, 8, False)):
        yield (f"attend-{name}", "attend", {"heads": heads, "causal": causal}, {"query": (3, s, c), "key": (3, t, c), "value": (3, t, c)},
               lambda query, key, value, heads=heads, causal=causal: mv.attend(query, key, value, heads, causal))
    for name, heads, s, t, c, causal, bias in (("bias", 3, 7, 5, 15, False, (2, 3, 7, 5)), ("bias-heads", 3, 7, 7, 12, True, (1, 3, 7, 7)), ("bias-keys", 2, 5, 37, 8, False, (2, 1, 1, 37))):
        yield (f"attend-{name}", "attend", {"heads": heads, "causal": causal}, {"query": (2, s, c), "key": (2, t, c), "value": (2, t, c), "bias": bias},
               lambda query, key, value, bias, heads=heads, causal=causal: biased_attention(query, key, value, bias, heads, causal))
    for name, shape, places, attributes in (
            ("pairs", (2, 5, 3, 10), (1, 5, 1), {}), ("halves", (2, 5, 3, 14), (2, 5, 1), {"base": 500.0, "pairs": "halves"}), ("last", (7, 6), (7,), {"pairs": "halves"})):
        yield f"rotary-{name}", "rotary", attributes, {"x": shape, "positions": places}, lambda x, positions, attributes=attributes: rotary(x, positions, **attributes)
    yield ("gather-rows", "gather", {"axis": 0}, {"x": (9, 5), "indices": (4, 3)}, lambda x, indices: F.embedding(indices.long(), x))
    yield ("gather-bias", "gather", {"axis": 1}, {"x": (3, 9), "indices": (5, 5)}, lambda x, indices: x[:, indices.long()])
    yield ("gather-middle", "gather", {"axis": 1}, {"x": (3, 9, 4), "indices": (7,)}, lambda x, indices: torch.index_select(x, 1, indices.long()))
    for name, op in (("geglu", mv.geglu), ("gelu", F.gelu), ("quickGelu", mv.quick_gelu), ("silu", F.silu), ("softmax", lambda x: x.softmax(-1))):
        yield name, name, ({"axis": 2} if name == "softmax" else {}), {"x": (3, 5, 14)}, lambda x, op=op: op(x)
    yield ("gelu-tanh", "gelu", {"approximate": "tanh"}, {"x": (3, 5, 14)}, lambda x: F.gelu(x, approximate="tanh"))
    for name, op in (("relu", F.relu), ("abs", torch.abs), ("sqrt", torch.sqrt), ("sin", torch.sin), ("cos", torch.cos)):
        yield name, name, {}, {"x": (3, 5, 14)}, lambda x, op=op: op(x)
    yield ("sum", "sum", {"axis": 1}, {"x": (3, 5, 14)}, lambda x: x.sum(1, keepdim=True))
    yield ("mean", "mean", {"axis": 0}, {"x": (3, 5, 14)}, lambda x: x.mean(0, keepdim=True))
    yield ("max", "max", {"axis": 2}, {"x": (3, 5, 14)}, lambda x: x.amax(2, keepdim=True))
    yield ("pad-frames", "pad", {"axis": 1, "before": 2, "after": 0}, {"x": (2, 3, 4, 5)}, lambda x: F.pad(x, (0, 0, 0, 0, 2, 0)))
    yield ("pad-last", "pad", {"axis": 2, "before": 1, "after": 3}, {"x": (3, 5, 13)}, lambda x: F.pad(x, (1, 3)))
    yield ("upsample", "upsample", {"factor": 2}, {"x": (2, 3, 2, 3, 5)}, frames(lambda x: F.interpolate(x, scale_factor=2, mode="nearest")))


# Element functions see what they bend: waves a hundred turns, roots no negative number.
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
            inputs[key] = x.abs() if op == "sqrt" else x
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

def write_losses():
    m, batch = mv.MINI, 2
    latents, pixels = (batch, m.F, m.Z, m.H, m.W), (batch, m.F, 3, 8 * m.H, 8 * m.W)
    base = mini()

    def loss(stage, inputs, stored, compute):
        case = f"loss-{stage}"
        made = {name: signal(case, name, shape) for name, shape in inputs.items()}
        with torch.no_grad():
            found = torch.stack([torch.as_tensor(value) for value in compute(**made, **stored)])
        assert torch.isfinite(found).all(), case
        arrays = {k: v.numpy() for k, v in stored.items()}
        tensors.save(f"{FOLDER}/{case}.safetensors", {**arrays, "output": found.numpy()},
                     {"kind": "loss", "stage": stage, "batch": str(batch), "inputs": ",".join([*inputs, *stored]), "shapes": json.dumps(inputs)})

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
    loss("autoencoder", both, {}, autoencoder)
    loss("videoDecoder", both, {}, decoder)
    levels = {"t": torch.tensor([721.0, 40.0]), "signal": torch.tensor([0.3, 0.99]), "sigma": torch.tensor([0.3, 0.99]).square().neg().add(1).sqrt()}
    loss("denoiser", {"z": latents, "noise": latents}, {"tokens": words("loss-denoiser", "tokens", (batch, m.L), m.vocabulary), **levels}, denoiser)


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

"""The ops of the goldens by PyTorch: of each case its name, op, attributes, the shapes of its inputs and what computes it."""
import math

import torch
from torch import nn
from torch.nn import functional as F

import magicvideo as mv


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
    for name, op in (("relu", F.relu), ("abs", torch.abs), ("sqrt", torch.sqrt), ("log", torch.log), ("sin", torch.sin), ("cos", torch.cos)):
        yield name, name, {}, {"x": (3, 5, 14)}, lambda x, op=op: op(x)
    yield ("sum", "sum", {"axis": 1}, {"x": (3, 5, 14)}, lambda x: x.sum(1, keepdim=True))
    yield ("mean", "mean", {"axis": 0}, {"x": (3, 5, 14)}, lambda x: x.mean(0, keepdim=True))
    yield ("max", "max", {"axis": 2}, {"x": (3, 5, 14)}, lambda x: x.amax(2, keepdim=True))
    yield ("pad-frames", "pad", {"axis": 1, "before": 2, "after": 0}, {"x": (2, 3, 4, 5)}, lambda x: F.pad(x, (0, 0, 0, 0, 2, 0)))
    yield ("pad-last", "pad", {"axis": 2, "before": 1, "after": 3}, {"x": (3, 5, 13)}, lambda x: F.pad(x, (1, 3)))
    yield ("upsample", "upsample", {"factor": 2}, {"x": (2, 3, 2, 3, 5)}, frames(lambda x: F.interpolate(x, scale_factor=2, mode="nearest")))


# Element functions see what they bend: waves a hundred turns, roots no negative number.

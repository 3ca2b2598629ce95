"""Makes golden/gradients/*.safetensors: gradients of ops, blocks and Mini by autograd in f64, at the inputs and weights of make_goldens.py.

ops: for each case of an op in golden/cases, and for those of `more_ops` (their inputs made by the same rules, which the metadata says),
  the gradient of sum(output * r) with respect to every float input, where r = normals(7, fnv1a32("CASE/gradient"), count).
losses: of the first output of each stage's loss, on which a small MagicVideo and Video Diffusion's Mini are trained; its outputs are stored too.
blocks, magicvideo-PRESET: gradients of a mean square against normals(7, fnv1a32("CASE/target"), count). Of each weight (their paths, sorted,
  are in the metadata) not the gradient g is stored but a row: |g|, then g . v_k for k = 0 to 3, v_k = normals(7, fnv1a32("direction k"), count).
  Of an error e in g, E (e . v)^2 = |e|^2.
"""
import json
import os
from dataclasses import replace

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

import magicvideo as mv
import make_goldens as goldens
import tensors
import video_diffusion as vdm
from counter_random import fnv1a32, normals
from make_goldens import signal, words

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../gradients")
DIRECTIONS = 4


def gradients_of(case, inputs, compute):
    wide = {k: v.double().requires_grad_() if v.is_floating_point() else v for k, v in inputs.items()}
    output = compute(**wide)
    r = torch.from_numpy(normals(7, fnv1a32(f"{case}/gradient"), output.numel())).view(output.shape)
    (output.double() * r.double()).sum().backward()
    made = {k: v.grad for k, v in wide.items() if v.requires_grad}
    assert all(torch.isfinite(g).all() for g in made.values()), case
    return {f"{case}/{k}": g.float().numpy() for k, g in made.items()}


# --- ops that no case of golden/cases has, and points where a slope is a choice ----------------------------------------

def masked_softmax(x):
    return x.masked_fill(torch.ones(x.shape[-2:], dtype=torch.bool).triu(1), float("-inf")).softmax(-1)


def more_ops():
    """Name, op, attributes, shapes by input, function. An input `ints` holds whole numbers below 4; of a name that ends in `-halves` all are multiples of a half."""
    rows = (3, 5)
    for name, op in (("sigmoid", torch.sigmoid), ("tanh", torch.tanh), ("exp", torch.exp), ("erf", torch.erf)):
        yield name, name, {}, {"x": rows}, op
    yield "relu-halves", "relu", {}, {"x": rows}, F.relu
    yield "abs-halves", "abs", {}, {"x": rows}, torch.abs
    yield "max-halves", "max", {"axis": 1}, {"x": (3, 17)}, lambda x: x.amax(1, keepdim=True)
    for op, compute in (("add", torch.add), ("sub", torch.sub), ("mul", torch.mul)):
        yield f"{op}-stretched", op, {}, {"left": (2, 1, 3, 1), "right": (1, 4, 3, 2)}, lambda left, right, compute=compute: compute(left, right)
    yield "div-stretched", "div", {}, {"left": (4, 1), "positive": (4, 3)}, lambda left, positive: left / positive
    yield "matmul", "matmul", {}, {"a": (2, 3, 3, 4), "b": (2, 3, 4, 5)}, lambda a, b: a @ b
    yield "concat", "concat", {"axis": 1}, {"a": (2, 1, 3), "b": (2, 4, 3)}, lambda a, b: torch.cat([a, b], 1)
    yield "slice", "slice", {"axis": 1, "start": 1, "size": 3}, {"x": (2, 5, 3)}, lambda x: x.narrow(1, 1, 3)
    yield "reshape", "reshape", {"shape": [6, 5]}, {"x": (2, 5, 3)}, lambda x: x.reshape(6, 5)
    yield "transpose", "transpose", {"permutation": [2, 0, 1]}, {"x": (2, 5, 3)}, lambda x: x.permute(2, 0, 1)
    yield "broadcast", "broadcast", {"shape": [2, 5, 3]}, {"x": (2, 1, 3)}, lambda x: x.expand(2, 5, 3)
    yield "maskedSoftmax", "maskedSoftmax", {}, {"x": (2, 5, 5)}, masked_softmax
    yield "scatterAdd", "scatterAdd", {"axis": 1, "size": 4}, {"x": (2, 7, 3), "ints": (7,)}, lambda x, ints: torch.zeros(2, 4, 3, dtype=x.dtype).index_add(1, ints.long(), x)
    yield ("embedding-repeated", "embedding", {"vocabulary": 5, "width": 6}, {"ints": (3, 7), "weight": (5, 6)}, lambda ints, weight: F.embedding(ints.long(), weight))
    yield ("convWeightGradient", "convWeightGradient", {"kernel": [3, 2], "stride": [2, 1], "dilation": [1, 2], "before": [1, 0], "groups": 2}, {"x": (2, 4, 5, 6), "gradient": (2, 6, 3, 4)},
           lambda x, gradient: nn.grad.conv2d_weight(F.pad(x, (0, 0, 1, 1)), (6, 2, 3, 2), gradient, (2, 1), 0, (1, 2), 2))


def more_inputs(case, shapes):
    for key, shape in shapes.items():
        x = words(case, key, shape, 4) if key == "ints" else signal(case, key, shape)
        if case.endswith("-halves"):
            x = torch.round(2 * x) / 2
        yield key, x.abs() + 0.5 if key == "positive" else x


def write_ops():
    made, cases = {}, []
    for name, op, attributes, shapes, compute in goldens.ops():
        case = f"op-{name}"
        made.update(gradients_of(case, goldens.op_inputs(case, op, shapes), compute))
    angles = lambda t, period, half, shift, scale: scale * t[:, None] * torch.exp(-np.log(period) * torch.arange(half, dtype=torch.float64) / (half - shift))  # noqa: E731

    def waves(t):
        a = angles(t, 10000, 24, 0, 1)
        return torch.cat([a.cos(), a.sin()], -1)

    def variant(t):
        a = angles(t, 1000, 5, 1, 0.25)
        return torch.cat([a.sin(), a.cos()], -1)

    made.update(gradients_of("op-sinusoid", {"t": torch.tensor([0.0, 1.0, 20.5, 999.0])}, waves))
    made.update(gradients_of("op-sinusoid-variant", {"t": torch.tensor([0.0, 1.0, 20.5, 99.0])}, variant))
    made.update(gradients_of("op-embedding", {"x": words("op-embedding", "x", (2, 5), 9), "weight": goldens.weight("op-embedding.token.weight", (9, 6))},
                             lambda x, weight: F.embedding(x.long(), weight)))
    for name, op, attributes, shapes, compute in more_ops():
        made.update(gradients_of(name, dict(more_inputs(name, shapes)), lambda compute=compute, **inputs: compute(*inputs.values())))
        cases.append({"name": name, "op": op, "attributes": attributes, "inputs": shapes})
    tensors.save(f"{FOLDER}/ops.safetensors", made, {"cases": json.dumps(cases)})


# --- blocks and the whole ----------------------------------------------------------------------------------------------

def row(gradient):
    g = gradient.double().flatten()
    directions = (torch.from_numpy(normals(7, fnv1a32(f"direction {k}"), g.numel())).double() for k in range(DIRECTIONS))
    return [g.norm().item(), *((g * v).sum().item() for v in directions)]


def rows_of(case, modules, output):
    """`modules` by the label that their weights lie below."""
    loss = (output - signal(case, "target", tuple(output.shape)).double()).square().mean()
    return rows_of_losses(case, modules, [loss])


def rows_of_losses(case, modules, losses):
    """The first is differentiated, by the weights that it reads."""
    losses[0].backward()
    by_path = {f"{label}.{name}": parameter.grad for label, module in modules.items() for name, parameter in module.named_parameters()}
    paths = sorted(path for path, gradient in by_path.items() if gradient is not None)
    return {f"{case}/loss": np.float32([loss.item() for loss in losses]), f"{case}/rows": np.float32([row(by_path[path]) for path in paths])}, {case: "\n".join(paths)}


def write_blocks():
    made, paths = {}, {}
    for graph, ablation, module, shapes in goldens.blocks():
        case = f"block-{graph}" + (f"-{ablation}" if ablation else "")
        inputs = goldens.block_inputs(case, shapes)
        inputs = {k: v.double() if v.is_floating_point() else v for k, v in inputs.items()}
        compute = goldens.block_function(graph, goldens.weighted(module, graph).double(), shapes)
        rows, labels = rows_of(case, {graph: module}, compute(*inputs.values()) if isinstance(compute, nn.Module) else compute(**inputs))
        made.update(rows)
        paths.update(labels)
    tensors.save(f"{FOLDER}/blocks.safetensors", made, paths)


SMALL = replace(mv.MINI, H=4, W=4, F=3, L=5, D=8, levels=((8, True), (16, True)), heads=2, groups=4, text_layers=1, text_heads=2)


def write_whole():
    made, paths = {}, {}
    for preset, m, batch in (("Mini", mv.MINI, 1), ("Small", SMALL, 2)):
        case = f"magicvideo-{preset}"
        model = mv.MagicVideo(m)
        for root in ("text", "unet"):
            goldens.weighted(getattr(model, root), root).double()
        # Angles are f32, as in the graph, and steps small: the rounding of an angle of 721 shows in gradients more than all else.
        model.unet.step1.register_forward_pre_hook(lambda _, x: (x[0].double(),))
        tokens = words(case, "tokens", (batch, m.L), m.vocabulary)
        z = signal(case, "z", (batch, m.F, m.Z, m.H, m.W)).double()
        output = model.denoise(z, torch.tensor([7.0, 0.5][:batch]), model.encode_text(tokens.long()))
        rows, labels = rows_of(case, {"text": model.text, "unet": model.unet}, output)
        made.update(rows)
        paths.update(labels)
    tensors.save(f"{FOLDER}/magicvideo.safetensors", made, paths)


# --- the losses of stages -----------------------------------------------------------------------------------------------

TINY = replace(SMALL, vae_widths=(8, 8, 8, 16))


def widened(module):
    """Angles are f32, as in the graph."""
    module.register_forward_pre_hook(lambda _, x: (x[0].double(),))


def write_losses():
    made, paths = {}, {}

    def add(case, modules, losses):
        rows, labels = rows_of_losses(case, modules, losses)
        made.update(rows)
        paths.update(labels)

    stages = ("autoencoder", "videoDecoder", "denoiser")
    for stage in stages:
        model = mv.MagicVideo(TINY)
        roots = {root: goldens.weighted(getattr(model, root), root).double() for root in ("text", "unet", "decoder", "encoder")}
        widened(model.unet.step1)
        case = f"magicvideo-{stage}"
        _, shapes, stored, compute = next(one for one in goldens.losses(model, TINY, 2, [7.0, 0.5], lambda stage: f"magicvideo-{stage}") if one[0] == stage)
        wide = {name: value.double() if name in ("signal", "sigma") else value for name, value in stored.items()}
        add(case, roots, compute(**{name: signal(case, name, shape).double() for name, shape in shapes.items()}, **wide))

    case, batch = "video-diffusion-denoiser", 2
    unet = goldens.weighted(vdm.UNet(vdm.Config(F=3, D=24, E=40, levels=((32, False), (64, True)), units=1, layers=2, head_width=16, groups=8)), "unet").double()
    widened(unet.conditions.step)
    x, noise = (signal(case, name, (batch, 3, 3, 4, 6)).double() for name in ("x", "noise"))
    a = torch.tensor([0.3, 0.99])
    a, s = (part.double().view(-1, 1, 1, 1, 1) for part in (a, a.square().neg().add(1).sqrt()))
    error = unet(a * x + s * noise, torch.tensor([7.0, 0.5]), torch.zeros(batch, 5, 24).double()) - noise
    add(case, {"unet": unet}, [error.square().mean()])
    tensors.save(f"{FOLDER}/losses.safetensors", made, paths)


if __name__ == "__main__":
    torch.set_num_threads(1)
    write_ops()
    write_blocks()
    write_whole()
    write_losses()

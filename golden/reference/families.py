"""Makes golden/cases/family-*.safetensors and golden/families.json: what the released code of each family says of its small preset and its full size.

The oracle is the library that publishes the family (diffusers, run as it is); weights, inputs and their rule are those of make_goldens.py.
A weight's name is the library's key, after `ours` has brought it to the path of our label.
"""
import json
import os
import re
from collections import Counter

import torch
from diffusers import UNet2DConditionModel, UNet3DConditionModel

import tensors
from make_goldens import FOLDER, signal, weight

# What a label cannot say yet: a number inside it, and the list of one that diffusers keeps a downsampler in.
RENAMED = [
    (r"mid_block\.resnets\.(\d)\.", lambda m: f"mid{int(m[1]) + 1}."),
    (r"mid_block\.temp_convs\.(\d)\.", lambda m: f"mid_conv{int(m[1]) + 1}."),
    (r"mid_block\.(attention|temp_attention)s\.0\.", r"mid_\1."),
    (r"\.(resnet|attention|temp_conv|temp_attention)s\.(\d+)\.", r".layers.\2.\1."),
    (r"conv(\d)\.0\.(weight|bias)$", lambda m: f"conv.{int(m[1]) - 1}.norm.{m[2]}"),
    (r"conv(\d)\.[23]\.(weight|bias)$", lambda m: f"conv.{int(m[1]) - 1}.conv.{m[2]}"),
    (r"\.(down|up)samplers\.0\.conv\.", r".\1sampler."),
    (r"\.to_out\.0\.", ".to_out."),
    (r"\.ff\.net\.0\.proj\.", ".ff.widen."),
    (r"\.ff\.net\.2\.", ".ff.narrow."),
]


def ours(key):
    for pattern, path in RENAMED:
        key = re.sub(pattern, path, key)
    return key


def weighted(module, root):
    """The library's module with the weights that its names make."""
    with torch.no_grad():
        for key, parameter in module.named_parameters():
            parameter.copy_(weight(f"{root}.{ours(key)}", tuple(parameter.shape)))
    return module.eval()


def write(case, file, model, graph, inputs, compute):
    """Computed twice, finite and equal."""
    with torch.no_grad():
        first, second = compute(inputs), compute(inputs)
    assert torch.isfinite(first).all() and torch.equal(first, second), case
    tensors.save(f"{FOLDER}/family-{case}.safetensors", {**{k: v.numpy() for k, v in inputs.items()}, "output": first.contiguous().numpy()},
                 {"kind": "family", "file": f"models/{file}", "model": model, "preset": "Mini", "graph": graph, "inputs": ",".join(inputs)})


def full(file, graph, make):
    """A full size, of which no weight is made: parameters, tensors, and how many tensors of each shape."""
    with torch.device("meta"):
        module = make()
    shapes = Counter("x".join(map(str, p.shape)) for p in module.parameters())
    return {"file": f"models/{file}", "graph": graph, "parameters": sum(p.numel() for p in module.parameters()), "tensors": sum(shapes.values()), "shapes": dict(sorted(shapes.items()))}


# --- Stable Diffusion 2 --------------------------------------------------------------------------------------------

def stable_diffusion_2():
    case, file = "stable-diffusion-2", "stable-diffusion-2/unet.mv"
    unet = weighted(UNet2DConditionModel(
        block_out_channels=(32, 64), layers_per_block=1, down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"), cross_attention_dim=24, attention_head_dim=(2, 4), use_linear_projection=True, norm_num_groups=8), "unet")
    inputs = {"z": signal(case, "z", (1, 4, 6, 10)), "t": torch.tensor([721.0]), "text": signal(case, "text", (1, 5, 24))}
    write(case, file, "StableDiffusion2", "denoise", inputs, lambda x: unet(x["z"], x["t"], x["text"]).sample)
    return full(file, "denoise", lambda: UNet2DConditionModel(sample_size=96, cross_attention_dim=1024, attention_head_dim=(5, 10, 20, 20), use_linear_projection=True))


# --- ModelScope's text to video ------------------------------------------------------------------------------------

def clips(compute):
    """A library's clips are [B, C, F, H, W], ours [B, F, C, H, W]."""
    return lambda x: compute({**x, "z": x["z"].transpose(1, 2)}).transpose(1, 2)


def modelscope():
    case, file = "modelscope", "modelscope/unet.mv"
    unet = weighted(UNet3DConditionModel(
        block_out_channels=(32, 64), layers_per_block=1, down_block_types=("CrossAttnDownBlock3D", "DownBlock3D"),
        up_block_types=("UpBlock3D", "CrossAttnUpBlock3D"), cross_attention_dim=24, attention_head_dim=16, norm_num_groups=8), "unet")
    inputs = {"z": signal(case, "z", (1, 3, 4, 4, 6)), "t": torch.tensor([721.0]), "text": signal(case, "text", (1, 5, 24))}
    write(case, file, "ModelScope", "denoise", inputs, clips(lambda x: unet(x["z"], x["t"], x["text"]).sample))
    return full(file, "denoise", lambda: UNet3DConditionModel(cross_attention_dim=1024, attention_head_dim=64))


if __name__ == "__main__":
    torch.set_num_threads(1)
    families = {"stable-diffusion-2": stable_diffusion_2(), "modelscope": modelscope()}
    with open(os.path.join(FOLDER, "../families.json"), "w") as file:
        json.dump(families, file, indent=1)
        file.write("\n")

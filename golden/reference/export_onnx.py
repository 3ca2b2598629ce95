"""Turns the reference's denoiser at the guided batch into PyTorch's own ONNX export, and its weights into a file for `mvc build`: the rival of bench/.

    python3 export_onnx.py mini   -o ../../out/bench      # preset Mini
    python3 export_onnx.py middle -o ../../out/bench      # the settings of bench/README.md
"""
import argparse
import os
from dataclasses import replace

import torch

import magicvideo as mv
import tensors
from make_goldens import weighted

CONFIGS = {"mini": mv.MINI, "middle": replace(mv.MINI, H=16, W=16, levels=((160, True), (320, True)), heads=8, groups=32, vae_widths=(32, 32, 32, 64))}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("size", choices=CONFIGS)
    parser.add_argument("-o", "--output", required=True)
    chosen = parser.parse_args()
    config = CONFIGS[chosen.size]
    model = mv.MagicVideo(config).eval()
    arrays = {}
    for name in ("text", "unet", "encoder", "decoder"):
        weighted(getattr(model, name), name)
        for path, parameter in getattr(model, name).named_parameters():
            arrays[f"{name}.{path}"] = parameter.detach().numpy()
    os.makedirs(chosen.output, exist_ok=True)
    tensors.save(f"{chosen.output}/{chosen.size}.safetensors", arrays)
    z = torch.zeros(2, config.F, config.Z, config.H, config.W)
    inputs = (z, torch.zeros(2), torch.zeros(2, config.L, config.D))
    torch.onnx.export(model.unet, inputs, f"{chosen.output}/{chosen.size}.onnx", opset_version=17, input_names=["z", "t", "text"],
                      output_names=["output"], do_constant_folding=True)

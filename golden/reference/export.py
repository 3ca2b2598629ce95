"""Turns a training checkpoint and the autoencoder into one file of weights: f16, the averaged ones, names as in models/*.mv."""
import argparse
import os

import numpy as np

import tensors
from evaluate import from_checkpoint

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", required=True)
    parser.add_argument("--vae", required=True)
    parser.add_argument("--out", required=True)
    chosen = parser.parse_args()
    model = from_checkpoint(chosen.checkpoint, chosen.vae)
    arrays = {k: v.numpy().astype(np.float16) for k, v in model.state_dict().items()}
    assert all(np.isfinite(v).all() for v in arrays.values())
    tensors.save(chosen.out, arrays, {
        "format": "pt",
        "description": "MagicVideo, preset Mini of models/magicvideo.mv: text encoder, U-Net, image encoder and video decoder, trained on moving shapes",
        "model": "MagicVideo", "preset": "Mini", "ablations": "[]", "settings": "{}",
    })
    print(sum(v.size for v in arrays.values()), "parameters in", len(arrays), "tensors,", os.path.getsize(chosen.out), "bytes")

"""Compares the full-size ImageModel with Stable Diffusion v1: parameters, tensors and, given its list of keys, every shape."""
import argparse
import json
from collections import Counter

from torch import nn

import magicvideo as mv

PUBLISHED = {"unet": (859_520_964, 686), "vae": (83_653_863, 248), "clip": (123_060_480, 196)}


def count(parts):
    shapes = [tuple(p.shape) for part in parts for p in part.parameters()]
    total = 0
    for shape in shapes:
        size = 1
        for n in shape:
            size *= n
        total += size
    return shapes, (total, len(shapes))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keys", help="JSON: {unet, vae, clip} to lists of [name, checkpoint key, diffusers key, shape]-like rows, the shape last")
    chosen = parser.parse_args()
    nn.init.kaiming_uniform_ = lambda *a, **k: None
    config = mv.ablate(mv.FULL, "ImageModel")
    built = {"unet": [mv.UNet(config)], "vae": [mv.ImageEncoder(config), mv.VideoDecoder(config)], "clip": [mv.ClipText(config)]}
    keys = json.load(open(chosen.keys)) if chosen.keys else None
    for name, parts in built.items():
        shapes, counted = count(parts)
        assert counted == PUBLISHED[name], (name, counted)
        if keys:
            published = Counter(tuple(next(v for v in reversed(row) if isinstance(v, list))) for row in keys[name])
            ours = Counter(shapes)
            print(name, counted, "ours - published", dict(ours - published), "published - ours", dict(published - ours))
        else:
            print(name, counted)

"""Mini's training step (text encoder and U-Net, v-prediction) in PyTorch eager, one for each line of standard input: the other side of bench/training.ts.

The batch is read from a safetensors file, and a line of JSON is printed for each step.
"""
import argparse
import json
import resource
import sys
import time

import numpy as np
import torch

import fast_ops
import magicvideo
import tensors
from flat import FlatAdamW


def main(options):
    torch.set_num_threads(options.threads)
    torch.set_flush_denormal(True)
    if torch.__version__.startswith("1."):
        # It has no fast attention on a processor: as train.py trains.
        fast_ops.use()
    model = torch.nn.Module()
    model.text, model.unet = magicvideo.ClipText(magicvideo.MINI), magicvideo.UNet(magicvideo.MINI)
    weights = tensors.load(options.weights)[0]
    own = {name: torch.from_numpy(np.array(weights[name])).float() for name in model.state_dict()}
    model.load_state_dict(own)
    optimiser = FlatAdamW(model.parameters())
    given = {name: torch.from_numpy(np.array(array)) for name, array in tensors.load(options.inputs)[0].items()}

    def backward():
        signal, sigma = (given[name].view(-1, 1, 1, 1, 1) for name in ("signal", "sigma"))
        v = model.unet(signal * given["z"] + sigma * given["noise"], given["t"], model.text(given["tokens"].long()))
        loss = (v - (signal * given["noise"] - sigma * given["z"])).square().mean()
        loss.backward()
        return loss.item()

    for _ in sys.stdin:
        started, before = time.perf_counter(), time.process_time()
        loss = backward()
        optimiser.step(1e-6)
        used = {"ms": 1e3 * (time.perf_counter() - started), "cpu": 1e3 * (time.process_time() - before)}
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"loss": loss, **used, "peakMB": peak}), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights")
    parser.add_argument("inputs")
    parser.add_argument("--threads", type=int, default=2)
    main(parser.parse_args())

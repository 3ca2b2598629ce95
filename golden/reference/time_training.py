"""Mini's training step (text encoder and U-Net, v-prediction) in PyTorch eager, one for each line of standard input: the other side of bench/training.ts.

Inputs are read from a safetensors file, a line of JSON is printed for each step. Word "gradients PATH": those of the first step's weights are written there.
"""
import argparse
import json
import resource
import sys
import time

import numpy as np
import torch

import magicvideo
import tensors
from flat import FlatAdamW


def main(options):
    torch.set_num_threads(options.threads)
    torch.set_flush_denormal(True)
    model = torch.nn.Module()
    model.text, model.unet = magicvideo.ClipText(magicvideo.MINI), magicvideo.UNet(magicvideo.MINI)
    weights = tensors.load(options.weights)[0]
    own = {name: torch.from_numpy(np.array(weights[name])).float() for name in model.state_dict()}
    model.load_state_dict(own)
    names = [name for name, _ in model.named_parameters()]
    parameters = [*model.parameters()]
    optimiser = FlatAdamW(parameters)
    given = {name: torch.from_numpy(np.array(array)) for name, array in tensors.load(options.inputs)[0].items()}

    def backward():
        v = model.unet(given["z"], given["t"], model.text(given["tokens"].long()))
        loss = (v - given["target"]).square().mean()
        loss.backward()
        return loss.item()

    for line in sys.stdin:
        word, *rest = line.split()
        if word == "gradients":
            loss = backward()
            tensors.save(rest[0], {name: p.grad.numpy() for name, p in zip(names, parameters)})
            optimiser.grad.zero_()
            print(json.dumps({"loss": loss}), flush=True)
            continue
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

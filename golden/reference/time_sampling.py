"""Times the sampling of one Mini clip (text, guided steps, decoding) in PyTorch eager: the other side of bench/sampling.ts.

    OPENBLAS_CORETYPE=SkylakeX OPENBLAS_NUM_THREADS=1 python3 time_sampling.py ../../models/mini.safetensors
"""
import sys
import time

import torch

from evaluate import from_weights
from sampler import ddim
from words import tokenize

STEPS, GUIDANCE, ETA = 25, 2.0, 1.0


@torch.no_grad()
def sample(model, prompt, seed):
    text, none = (model.encode_text(torch.tensor([tokenize(words)])) for words in (prompt, ""))
    return model.decode(ddim(model, text, none, [seed], STEPS, GUIDANCE, ETA))


if __name__ == "__main__":
    torch.set_num_threads(2)
    model = from_weights(sys.argv[1])
    times = []
    for seed in range(6):
        started = time.time()
        sample(model, "a red circle moves right", seed)
        times.append(time.time() - started)
    print(f"PyTorch eager: least {min(times[1:]):.2f} s, median {sorted(times[1:])[2]:.2f} s a clip of {STEPS} guided steps")

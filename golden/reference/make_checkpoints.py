"""Makes golden/checkpoints/*: files of torch.save as training code leaves them, and the tensors that PyTorch has for them.

Run once with PyTorch 1.13 and once with 2.13: the files of a version end in its number, and `expected-VERSION.json` holds for each file
its tensors by key: type, shape and the bytes of the contiguous elements in hex.
"""
import argparse
import collections
import enum
import json
import os
import pathlib
import sys
import types
import warnings

import numpy as np
import torch

warnings.filterwarnings("ignore")
VERSION = ".".join(torch.__version__.split("+")[0].split(".")[:2])
FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../checkpoints")
NAMES = {torch.float32: "F32", torch.float64: "F64", torch.float16: "F16", torch.bfloat16: "BF16", torch.int64: "I64", torch.int32: "I32",
         torch.int16: "I16", torch.int8: "I8", torch.uint8: "U8", torch.bool: "BOOL"}
expected = {}


def described(tensor):
    flat = tensor.detach().contiguous().flatten()
    data = flat.to(torch.uint8) if tensor.dtype == torch.bool else flat if flat.numel() == 0 else flat.view(torch.uint8)
    name = NAMES.get(tensor.dtype) or {"torch.uint16": "U16", "torch.uint32": "U32", "torch.uint64": "U64"}[str(tensor.dtype)]
    return {"dtype": name, "shape": list(tensor.shape), "hex": data.numpy().tobytes().hex()}


def save(name, value, tensors=None, **options):
    file = f"{name}-{VERSION}.pt"
    torch.save(value, os.path.join(FOLDER, file), **options)
    if tensors is not None:
        expected[file] = {key: described(tensor) for key, tensor in tensors.items()}


def random(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape) + len(shape)))


def all_kinds():
    base = random(6, 8)
    cube = random(3, 4, 5)
    state = collections.OrderedDict()
    for dtype in NAMES:
        state[f"dtype.{NAMES[dtype]}"] = (torch.arange(7) % 2 == 0) if dtype == torch.bool else (torch.arange(7) - (0 if dtype == torch.uint8 else 3)).to(dtype)
    state["parameter"] = torch.nn.Parameter(random(2, 3))
    state["scalar"] = torch.tensor(1.5)
    state["empty"] = torch.zeros(0, 4)
    state["whole"] = base
    state["tied"] = base
    state["transposed"] = base.t()
    state["rows"] = base[1:5:2]
    state["columns"] = base[:, 3:7]
    state["every.third"] = base.flatten()[2::3]
    state["expanded"] = random(1, 4).expand(3, 4)
    state["permuted"] = cube.permute(2, 0, 1)
    state["permuted.double"] = cube.double().permute(1, 2, 0)
    state["permuted.half"] = cube.half().permute(1, 2, 0)
    state["permuted.byte"] = torch.arange(60).reshape(3, 4, 5).to(torch.uint8).permute(1, 2, 0)
    state["channels.last"] = random(2, 3, 2, 2).contiguous(memory_format=torch.channels_last)
    state["nan"] = torch.tensor([0x7FA00001, -0x400001, 0x7FC00000], dtype=torch.int32).view(torch.float32).flip(0)[:2]
    return state


def module_of(name, **members):
    """A module that can be imported, as its classes' users have it."""
    parts = name.split(".")
    for i in range(1, len(parts) + 1):
        sys.modules.setdefault(".".join(parts[:i]), types.ModuleType(".".join(parts[:i])))
    for key, value in members.items():
        value.__module__, value.__qualname__ = name, key
        setattr(sys.modules[name], key, value)


class Sampled(enum.Enum):
    UNIFORM = "uniform"


class Config(dict):
    pass


class ModelCheckpoint:
    pass


class Ratio:
    def __init__(self, a, b):
        self.a, self.b = a, b

    def __reduce__(self):
        return Ratio, (self.a, self.b), {"note": [1, 2]}


def lightning():
    """What Lightning saves of a latent diffusion: state dict, and all else that only its classes can make again."""
    module_of("pytorch_lightning.callbacks.model_checkpoint", ModelCheckpoint=ModelCheckpoint)
    module_of("latent.config", Sampled=Sampled, Config=Config, Ratio=Ratio)
    names = ["model.diffusion_model.out.2.weight", "model.diffusion_model.time_embed.0.bias", "first_stage_model.conv.weight", "betas"]
    state = {name: random(2, i + 1) for i, name in enumerate(names)}
    plain = dict(state)
    average = {name: tensor * 2 for name, tensor in list(state.items())[:2]}
    for name, tensor in average.items():
        state["model_ema." + name[len("model."):].replace(".", "")] = tensor
    state["model_ema.decay"] = torch.tensor(0.9999)
    state["model_ema.num_updates"] = torch.tensor(7)
    moments = torch.optim.Adam([torch.nn.Parameter(random(2, 2))])
    moments.param_groups[0]["params"][0].grad = random(2, 2)
    moments.step()
    config = Config(width=320)
    config["inner"] = Config(ratio=Ratio(1, 2))
    checkpoint = {
        "epoch": 3, "global_step": 470000, "pytorch-lightning_version": "1.4.2", "state_dict": collections.OrderedDict(state),
        "callbacks": {ModelCheckpoint: {"monitor": "val/loss", "best_model_score": torch.tensor(0.25), "dirpath": pathlib.PurePosixPath("/logs")}},
        "optimizer_states": [moments.state_dict()], "lr_schedulers": [collections.defaultdict(dict, {"a": {}})],
        "hyper_parameters": {"config": config, "sampled": Sampled.UNIFORM, "args": argparse.Namespace(lr=1e-4, betas=(0.9, 0.99)),
                             "score": np.float64(1.25), "array": np.arange(4, dtype=np.int16), "seen": {1, 2}, "large": 2 ** 70, "bytes": b"\0\1"},
    }
    return checkpoint, plain, {**plain, **average}


def network():
    torch.manual_seed(3)
    inner = torch.nn.Sequential(torch.nn.Conv2d(2, 2, 1), torch.nn.BatchNorm2d(2))
    return torch.nn.Sequential(collections.OrderedDict(first=inner, tied=inner, last=torch.nn.Linear(2, 1)))


def main():
    os.makedirs(FOLDER, exist_ok=True)
    save("kinds", all_kinds(), all_kinds())
    checkpoint, plain, averaged = lightning()
    save("lightning", checkpoint, plain)
    expected[f"lightning-{VERSION}.pt averaged"] = {key: described(tensor) for key, tensor in averaged.items()}
    few = {"a": random(2, 3), "b": torch.nn.Parameter(random(3).half())}
    save("raw", few, _use_new_zipfile_serialization=False)
    save("module", network(), network().state_dict())
    save("modules", {"ema": network(), "model": network(), "args": argparse.Namespace(lr=1)}, network().state_dict())
    save("sparse", {"s": torch.eye(2).to_sparse()})
    save("quantised", {"q": torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8)})
    save("complex", {"c": torch.ones(2, dtype=torch.complex64)})
    torch.jit.save(torch.jit.trace(network().eval(), random(1, 2, 2, 2)), os.path.join(FOLDER, f"script-{VERSION}.pt"))
    expected[f"script-{VERSION}.pt"] = {key: described(tensor) for key, tensor in network().state_dict().items()}
    if hasattr(torch, "float8_e4m3fn"):
        for protocol in (3, 4, 5):
            save(f"protocol{protocol}", checkpoint, plain, pickle_protocol=protocol)
        save("float8", {"fine": random(2), "blocks.0.weight": random(2, 2).to(torch.float8_e4m3fn)})
        unsigned = {f"u{bits}": torch.tensor([1, 2, 40000], dtype=getattr(torch, f"uint{bits}")) for bits in (16, 32, 64)}
        save("unsigned", unsigned, unsigned)
    with open(os.path.join(FOLDER, f"expected-{VERSION}.json"), "w") as file:
        json.dump(expected, file, indent=1)
        file.write("\n")


main()

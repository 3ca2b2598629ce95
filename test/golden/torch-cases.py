"""Emitted models to what they compute: one process for all cases of a folder.

The folder's cases.json lists files with their weights' shapes and the graphs to
run; numbers lie in data.bin, as float32 or int32. Prints a line of JSON a file.
"""

import importlib.util
import json
import sys
import traceback

import torch

folder = sys.argv[1]
torch.set_num_threads(1)
with open(f"{folder}/data.bin", "rb") as file:
    data = bytearray(file.read())


def tensor(entry):
    dtype = {"f32": torch.float32, "i32": torch.int32}[entry["dtype"]]
    count = 1
    for size in entry["shape"]:
        count *= size
    whole = torch.frombuffer(data, dtype=dtype, count=count, offset=entry["offset"])
    return whole.reshape(entry["shape"]).clone()


def flat(output):
    if isinstance(output, torch.Tensor):
        return [output]
    values = output.values() if isinstance(output, dict) else output
    return [one for value in values for one in flat(value)]


def run(entry):
    spec = importlib.util.spec_from_file_location(entry["name"], entry["file"])
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    model = getattr(module, entry["model"])().eval()
    weights = {key: tensor(value) for key, value in entry["weights"].items()}
    keys = sorted(model.state_dict())
    model.load_state_dict(weights, strict=True)
    errors = {}
    for case in entry["cases"]:
        inputs = [tensor(value) for value in case["inputs"]]
        with torch.no_grad():
            output = flat(getattr(model, case["graph"])(*inputs))[0]
        expected = tensor(case["output"])
        if output.shape != expected.shape:
            errors[case["name"]] = f"{list(output.shape)} for {list(expected.shape)}"
            continue
        error = (output - expected).abs().max() / expected.abs().max()
        errors[case["name"]] = float(error)
    return {"keys": keys, "errors": errors}


with open(f"{folder}/cases.json") as file:
    entries = json.load(file)
for entry in entries:
    try:
        result = run(entry)
    except Exception:
        result = {"failure": traceback.format_exc()}
    print(json.dumps({"name": entry["name"], **result}), flush=True)

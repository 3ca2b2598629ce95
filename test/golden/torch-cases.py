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


def loaded(name, file):
    spec = importlib.util.spec_from_file_location(name, file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def row(gradient, directions):
    g = gradient.double().flatten()
    return [g.norm().item(), *((g * v[:len(g)]).sum().item() for v in directions)]


def result_of(loss, case, directions):
    model, called = loss.model, set()
    # As FSDP2 does: other parameters in the place of the model's, and hooks at its modules.
    hooks = []
    for path, module in model.named_modules():
        for name, one in module._parameters.items():
            if one is not None:
                module._parameters[name] = torch.nn.Parameter(one.detach().clone())
        hooks.append(module.register_forward_pre_hook(lambda *_, path=path: called.add(path)))
    inputs = {name: tensor(value) for name, value in case["inputs"].items()}
    with torch.set_grad_enabled(case["gradients"]):
        outputs = loss(**inputs)
    for hook in hooks:
        hook.remove()
    rows = {}
    if case["gradients"]:
        next(iter(outputs.values())).sum().backward()
        rows = {path: row(one.grad, directions)
                for path, one in model.named_parameters() if one.grad is not None}
    keys = {f"model.{key}" for key in model.state_dict()}
    return {
        "outputs": {name: value.item() for name, value in outputs.items()},
        "rows": rows,
        "more": sorted(set(loss.state_dict()) - keys),
        "called": sorted(called),
    }


def run(entry):
    module = loaded(entry["name"], entry["file"])
    model = getattr(module, entry["model"])().eval()
    training, losses = entry.get("training"), {}
    if training:
        sys.modules["model"] = module
        stages = loaded(f"{entry['name']} train", training["file"]).STAGES
        losses = {stage["name"]: stage["loss"](model)
                  for stage in stages if stage["kind"] == "loss"}
    weights = {key: tensor(value) for key, value in entry["weights"].items()}
    keys = sorted(model.state_dict())
    model.load_state_dict(weights, strict=True)
    results = {}
    if training:
        directions = [tensor(one).double() for one in training["directions"]]
        for case in training["cases"]:
            stage = case["stage"]
            results[stage] = result_of(losses[stage], case, directions)
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
    return {"keys": keys, "errors": errors, "losses": results}


with open(f"{folder}/cases.json") as file:
    entries = json.load(file)
for entry in entries:
    try:
        result = run(entry)
    except Exception:
        result = {"failure": traceback.format_exc()}
    print(json.dumps({"name": entry["name"], **result}), flush=True)

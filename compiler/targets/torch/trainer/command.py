"""The command line to a run, alone or under torchrun."""

import argparse
import json
import math
import os
import sys

import torch

from .clips import Clips
from .folder import Folder, read_checkpoint, require_same
from .processes import Processes, Stopped
from .stages import LossStage, Training, measure, shown
from .tensors import Failure, Tensors


def parsed(arguments):
    parser = argparse.ArgumentParser(
        description="Trains the model by its stages; under torchrun, on all"
        " processes together."
    )
    add = parser.add_argument
    add("--data", required=True, metavar="FILE",
        help="captioned clips, as `mvc data --for` writes them")
    add("-o", "--output", required=True, metavar="FOLDER",
        help="the run: weights, checkpoint, metrics.jsonl")
    add("--stage", action="append", metavar="NAME",
        help="only this stage; may be given several times")
    add("--steps", type=int, metavar="N",
        help="of all stages together, shared by the steps that they declare")
    add("--batch", type=int, metavar="N",
        help="clips a step, of all processes together")
    add("--weights", metavar="FILE", help="what to start from, by weight path;"
        " a run's folder gives its weights (default: random)")
    add("--seed", type=int, default=0, help="of all that is drawn")
    add("--resume", action="store_true", help="go on with the run")
    add("--save-every", type=int, metavar="STEPS",
        help="between two checkpoints (default: about a minute's)")
    add("--keep", action="append", default=[], metavar="STAGE=N",
        help="the weights of N moments of a stage, evenly to its end, which"
        " are in samples/ but for the end's; may be given several times")
    add("--accumulate", type=int, default=1, metavar="K",
        help="parts of a process's batch, one after another: less memory")
    add("--shard", choices=["ddp", "fsdp"], default="ddp",
        help="of several processes each has all weights, or its share (FSDP2)")
    add("--bf16", action="store_true",
        help="compute in bfloat16, with float32 weights")
    add("--compile", action="store_true", help="by torch.compile")
    return parser.parse_args(arguments)


def require(options) -> None:
    """What can be refused before any process waits for another."""
    version = torch.__version__
    number = [int(part) for part in version.split(".")[:2]]
    for name in ("steps", "batch", "save_every", "accumulate"):
        value = getattr(options, name)
        if value is not None and value < 1:
            option = name.replace("_", "-")
            raise Failure(f"--{option} is {value}, not 1 or more")
    if not 0 <= options.seed < 2**53:
        raise Failure(f"--seed is {options.seed}, not 0 to 2^53 - 1")
    if options.compile and number < [2, 2]:
        raise Failure(f"PyTorch {version} cannot --compile: 2.2 or newer can")
    if options.bf16 and number < [2, 0]:
        raise Failure(f"PyTorch {version} has no sure --bf16: 2.0 or newer")
    if options.shard == "fsdp" and number < [2, 6]:
        raise Failure(
            f"PyTorch {version} has no fully_shard (FSDP2): 2.6 or newer has"
            " it; --shard ddp does without"
        )
    if os.path.exists(os.path.join(options.output, "checkpoint.safetensors")):
        if not options.resume:
            raise Failure(
                f"{options.output} holds a training run: --resume goes on with"
                " it, or give -o another folder"
            )
    elif options.resume:
        raise Failure(f"{options.output} holds no run to go on with")


def moments(stages: list, words: list) -> dict[str, int]:
    """How many of a stage's are kept, by its name."""
    known = [stage["name"] for stage in stages if stage["kind"] == "loss"]
    counts = {}
    for word in words:
        name, _, count = word.rpartition("=")
        if name not in known or not count.isdecimal() or int(count) < 1:
            raise Failure(
                f"--keep is {word}, not STAGE=N with 1 or more and one of the"
                f" stages {', '.join(known)}"
            )
        counts[name] = int(count)
    return counts


def plan(stages: list, options, processes: Processes, started) -> list:
    """The stages that are run: what each declares, its batch and steps; those
    that it was `started` with where nothing is said of a run that goes on."""
    known_steps = {one["name"]: one.get("steps") for one in started or ()}
    known = [stage["name"] for stage in stages]
    for name in options.stage or ():
        if name not in known:
            raise Failure(f"there is no stage {name}, only {', '.join(known)}")
    chosen = [one for one in stages if one["name"] in (options.stage or known)]
    losses = [one for one in chosen if one["kind"] == "loss"]
    if options.batch and len({one["batch"] for one in losses}) > 1:
        raise Failure("--batch is of one stage where they have different ones:"
                      f" run one of them by --stage {losses[0]['name']}")
    total = sum(one["steps"] for one in losses)
    given = before = 0
    plans = []
    for stage in chosen:
        own = {key: one for key, one in stage.items() if key != "loss"}
        if stage["kind"] == "loss":
            batch = options.batch or stage["batch"]
            shares = processes.count * options.accumulate
            if batch % shares:
                raise Failure(
                    f"a batch of {batch} in stage {stage['name']} cannot be"
                    f" divided among {processes.count} processes of"
                    f" {options.accumulate} parts each: --batch must be a"
                    f" multiple of {shares}"
                )
            steps = stage["steps"]
            if options.steps is not None:
                # Shared by what they declare, none with less than one.
                before += steps
                upto = math.floor(options.steps * before / total + 0.5)
                steps = max(1, upto - given)
                given += steps
            else:
                steps = known_steps.get(stage["name"], steps)
            own.update(batch=batch, steps=steps)
        plans.append(own)
    # As a checkpoint gives them back.
    return json.loads(json.dumps(plans))


def first_weights(Model, stages: list, options, say) -> tuple[dict, dict]:
    """Every weight by path: of the file, and at random what it lacks; and
    what the file says of itself."""
    torch.manual_seed(options.seed)
    model = Model()
    for stage in stages:
        if stage["kind"] == "loss":
            # It adds to the model what it alone has.
            stage["loss"](model)
    weights = {path: one.detach().float().clone()
               for path, one in model.named_parameters()}
    if options.weights is None or options.resume:
        return weights, {}
    path = options.weights
    if os.path.isdir(path):
        path = os.path.join(path, "weights.safetensors")
    file = Tensors(path)
    for name in file.entries:
        if name not in weights:
            continue
        shape, wanted = file.entries[name]["shape"], list(weights[name].shape)
        if shape != wanted:
            raise Failure(f"{path}: {name} is {shape}, the model has {wanted}")
        weights[name].copy_(torch.from_numpy(file[name].astype("float32")))
    lacking = [name for name in weights if name not in file.entries]
    strange = [name for name in file.entries if name not in weights]
    if lacking:
        say(f"{path} lacks {len(lacking)} weights, which start at random, such"
            f" as {lacking[0]}")
    if strange:
        say(f"{path} has {len(strange)} tensors that the model lacks, such"
            f" as {strange[0]}")
    about = dict(file.metadata)
    about.pop("sha256", None)
    return weights, about


def train(Model, stages, sampler, size, options, processes) -> None:
    started, tensors = {}, {}
    if options.resume:
        started, tensors = read_checkpoint(options.output)
    plans = plan(stages, options, processes, started.get("stages"))
    chosen = [stage for stage in stages
              if stage["name"] in [one["name"] for one in plans]]
    kept_moments = moments(chosen, options.keep)
    clips = Clips(options.data, size)
    weights, about = first_weights(Model, stages, options, processes.say)
    run = {
        "seed": options.seed, "data": clips.digest(), "stages": plans,
        "stage": 0, "step": 0, "seconds": 0.0, "about": about,
        "processes": processes.count, "accumulate": options.accumulate,
    }
    kept: dict = {}
    if options.resume:
        require_same(options.output, started, run)
        for name in ("processes", "accumulate"):
            if started[name] != run[name]:
                processes.say(
                    f"note: the run was of {name} {started[name]} and goes on"
                    f" with {run[name]}: its sums are rounded otherwise"
                )
            started[name] = run[name]
        run = started
        kept = {name: values for name, values in tensors.items()
                if not name.startswith("weight ")}
        weights = {path: tensors[f"weight {path}"] for path in weights}
    device = processes.device
    name = torch.cuda.get_device_name() if device.type == "cuda" else "the CPU"
    processes.say(f"PyTorch {torch.__version__} on {name}")
    folder = Folder(options.output, run, run["about"], processes)
    folder.cut_metrics()
    # Before any work: what cannot be written is told now.
    folder.save(weights, kept)
    if run["step"]:
        name = plans[run["stage"]]["name"]
        processes.say(f"goes on from step {run['step']:,} of {name}")
    training = Training(
        Model, sampler, clips, folder, processes, options, kept_moments,
        weights,
    )
    while run["stage"] < len(chosen):
        stage, own = chosen[run["stage"]], plans[run["stage"]]
        if stage["kind"] == "measure":
            measure(training, stage)
        else:
            loss = LossStage(training, stage, own)
            among = f" on {processes.count} processes, {options.shard}"
            processes.say(
                f"{stage['name']}: {len(loss.trained())} tensors, batch"
                f" {own['batch']}{among if processes.count > 1 else ''},"
                f" {own['steps']:,} steps"
            )
            loss.run(kept)
            del loss
        kept = {}
        run["stage"], run["step"] = run["stage"] + 1, 0
        folder.save(training.weights, {})
    processes.say(f"{options.output}: done in {shown(folder.seconds())}")


def main(Model, stages: list, sampler, size: dict, arguments=None) -> None:
    """Ends with 0, with 1 after an error that is told in a sentence, or with
    130 where it was stopped."""
    options = parsed(arguments)
    # The same bits from run to run, on a graphics card too.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True, warn_only=True)
    leads = os.environ.get("RANK", "0") == "0"
    try:
        require(options)
        processes = Processes()
        train(Model, stages, sampler, size, options, processes)
        processes.close()
    except Stopped:
        processes.say(f"{options.output}: stopped; --resume goes on")
        processes.close()
        sys.exit(130)
    except Failure as error:
        if leads:
            print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
    except OSError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)

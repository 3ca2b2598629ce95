"""Samples clips from prompts and measures how many show the right shape, colour and motion, and how smoothly they move."""
import argparse
import json
import time

import numpy as np
import torch

import fast_ops
import magicvideo
import tensors
from classifier import HUE, JUMP, judge, trained
from flat import FlatAdamW
from sampler import ddim
from train import build
from train_vae import load as load_vae
from train_vae import to_bytes
from words import tokenize


def from_checkpoint(path, vae):
    """The averaged weights of a training checkpoint, with the autoencoder of `vae`."""
    model = build()
    optimiser = FlatAdamW([*model.text.parameters(), *model.unet.parameters()])
    saved = torch.load(path)
    optimiser.restore(saved["optimiser"])
    optimiser.swap()
    model.encoder, model.decoder = load_vae(vae)
    print(f"checkpoint of step {optimiser.steps}, {saved['elapsed'] / 60:.1f} minutes", flush=True)
    return model


def from_weights(path):
    """models/mini.safetensors."""
    model = magicvideo.MagicVideo(magicvideo.MINI)
    model.load_state_dict({k: torch.from_numpy(np.array(v)).float() for k, v in tensors.load(path)[0].items()})
    return model


@torch.no_grad()
def sample(model, captions, seeds, options):
    """u8 [N, F, H, W, 3], a few clips at a time."""
    text = model.encode_text(torch.tensor([tokenize(c) for c in captions]))
    empty = model.encode_text(torch.tensor([tokenize("")]))
    clips = []
    for i in range(0, len(captions), 8):
        z = ddim(model, text[i:i + 8], empty, seeds[i:i + 8], options.steps, options.guidance, options.eta)
        clips.append(to_bytes(model.decoder(z)))
    return np.concatenate(clips)


def model_of(options):
    torch.set_num_threads(1)
    fast_ops.use()
    return from_weights(options.weights) if options.weights else from_checkpoint(options.checkpoint, options.vae)


def part(captions, seeds, options):
    return sample(model_of(options), captions, seeds, options)


def sample_all(captions, seeds, options):
    """`sample`, shared between processes."""
    n = options.processes
    if n == 1:
        return part(captions, seeds, options)
    with torch.multiprocessing.get_context("spawn").Pool(n) as pool:
        parts = pool.starmap(part, [(captions[i::n], seeds[i::n], options) for i in range(n)])
    clips = np.empty((len(captions), *parts[0].shape[1:]), np.uint8)
    for i, clip in enumerate(parts):
        clips[i::n] = clip
    return clips


def score(seen, wanted):
    """Shares of clips that show what was wanted; frame steps and blank frames over all clips."""
    right = {k: float((seen[k] == wanted[k]).mean()) for k in ("shape", "colour", "motion")}
    right["all"] = float(np.all([seen[k] == wanted[k] for k in ("shape", "colour", "motion")], axis=0).mean())
    return {"clips": len(seen["shape"]), **right, "jumps": float((seen["steps"] > JUMP).mean()),
            "median_step_px": float(np.median(seen["steps"])), "blank_frames": float(seen["blank"].mean()),
            "colour_jumps": float((seen["hue"] > HUE).mean())}


def main(options):
    torch.set_num_threads(options.processes)
    data, _ = tensors.load(options.data)
    test, _ = tensors.load(options.test)
    classifier = trained(data, options.classifier)
    report = {"settings": {"steps": options.steps, "guidance": options.guidance, "eta": options.eta, "seed": options.seed},
              "real": score(judge(classifier, np.array(test["clips"][:200])), {k: np.array(test[k][:200]) for k in ("shape", "colour", "motion")})}
    sheets = []
    for name, path, count in (("seen", options.test, options.clips), ("held_out", options.held_out, options.held_out_clips)):
        if not count:
            continue
        source, meta = tensors.load(path)
        captions = json.loads(meta["captions"])[:count]
        wanted = {k: np.array(source[k][:count]) for k in ("shape", "colour", "motion")}
        started = time.time()
        clips = sample_all(captions, [options.seed * 100000 + i for i in range(count)], options)
        seen = judge(classifier, clips)
        report[name] = score(seen, wanted)
        print(name, json.dumps(report[name]), f"{(time.time() - started) / count:.2f} s a clip", flush=True)
        if name == "seen":
            order = np.random.default_rng(options.seed).permutation(count)
            report["shuffled"] = {k: v for k, v in score(seen, {k: wanted[k][order] for k in wanted}).items() if k in ("clips", "shape", "colour", "motion", "all")}
        sheets.append(clips[:16])
        wrong = [f"{captions[i]} -> shape {seen['shape'][i]} colour {seen['colour'][i]} motion {seen['motion'][i]}" for i in range(count)
                 if any(seen[k][i] != wanted[k][i] for k in wanted)]
        print("\n".join(wrong[:12]))
    tensors.save_png(options.sheet, tensors.contact_sheet(np.concatenate(sheets), 2))
    if options.out:
        with open(options.out, "w") as file:
            file.write(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights")
    parser.add_argument("--checkpoint")
    parser.add_argument("--vae")
    parser.add_argument("--data", required=True, help="real clips for the classifier")
    parser.add_argument("--test", required=True, help="real clips of seen combinations: ceiling and prompts")
    parser.add_argument("--held-out", help="clips of held-out combinations: prompts")
    parser.add_argument("--classifier", required=True, help="where the classifier is kept")
    parser.add_argument("--clips", type=int, default=128)
    parser.add_argument("--held-out-clips", type=int, default=64)
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--guidance", type=float, default=2.0)
    parser.add_argument("--eta", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--out")
    parser.add_argument("--sheet", required=True)
    main(parser.parse_args())

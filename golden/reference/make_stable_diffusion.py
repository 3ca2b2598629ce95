"""Makes golden/stable-diffusion/: small image models with random weights, saved in the layouts that people have, and what PyTorch computes with them.

Each form is a tree of modules of its own (compvis.py, diffusers_form.py). Weights are of make_goldens.py's rule, by their keys, then rounded to halves,
as they are stored; sums are in f32. Files are written as their owners write them: torch.save of a Lightning checkpoint, safetensors in a folder's parts.
"""
import hashlib
import json
import os
from dataclasses import replace

import torch
from torch import nn

import compvis
import diffusers_form
import tensors
from make_goldens import signal, weight, words

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../stable-diffusion")

SD1 = compvis.Config(levels=((4, False), (8, True)), units=1, groups=2, context=8, heads=2, vae_widths=(4, 8),
                     vocabulary=32, positions=5, text_layers=2, text_heads=2)
SD2 = replace(SD1, heads=0, head_width=4, linear=True, text_layers=3)


def weighted(module, prefix):
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            if parameter.dim() == 0:  # CLIP's scale of logits, which no picture reads
                continue
            parameter.copy_(weight(prefix + name, tuple(parameter.shape)).half().float())
    return module.eval()


def halves(module, prefix):
    return {prefix + name: value.half() if value.is_floating_point() else value for name, value in module.state_dict().items()}


def inputs(case):
    """Two pictures, which the video model has as a clip of two frames; one text, at one time."""
    return {"z": signal(case, "z", (2, 4, 8, 8)), "t": torch.tensor([721.0]), "text": signal(case, "text", (1, SD1.positions, SD1.context)),
            "tokens": words(case, "tokens", (1, SD1.positions), SD1.vocabulary), "picture": signal(case, "picture", (2, 3, 16, 16))}


def compute(case, unet, vae, text):
    """Inputs and the outputs of each part; the latent is not scaled."""
    given = inputs(case)

    def run():
        with torch.no_grad():
            t, context = given["t"].expand(2), given["text"].expand(2, -1, -1)
            return {"denoise": unet(given["z"], t, context), "encode": vae.encode(given["picture"]), "decode": vae.decode(given["z"]),
                    "encodeText": text(given["tokens"].long())}

    first, second = run(), run()
    assert all(torch.isfinite(first[name]).all() and torch.equal(first[name], second[name]) for name in first), case
    tensors.save(f"{FOLDER}/{case}.golden.safetensors", {name: value.contiguous().numpy() for name, value in {**given, **first}.items()})


def schedule_buffers():
    """What the released training code keeps beside the weights; of each only the name matters here."""
    names = ("betas", "alphas_cumprod", "alphas_cumprod_prev", "sqrt_alphas_cumprod", "sqrt_one_minus_alphas_cumprod", "log_one_minus_alphas_cumprod",
             "sqrt_recip_alphas_cumprod", "sqrt_recipm1_alphas_cumprod", "posterior_variance", "posterior_log_variance_clipped", "posterior_mean_coef1",
             "posterior_mean_coef2")
    return {name: torch.linspace(0.1, 0.9, 4) for name in names}


def lightning(case, config, text, text_root):
    unet, vae = (weighted(make(config), root) for make, root in
                 ((compvis.UNetModel, "model.diffusion_model."), (compvis.AutoencoderKL, "first_stage_model.")))
    weighted(text, text_root)
    state = {**schedule_buffers(), **halves(unet, "model.diffusion_model."), **halves(vae, "first_stage_model."), **halves(text, text_root)}
    torch.save({"epoch": 0, "global_step": 470000, "state_dict": state}, f"{FOLDER}/{case}.ckpt")
    compute(case, unet, vae, text)


def folder(case, config, text):
    parts = {"unet": (diffusers_form.UNet2DConditionModel(config), "diffusion_pytorch_model"),
             "vae": (diffusers_form.AutoencoderKL(config), "diffusion_pytorch_model"), "text_encoder": (text, "model")}
    for part, (module, file) in parts.items():
        weighted(module, f"{part}/")
        os.makedirs(f"{FOLDER}/{case}/{part}", exist_ok=True)
        tensors.save(f"{FOLDER}/{case}/{part}/{file}.safetensors", {k: v.numpy() for k, v in halves(module, "").items()}, {"format": "pt"})
    with open(f"{FOLDER}/{case}/model_index.json", "w") as index:
        json.dump({"_class_name": "StableDiffusionPipeline", **{part: ["", type(module).__name__] for part, (module, _) in parts.items()}}, index, indent=2)
        index.write("\n")
    compute(case, *(module for module, _ in parts.values()))


def key_lists():
    """Version 2 at full size, of which no weight is made: how many keys, and a hash of the lines `key shape`, sorted, of what runs."""
    full = compvis.Config(levels=((320, True), (640, True), (1280, True), (1280, False)), units=2, groups=32, context=1024, head_width=64, linear=True,
                          vae_widths=(128, 256, 512, 512), vocabulary=49408, positions=77, text_layers=24, text_heads=16)
    unread = ("text_projection", "logit_scale", "transformer.resblocks.23.")
    with torch.device("meta"):
        forms = {
            "compvis2": {"model.diffusion_model.": compvis.UNetModel(full), "first_stage_model.": compvis.AutoencoderKL(full),
                         "cond_stage_model.model.": compvis.ClipText(full)},
            "diffusers2": {"unet/": diffusers_form.UNet2DConditionModel(full), "vae/": diffusers_form.AutoencoderKL(full),
                           "text_encoder/": diffusers_form.CLIPTextModel(replace(full, text_layers=23))},
        }
    lists = {}
    for name, modules in forms.items():
        lines = sorted(f"{root}{key} {'x'.join(map(str, p.shape))}\n" for root, module in modules.items()
                       for key, p in module.named_parameters() if not key.startswith(unread))
        lists[name] = {"tensors": len(lines), "keys": hashlib.sha256("".join(lines).encode()).hexdigest()}
    with open(f"{FOLDER}/v2-keys.json", "w") as file:
        json.dump(lists, file, indent=2)
        file.write("\n")


def main():
    os.makedirs(FOLDER, exist_ok=True)
    lightning("v1-compvis", SD1, diffusers_form.CLIPTextModel(SD1), "cond_stage_model.transformer.")
    folder("v1-diffusers", SD1, diffusers_form.CLIPTextModel(SD1))
    lightning("v2-compvis", SD2, compvis.ClipText(SD2, nn.GELU, skipped=1), "cond_stage_model.model.")
    key_lists()
    folder("v2-diffusers", SD2, diffusers_form.CLIPTextModel(replace(SD2, text_layers=SD2.text_layers - 1), nn.functional.gelu))


if __name__ == "__main__":
    main()

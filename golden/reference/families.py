"""Makes golden/cases/family-*.safetensors and golden/families.json: what the released code of each family says of its small preset and its full size.

What was released is run as it is; where nothing was, a model by hand. The rule of weights and inputs is make_goldens.py's. Weights are named as
diffusers names them, below a root of ours; of modules that are put into others here, a function says how their keys become our paths.
"""
import hashlib
import json
import math
import os
import re
from collections import Counter
from unittest import mock

import torch
from diffusers import (AutoencoderKLWan, ControlNetModel, Transformer2DModel, UNet2DConditionModel, UNet3DConditionModel, UNetMotionModel,
                       UNetSpatioTemporalConditionModel, WanTransformer3DModel)
from latte import Latte, Latte_XL_2
from motion_module import VanillaTemporalModule
from torch import nn

import tensors
import video_diffusion as vdm
import video_transformer as vt
from layers import Attention
from make_goldens import FOLDER, signal, weight


def same(key):
    return key


def below(root, key):
    return f"{root}.{key}" if root else key


def trained(module):
    """Its parameters without those that are fixed, as tables of positions are."""
    return [(key, parameter) for key, parameter in module.named_parameters() if parameter.requires_grad]


def weighted(module, root, path=same):
    """The module with the weights that its parameters' names make, below a root of ours."""
    with torch.no_grad():
        for key, parameter in trained(module):
            parameter.copy_(weight(below(root, path(key)), tuple(parameter.shape)))
    return module.eval()


def write(case, file, model, graph, inputs, compute, ablation=""):
    """Computed twice, finite and equal."""
    with torch.no_grad():
        first, second = compute(inputs), compute(inputs)
    assert torch.isfinite(first).all() and torch.equal(first, second), case
    tensors.save(f"{FOLDER}/family-{case}.safetensors", {**{k: v.numpy() for k, v in inputs.items()}, "output": first.contiguous().numpy()},
                 {"kind": "family", "file": f"models/{file}", "model": model, "preset": "Mini", "batch": str(len(first)), "ablation": ablation, "graph": graph,
                  "inputs": ",".join(inputs)})


def full(file, graph, make, ablation="", root="unet", path=same):
    """A full size, of which no weight is made: parameters, tensors, how many of each shape, and a hash of the lines `key shape`, sorted."""
    with torch.device("meta"):
        shapes = {below(root, path(key)): "x".join(map(str, p.shape)) for key, p in trained(make())}
    parameters = sum(math.prod(map(int, shape.split("x"))) for shape in shapes.values())
    lines = "".join(sorted(f"{key} {shape}\n" for key, shape in shapes.items()))
    return {"file": f"models/{file}", "ablation": ablation, "graph": graph, "parameters": parameters, "tensors": len(shapes),
            "shapes": dict(sorted(Counter(shapes.values()).items())), "keys": hashlib.sha256(lines.encode()).hexdigest()}


GROUPS = 8


def small(kind, **more):
    """The small presets' U-Nets: two levels, attention in the first and in the middle, one block a level."""
    return dict(block_out_channels=(32, 64), layers_per_block=1, down_block_types=(f"CrossAttnDownBlock{kind}", f"DownBlock{kind}"),
                up_block_types=(f"UpBlock{kind}", f"CrossAttnUpBlock{kind}"), cross_attention_dim=24, **more)


def pictures(case):
    """A batch of three."""
    return {"z": signal(case, "z", (3, 4, 4, 6)), "t": torch.tensor([721.0, 40.0, 999.0]), "text": signal(case, "text", (3, 5, 24))}


def clip(case):
    """One of three frames."""
    return {"z": signal(case, "z", (1, 3, 4, 4, 6)), "t": torch.tensor([721.0]), "text": signal(case, "text", (1, 5, 24))}


def frame_by_frame(unet):
    """An image U-Net on clips [B, F, C, H, W]: the frames are its batch, each with its clip's text and time."""
    def compute(x):
        b, f, c, h, w = x["z"].shape
        t, text = (x[name].repeat_interleave(f, 0) for name in ("t", "text"))
        return unet(x["z"].reshape(b * f, c, h, w), t, text).sample.view(b, f, -1, h, w)
    return compute


def frames_behind_channels(compute):
    """A library's clips are [B, C, F, H, W], ours [B, F, C, H, W]."""
    return lambda x: compute({**x, "z": x["z"].transpose(1, 2)}).transpose(1, 2)


# --- Stable Diffusion 2 --------------------------------------------------------------------------------------------

def stable_diffusion_2():
    case, file = "stable-diffusion-2", "stable-diffusion-2/unet.mv"
    unet = weighted(UNet2DConditionModel(attention_head_dim=(2, 4), use_linear_projection=True, **small("2D", norm_num_groups=GROUPS)), "unet")
    write(case, file, "StableDiffusion2", "denoise", pictures(case), lambda x: unet(x["z"], x["t"], x["text"]).sample)
    return full(file, "denoise", lambda: UNet2DConditionModel(cross_attention_dim=1024, attention_head_dim=(5, 10, 20, 20), use_linear_projection=True))


# --- Make-A-Video: its layers by hand, in diffusers' Stable Diffusion 1 -----------------------------------------------

class PseudoConv(nn.Module):
    """Of frames [B * F, C, H, W]: each convolved, then all along time."""

    def __init__(self, space, frames):
        super().__init__()
        self.space, self.frames = space, frames
        self.time = nn.ModuleDict({"conv": nn.Conv1d(space.out_channels, space.out_channels, 3, padding=1)})

    def forward(self, x):
        x = self.space(x)
        bf, c, h, w = x.shape
        along = x.view(-1, self.frames, c, h, w).permute(0, 3, 4, 2, 1).reshape(-1, c, self.frames)
        return self.time["conv"](along).view(-1, h, w, c, self.frames).permute(0, 4, 3, 1, 2).reshape(bf, c, h, w)


class PseudoAttention(nn.Module):
    def __init__(self, space, channels, heads, frames):
        super().__init__()
        self.space, self.frames = space, frames
        self.time = nn.ModuleDict({"norm": nn.LayerNorm(channels), "attention": Attention(channels, channels, heads)})

    def forward(self, x, *given, **named):
        x = self.space(x, *given, **named)[0]
        bf, c, h, w = x.shape
        along = x.view(-1, self.frames, c, h, w).permute(0, 3, 4, 1, 2).reshape(-1, self.frames, c)
        n = self.time["norm"](along)
        y = self.time["attention"](n, n).view(-1, h, w, self.frames, c).permute(0, 3, 4, 1, 2)
        return (x + y.reshape(bf, c, h, w),)


def pseudo_3d(unet, heads, frames):
    """Every 3x3 convolution and every transformer of an image U-Net, continued along time."""
    for parent in list(unet.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.Conv2d) and child.kernel_size == (3, 3):
                setattr(parent, name, PseudoConv(child, frames))
            elif isinstance(child, Transformer2DModel):
                parent._modules[name] = PseudoAttention(child, child.in_channels, heads, frames)
    return unet


def pseudo(key):
    """The image model's keys stay diffusers'."""
    return key.replace(".space.", ".").replace(".time.conv.", ".time.")


def make_a_video():
    case, file = "make-a-video", "make-a-video/unet.mv"

    def make(heads, frames, **sizes):
        return pseudo_3d(UNet2DConditionModel(attention_head_dim=heads, **sizes), heads, frames)

    unet = weighted(make(4, 3, **small("2D", norm_num_groups=GROUPS)), "unet", pseudo)
    write(case, file, "MakeAVideo", "denoise", clip(case), frame_by_frame(unet))
    return full(file, "denoise", lambda: make(8, 16, cross_attention_dim=768), path=pseudo)


# --- ModelScope's text to video ------------------------------------------------------------------------------------

def modelscope():
    case, file = "modelscope", "modelscope/unet.mv"
    unet = weighted(UNet3DConditionModel(attention_head_dim=16, **small("3D", norm_num_groups=GROUPS)), "unet")
    write(case, file, "ModelScope", "denoise", clip(case), frames_behind_channels(lambda x: unet(x["z"], x["t"], x["text"]).sample))
    return full(file, "denoise", lambda: UNet3DConditionModel(cross_attention_dim=1024, attention_head_dim=64))


# --- AnimateDiff: diffusers' own, and its authors' motion module in diffusers' Stable Diffusion 1 -----------------------

def motion(key):
    """The authors' names to diffusers', and of a `Moving` layer to that of its place."""
    key = re.sub(r"(resnets|attentions)\.(\d+)\.motion\.temporal_transformer\.", r"motion_modules.\2.", key).replace(".image.", ".")
    key = re.sub(r"\.attention_blocks\.(\d)\.", lambda m: f".attn{int(m[1]) + 1}.", key)
    return re.sub(r"\.norms\.(\d)\.", lambda m: f".norm{int(m[1]) + 1}.", key).replace(".ff_norm.", ".norm3.")


class Moving(nn.Module):
    """The last layer of a unit of the image model, and a motion module behind it; frames are [B * F, C, H, W]."""

    def __init__(self, image, channels, heads, frames):
        super().__init__()
        self.image, self.frames = image, frames
        self.motion = VanillaTemporalModule(channels, num_attention_heads=heads, num_transformer_block=1, temporal_position_encoding=True)
        self.motion.temporal_transformer.norm.num_groups = GROUPS

    def forward(self, *given, **named):
        y = self.image(*given, **named)
        x = y[0] if isinstance(y, tuple) else y
        clip = x.view(-1, self.frames, *x.shape[1:]).transpose(1, 2)
        moved = self.motion(clip, None, None).transpose(1, 2).reshape(x.shape)
        return (moved,) if isinstance(y, tuple) else moved


def moving(unet, heads, frames):
    for block in [*unet.down_blocks, *unet.up_blocks]:
        last = block.attentions if hasattr(block, "attentions") else block.resnets
        for i, layer in enumerate(last):
            last[i] = Moving(layer, block.resnets[i].out_channels, heads, frames)
    return unet


def animatediff():
    case, file = "animatediff", "animatediff/unet.mv"
    version1 = dict(use_motion_mid_block=False, motion_max_seq_length=24)
    of_authors = weighted(moving(UNet2DConditionModel(attention_head_dim=4, **small("2D", norm_num_groups=GROUPS)), 4, 3), "unet", motion)
    of_diffusers = weighted(UNetMotionModel(num_attention_heads=4, motion_num_attention_heads=4, **version1, **small("Motion", norm_num_groups=GROUPS)), "unet")

    def by_diffusers(x):
        return of_diffusers(x["z"], x["t"], x["text"].repeat_interleave(x["z"].shape[2], 0)).sample

    write(case, file, "AnimateDiff", "denoise", clip(case), frame_by_frame(of_authors))
    write(f"{case}-ClipNorm", file, "AnimateDiff", "denoise", clip(case), frames_behind_channels(by_diffusers), "ClipNorm")
    return full(file, "denoise", lambda: UNetMotionModel(cross_attention_dim=768, num_attention_heads=8, **version1))


# --- Stable Video Diffusion ----------------------------------------------------------------------------------------

def stable_video_diffusion():
    case, file = "stable-video-diffusion", "stable-video-diffusion/unet.mv"
    widths = dict(addition_time_embed_dim=20, projection_class_embeddings_input_dim=60)
    unet = weighted(UNetSpatioTemporalConditionModel(num_attention_heads=(2, 4), **widths, **small("SpatioTemporal")), "unet")
    inputs = {"z": signal(case, "z", (1, 3, 4, 4, 6)), "t": torch.tensor([1.5]), "picture": signal(case, "picture", (1, 4, 4, 6)),
              "seen": signal(case, "seen", (1, 1, 24)), "about": torch.tensor([[6.0, 127.0, 0.02]])}

    def compute(x):
        beside = torch.cat([x["z"], x["picture"][:, None].expand(x["z"].shape)], 2)
        return unet(beside, x["t"], x["seen"], x["about"]).sample

    write(case, file, "StableVideoDiffusion", "denoise", inputs, compute)
    return full(file, "denoise", UNetSpatioTemporalConditionModel)


# --- ControlNet ----------------------------------------------------------------------------------------------------

def controlnet():
    case, file = "controlnet", "controlnet/unet.mv"
    mini = dict(attention_head_dim=4, **small("2D", norm_num_groups=GROUPS))
    unet = weighted(UNet2DConditionModel(**mini), "unet")
    del mini["up_block_types"]
    control = weighted(ControlNetModel(conditioning_embedding_out_channels=(8, 12, 20), **mini), "controlnet")
    inputs = {**pictures(case), "hint": signal(case, "hint", (3, 3, 16, 24))}

    def compute(x):
        skips, deepest = control(x["z"], x["t"], x["text"], controlnet_cond=x["hint"], return_dict=False)
        return unet(x["z"], x["t"], x["text"], down_block_additional_residuals=skips, mid_block_additional_residual=deepest).sample

    write(case, file, "ControlNet", "denoise", inputs, compute)
    return full(file, "control", lambda: ControlNetModel(attention_head_dim=8, cross_attention_dim=768), root="controlnet")


# --- Latte ---------------------------------------------------------------------------------------------------------

def on_processor(make):
    """Its positions go through NumPy, which reads no tensor without memory."""
    def made():
        with torch.device("cpu"):
            return make()
    return made


def latte():
    case, file = "latte", "latte/latte.mv"
    mini = weighted(Latte(input_size=8, hidden_size=32, depth=4, num_heads=4, num_frames=3), case)
    inputs = {"z": signal(case, "z", (1, 3, 4, 8, 8)), "t": torch.tensor([721.0])}
    write(case, file, "Latte", "predict", inputs, lambda x: mini(x["z"], x["t"]))
    return full(file, "predict", on_processor(Latte_XL_2), root=case)


# --- The video transformer of ours, by hand --------------------------------------------------------------------------

def video_transformer():
    case, file = "video-transformer", "video-transformer/video-transformer.mv"
    mini = weighted(vt.VideoTransformer(vt.Config(F=3, H=8, W=12, width=32, depth=2, heads=4, classes=5)), "")
    inputs = {"z": signal(case, "z", (1, 3, 4, 8, 12)), "t": torch.tensor([721.0]), "label": torch.tensor([3], dtype=torch.int32)}
    write(case, file, "VideoTransformer", "denoise", inputs, lambda x: mini(x["z"], x["t"], x["label"]))
    return full(file, "denoise", lambda: vt.VideoTransformer(vt.Config()), root="")


# --- Wan 2.1 -------------------------------------------------------------------------------------------------------

def wan():
    case, file = "wan", "wan/wan.mv"
    mini = dict(num_attention_heads=2, attention_head_dim=16, in_channels=4, out_channels=4, text_dim=24, freq_dim=20, ffn_dim=40, num_layers=2)
    transformer = weighted(WanTransformer3DModel(**mini), "transformer")
    inputs = {"z": signal(case, "z", (1, 3, 4, 4, 6)), "t": torch.tensor([721.0]), "text": signal(case, "text", (1, 5, 24))}
    write(case, file, "Wan", "denoise", inputs, clips(lambda x: transformer(x["z"], x["t"], x["text"]).sample))
    return full(file, "denoise", lambda: WanTransformer3DModel(num_attention_heads=12, ffn_dim=8960, num_layers=30), root="transformer")


MEANS, DEVIATIONS = (torch.tensor(values).view(1, 4, 1, 1, 1) for values in ([-0.5, 0.25, 1.0, 0.0], [2.0, 0.5, 1.0, 1.5]))


def wan_vae(graph):
    """What the pipeline does on both sides of the autoencoder is done here: its latents have mean 0 and deviation 1. It alone cuts pixels to -1..1."""
    case, file = f"wan-vae-{graph}", "wan/vae.mv"
    vae = weighted(AutoencoderKLWan(base_dim=8, z_dim=4, dim_mult=[1, 2, 3, 3], num_res_blocks=1), "vae")
    kept = ("encoder.", "quant_conv.") if graph == "encode" else ("decoder.", "post_quant_conv.")

    def make():
        whole = AutoencoderKLWan()
        return nn.ModuleDict({name: module for name, module in whole.named_children() if f"{name}." in kept})

    if graph == "encode":
        inputs = {"x": signal(case, "x", (1, 9, 3, 16, 24))}
        compute = lambda x: ((vae.encode(x["x"].transpose(1, 2)).latent_dist.mean - MEANS) / DEVIATIONS).transpose(1, 2)  # noqa: E731
    else:
        inputs = {"z": signal(case, "z", (1, 3, 4, 2, 3))}

        def compute(x):
            with mock.patch("torch.clamp", lambda pixels, **_: pixels):
                return vae.decode(x["z"].transpose(1, 2) * DEVIATIONS + MEANS).sample.transpose(1, 2)

    write(case, file, "WanAutoencoder", graph, inputs, compute)
    return full(file, graph, make, root="vae")


# --- Video Diffusion Models, by hand -------------------------------------------------------------------------------

def video_diffusion(one_more, ablation):
    case, file = f"video-diffusion{'' if one_more else '-' + ablation}", "video-diffusion/unet.mv"
    mini = vdm.Config(F=3, D=24, E=40, levels=((32, False), (64, True)), units=1, layers=2, head_width=16, groups=8, one_more=one_more)
    unet = weighted(vdm.UNet(mini), "unet")
    inputs = {"x": signal(case, "x", (1, 3, 3, 4, 6)), "t": torch.tensor([721.0]), "text": signal(case, "text", (1, 5, 24))}
    write(case, file, "VideoDiffusion", "denoise", inputs, lambda x: unet(x["x"], x["t"], x["text"]), ablation)
    return full(file, "denoise", lambda: vdm.UNet(vdm.Config(one_more=one_more)), ablation)


if __name__ == "__main__":
    torch.set_num_threads(1)
    families = {
        "stable-diffusion-2": stable_diffusion_2(), "controlnet": controlnet(), "animatediff": animatediff(), "modelscope": modelscope(),
        "stable-video-diffusion": stable_video_diffusion(), "make-a-video": make_a_video(),
        "latte": latte(), "video-transformer": video_transformer(),
        "wan": wan(), "wan-vae-encode": wan_vae("encode"), "wan-vae-decode": wan_vae("decode"),
        "video-diffusion": video_diffusion(True, ""), "video-diffusion-AsMany": video_diffusion(False, "AsMany"),
    }
    with open(os.path.join(FOLDER, "../families.json"), "w") as file:
        json.dump(families, file, indent=1)
        file.write("\n")

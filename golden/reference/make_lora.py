"""Makes golden/lora/*: LoRAs as PEFT writes them in a folder, and the weights that PEFT has before and after it merges them.

Needs PyTorch 2 and peft 0.21. Ranks and alphas differ between the layers, as the folder's `adapter_config.json` says.
"""
import os

import torch
from peft import LoraConfig, get_peft_model
from torch import nn

import tensors

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lora")


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.attn = nn.ModuleDict({"to_q": nn.Linear(3, 4), "to_out": nn.ModuleList([nn.Linear(4, 2)])})
        self.conv = nn.Conv2d(2, 3, 3)
        self.proj = nn.Conv2d(3, 2, 1)


def make(name, **options):
    torch.manual_seed(len(name))
    net = Net()
    before = {key: value.clone() for key, value in net.state_dict().items()}
    config = LoraConfig(target_modules=["to_q", "to_out.0", "conv", "proj"], init_lora_weights=False, **options)
    model = get_peft_model(net, config)
    model.save_pretrained(os.path.join(FOLDER, name))
    os.remove(os.path.join(FOLDER, name, "README.md"))
    after = model.merge_and_unload().state_dict()
    arrays = {f"{when}/{key}": value.numpy() for when, state in (("before", before), ("after", after)) for key, value in state.items()}
    tensors.save(os.path.join(FOLDER, f"{name}.safetensors"), arrays)


make("scaled", r=2, lora_alpha=6, rank_pattern={"conv": 1}, alpha_pattern={"attn.to_q": 1, "^proj": 5})
make("stabilised", r=4, lora_alpha=3, use_rslora=True)

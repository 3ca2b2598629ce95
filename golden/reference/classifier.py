"""Turns a clip into its shape, its colour and its motion: a small network on crops around the centroid, and the centroid's track."""
import os

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from flat import FlatAdamW
from train_vae import centroids

CROP = 32
BLANK = 60        # px: the smallest shape (a ring of radius 9) covers about 180
JUMP = 4.0        # px a frame; the data move 1.7 to 2.4
HUE = 30  # of 255: a mean colour that changes by more from one frame to the next is seen to jump
DIRECTIONS = np.array([[1, 0], [-1, 0], [0, -1], [0, 1], [1, -1], [-1, -1], [1, 1], [-1, 1]]) / np.sqrt([[1], [1], [1], [1], [2], [2], [2], [2]])


class Classifier(nn.Module):
    """Crops [N, 3, 32, 32] in -1..1 to the logits of six shapes and six colours."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, 16, 3, 2, 1), nn.ReLU(), nn.Conv2d(16, 32, 3, 2, 1), nn.ReLU(), nn.Conv2d(32, 64, 3, 2, 1), nn.ReLU(),
            nn.Flatten(), nn.Linear(64 * 16, 128), nn.ReLU(), nn.Linear(128, 12))

    def forward(self, x):
        return self.body(x)


def crops(clips, jitter=None):
    """u8 [N, H, W, 3] to f32 [N, 3, 32, 32] centred on what stands out from the background."""
    middle, _ = centroids(clips)
    corner = np.rint(middle - CROP / 2).astype(int)
    if jitter is not None:
        corner = corner + jitter.integers(-2, 3, corner.shape)
    padded = np.pad(clips, ((0, 0), (CROP, CROP), (CROP, CROP), (0, 0)), mode="edge")
    out = np.stack([p[y + CROP:y + 2 * CROP, x + CROP:x + 2 * CROP] for p, (x, y) in zip(padded, corner)])
    return torch.from_numpy(out).float().div_(127.5).sub_(1).permute(0, 3, 1, 2).contiguous()


def train(clips, shapes, colours, steps=1500, seed=1):
    """On single frames of real clips, a third of them blurred and all a little noisy, so that it is no judge of sharpness."""
    torch.manual_seed(seed)
    numbers = np.random.default_rng(seed)
    model = Classifier()
    optimiser = FlatAdamW(model.parameters(), average=0.99)
    for step in range(steps):
        pick = np.sort(numbers.integers(0, len(clips), 64))
        frames = np.stack([clips[i, f] for i, f in zip(pick, numbers.integers(0, clips.shape[1], 64))])
        x = crops(frames, numbers)
        blurred = F.avg_pool2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), 3, 1)
        x = torch.where((torch.rand(64) < 0.33)[:, None, None, None], blurred, x) + 0.1 * torch.randn_like(x)
        out = model(x)
        loss = F.cross_entropy(out[:, :6], torch.tensor(shapes[pick], dtype=torch.long)) + \
            F.cross_entropy(out[:, 6:], torch.tensor(colours[pick], dtype=torch.long))
        loss.backward()
        optimiser.step(2e-3 * 0.5 * (1 + np.cos(np.pi * step / steps)))
    optimiser.swap()
    return model


def trained(data, path, clips=2000):
    """The classifier of `path`, trained and kept there when it is missing."""
    model = Classifier()
    if os.path.exists(path):
        model.load_state_dict(torch.load(path))
        return model
    model = train(data["clips"][:clips], np.array(data["shape"][:clips]), np.array(data["colour"][:clips]))
    torch.save(model.state_dict(), path)
    return model


def judge(model, clips):
    """u8 [N, F, H, W, 3] to what is seen in each: shape, colour, motion (-1: none), steps in pixels, blank frames, the largest change of the mean colour."""
    n, f = clips.shape[:2]
    with torch.no_grad():
        logits = model(crops(clips.reshape(n * f, *clips.shape[2:]))).view(n, f, 12)
    shape = logits[..., :6].log_softmax(-1).mean(1).argmax(-1).numpy()
    colour = logits[..., 6:].log_softmax(-1).mean(1).argmax(-1).numpy()
    middle, area = centroids(clips)
    ramp = np.arange(f) - (f - 1) / 2
    velocity = (middle * ramp[None, :, None]).sum(1) / (ramp ** 2).sum()
    speed = np.linalg.norm(velocity, axis=-1)
    motion = np.where(speed < 0.7, -1, (velocity @ DIRECTIONS.T).argmax(-1))
    steps = np.linalg.norm(np.diff(middle, axis=1), axis=-1)
    light = np.minimum(np.clip(clips.astype(np.float32).max(-1) - 40, 0, None) / 120, 1)[..., None]
    mean = (clips * light).sum((2, 3)) / np.maximum(light.sum((2, 3)), 1e-6)
    hue = np.abs(np.diff(mean, axis=1)).max((1, 2))
    return {"shape": shape, "colour": colour, "motion": motion, "steps": steps, "blank": area < BLANK, "speed": speed, "hue": hue}

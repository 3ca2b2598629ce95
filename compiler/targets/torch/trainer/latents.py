"""What an encoder makes of each clip, kept on the disk of a run."""

import hashlib
import inspect
import os
import sys
import time
import zlib

import numpy as np
import torch
from torch import nn

from .clips import Clips
from .processes import Processes


class Latents:
    """A file of one place a clip: float32 values and behind them their
    checksum, by which what was never written, or not whole, is told."""

    def __init__(self, path: str, shape: tuple) -> None:
        self.path, self.shape = path, shape
        self.bytes = int(np.prod(shape)) * 4
        self.file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)

    def read(self, index: int):
        """None of a clip that is not there."""
        at = index * (self.bytes + 4)
        place = os.pread(self.file, self.bytes + 4, at)
        if len(place) < self.bytes + 4:
            return None
        data, checksum = place[:-4], int.from_bytes(place[-4:], "little")
        if checksum != zlib.crc32(data):
            return None
        return np.frombuffer(data, np.float32).reshape(self.shape)

    def write(self, index: int, values: np.ndarray) -> None:
        data = values.tobytes()
        place = data + zlib.crc32(data).to_bytes(4, "little")
        os.pwrite(self.file, place, index * (self.bytes + 4))

    def of(self, index: int) -> np.ndarray:
        values = self.read(index)
        if values is None:
            raise OSError(f"{self.path} has lost clip {index}: start again")
        return values

    def close(self) -> None:
        os.close(self.file)


@torch.no_grad()
def encode(model: nn.Module, encoder: str, clips: Clips, indices: list):
    """What a graph of the model makes of clips, float32 [N, F, ...]. It takes
    clips, [B, F, 3, H, W], or pictures, which a clip's frames are then."""
    frames = np.stack([clips.frames(index) for index in indices])
    pixels = torch.from_numpy(frames).to(next(model.parameters()).device)
    shapes = sys.modules[type(model).__module__].INPUTS[encoder]
    takes_pictures = len(next(iter(shapes.values()))) == 4
    if takes_pictures:
        made = getattr(model, encoder)(pixels.flatten(0, 1))
        made = made.unflatten(0, pixels.shape[:2])
    else:
        made = getattr(model, encoder)(pixels)
    return made.float().cpu().numpy()


def together(model: nn.Module, clips: Clips) -> int:
    """How many clips are encoded at once: a graphics card waits for launches
    where clips are small, and 16 MiB of pixels keep it busy."""
    if next(model.parameters()).device.type == "cpu":
        return 1
    return max(1, (16 << 20) // (clips.pixels[0].size * 4))


def cached(
    folder: str, model: nn.Module, encoder: str, clips: Clips,
    needed: list, frozen: dict, processes: Processes,
) -> Latents:
    """The latents of the clips that are needed, of which each process encodes
    its share of those that are not there yet. Their file is called by the hash
    of all that they hang on; its folder is one that all processes see."""
    digest = hashlib.sha256(clips.digest().encode())
    source = inspect.getsource(sys.modules[type(model).__module__])
    digest.update(source.encode())
    for path, values in frozen.items():
        digest.update(path.encode())
        digest.update(values.numpy().data)
    name = f"{encoder}-{digest.hexdigest()[:16]}.latents"
    shape = encode(model, encoder, clips, needed[:1])[0].shape
    latents = Latents(os.path.join(folder, name), shape)
    lacking = [index for index in needed if latents.read(index) is None]
    processes.wait()
    mine = [index for i, index in enumerate(lacking)
            if i % processes.count == processes.rank]
    if lacking:
        processes.say(f"{encoder}: encoding {len(lacking):,} clips")
    told, count = time.time(), together(model, clips)
    for done in range(0, len(mine), count):
        if processes.stopped:
            break
        some = mine[done : done + count]
        for index, one in zip(some, encode(model, encoder, clips, some)):
            latents.write(index, one)
        if time.time() - told > 60:
            processes.say(f"{encoder}: clip {done + 1:,} of {len(mine):,}")
            told = time.time()
    os.fsync(latents.file)
    processes.require_going()
    return latents

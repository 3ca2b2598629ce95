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
def encode(model: nn.Module, encoder: str, clips: Clips, index: int):
    """What a graph of the model makes of a clip, float32 [F, ...]. It takes
    clips, [B, F, 3, H, W], or pictures, which a clip's frames are then."""
    frames = np.ascontiguousarray(clips.frames(index))
    pixels = torch.from_numpy(frames).to(next(model.parameters()).device)
    shapes = sys.modules[type(model).__module__].INPUTS[encoder]
    takes_pictures = len(next(iter(shapes.values()))) == 4
    made = getattr(model, encoder)(pixels if takes_pictures else pixels[None])
    made = made if takes_pictures else made[0]
    return made.float().cpu().numpy()


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
    shape = encode(model, encoder, clips, needed[0]).shape
    latents = Latents(os.path.join(folder, name), shape)
    lacking = [index for index in needed if latents.read(index) is None]
    processes.wait()
    mine = [index for i, index in enumerate(lacking)
            if i % processes.count == processes.rank]
    if lacking:
        processes.say(f"{encoder}: encoding {len(lacking):,} clips")
    told = time.time()
    for done, index in enumerate(mine):
        if processes.stopped:
            break
        latents.write(index, encode(model, encoder, clips, index))
        if time.time() - told > 60:
            processes.say(f"{encoder}: clip {done + 1:,} of {len(mine):,}")
            told = time.time()
    os.fsync(latents.file)
    processes.require_going()
    return latents

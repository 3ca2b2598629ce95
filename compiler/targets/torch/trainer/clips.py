"""A file of captioned clips to the inputs of a loss, of any step."""

import hashlib
import json
import math

import numpy as np

from .draws import Draws, fnv1a, philox, pick
from .levels import Levels
from .tensors import Failure, Tensors

# Bytes as the numbers that graphs take of them.
SHADES = (np.arange(256) / 127.5 - 1).astype(np.float32)


class Clips:
    """The clips of a file: `clips` u8 [N, F, H, W, 3]; captions as tokens,
    `tokens.L` i32 [N, L]; those of the texts that stand for none,
    `unguided.L` i32 [texts, L], in the order of the metadata's `unguided`;
    and labels by their names, u8 [N]."""

    def __init__(self, path: str, size: dict[str, int]) -> None:
        self.file = Tensors(path)
        entry = self.file.entries.get("clips", {})
        shape = entry.get("shape", [])
        if entry.get("dtype") != "U8" or len(shape) != 5 or shape[4] != 3:
            raise Failure(f"{path} has no clips, U8 [N, F, H, W, 3]{WAY}")
        wanted = [size["frames"], size["height"], size["width"]]
        if shape[1:4] != wanted:
            found, wanted = ("{} frames of {}x{} (height x width)".format(*one)
                             for one in (shape[1:4], wanted))
            raise Failure(f"{path} has {found}, the model takes {wanted}{WAY}")
        if shape[0] == 0:
            raise Failure(f"{path} has no clip in it")
        self.count, self.size = shape[0], size
        self.pixels = self.file["clips"]
        self.unguided = json.loads(self.file.metadata.get("unguided", "[]"))
        self.tables: dict[str, np.ndarray] = {}

    def frames(self, index: int) -> np.ndarray:
        """A clip in -1 to 1, float32 [F, 3, H, W]."""
        return SHADES[self.pixels[index]].transpose(0, 3, 1, 2)

    def tokens(self, index: int, length: int) -> np.ndarray:
        return self.table("tokens", length)[index]

    def tokens_of(self, text: str, length: int) -> np.ndarray:
        """Of a text that stands for no caption."""
        if text not in self.unguided:
            path = self.file.path
            raise Failure(f"{path} has no tokens of the text {text!r}{WAY}")
        return self.table("unguided", length)[self.unguided.index(text)]

    def label(self, index: int, source: dict) -> np.ndarray:
        """The class of a clip."""
        found = int(self.table(source["of"])[index])
        if found >= source["classes"]:
            raise Failure(
                f"{self.file.path}: clip {index} is of class {found} by"
                f" {source['of']}, which has {source['classes']} classes"
            )
        return np.int32(found)

    def table(self, kind: str, length=None) -> np.ndarray:
        name = kind if length is None else f"{kind}.{length}"
        if name not in self.file.entries:
            raise Failure(f"{self.file.path} has no tensor {name}{WAY}")
        if name not in self.tables:
            self.tables[name] = self.file[name]
        return self.tables[name]

    def digest(self) -> str:
        """Of the head and the bytes; of a file of over a GiB of 4,096 pieces
        of them, evenly."""
        digest = hashlib.sha256(self.file.head)
        piece, size = 1 << 18, self.file.size
        every = max(piece, -(-size // 4096))
        with open(self.file.path, "rb") as file:
            for start in range(0, size, every):
                file.seek(start)
                digest.update(file.read(piece))
        return digest.hexdigest()


WAY = (
    ": `mvc data DATA --for MODEL.mv --preset P -o clips.safetensors` writes"
    " what the model takes"
)


class Batches:
    """What a stage draws its examples from."""

    def __init__(
        self, stage: dict, clips: Clips, latents: dict, sampler, seed: int
    ) -> None:
        self.stage, self.clips, self.latents = stage, clips, latents
        self.seed = seed
        self.levels = sampler and Levels(sampler, **stage["levels"])

    def of(self, step: int, examples: range) -> dict[str, np.ndarray]:
        """The inputs of these examples by name, each [examples, ...]. Steps
        count from 1, examples from 0 among all of the step's batch."""
        rows = [self.example(step, example) for example in examples]
        names = self.stage["inputs"]
        return {name: np.stack([row[name] for row in rows]) for name in names}

    def example(self, step: int, example: int) -> dict[str, np.ndarray]:
        draws = Draws(self.seed, self.stage["name"], step, example)
        level: dict[str, float] = {}
        row = {}
        for name, source in self.stage["inputs"].items():
            kind = source["source"]
            if kind == "noise":
                shape = source["shape"]
                numbers = draws.normal(f"noise {name}", math.prod(shape))
                row[name] = numbers.reshape(shape)
            elif kind == "text":
                row[name] = self.text(draws, source)
            elif kind == "label":
                row[name] = self.clips.label(self.index(draws), source)
            elif kind == "clip":
                row[name] = self.clip(draws, source)
            elif kind == "image":
                row[name] = self.image(draws, source)
            else:
                level = level or self.levels.draw(draws)
                row[name] = np.float32(level[kind])
        return row

    def values(self, encoder, index: int) -> np.ndarray:
        """A clip's pixels, or what an encoder makes of them: [F, ...]."""
        if encoder is None:
            return self.clips.frames(index)
        return self.latents[encoder].of(index)

    def index(self, draws: Draws, at: int = 0) -> int:
        return pick(draws.uniform("clip", at + 1)[at], self.clips.count)

    def clip(self, draws: Draws, source: dict) -> np.ndarray:
        frames = self.values(source.get("encoder"), self.index(draws))
        still, at = draws.uniform("still", 2)
        if still >= self.stage["stills"]:
            return frames
        one = frames[pick(at, len(frames))]
        return np.broadcast_to(one, frames.shape)

    def image(self, draws: Draws, source: dict) -> np.ndarray:
        """One frame, or of several clips one each."""
        several = is_several(source)
        count = source["shape"][0] if several else 1
        places = draws.uniform("frame", count)
        pictures = []
        for i, place in enumerate(places):
            frames = self.values(source.get("encoder"), self.index(draws, i))
            pictures.append(frames[pick(place, len(frames))])
        return np.stack(pictures) if several else pictures[0]

    def text(self, draws: Draws, source: dict) -> np.ndarray:
        length = math.prod(source["shape"])
        if draws.uniform("dropped")[0] < source["dropped"]:
            tokens = self.clips.tokens_of(source["unguided"], length)
        else:
            tokens = self.clips.tokens(self.index(draws), length)
        return tokens.reshape(source["shape"])

    def drawn(self, steps: range, batch: int, encoder: str) -> list[int]:
        """The clips that these steps put through an encoder, in order."""
        counts = [
            source["shape"][0] if is_several(source) else 1
            for source in self.stage["inputs"].values()
            if source.get("encoder") == encoder
        ]
        name = fnv1a(f"{self.stage['name']}/clip")
        blocks = np.arange((max(counts) + 3) // 4)[:, None]
        drawn = np.zeros(self.clips.count, bool)
        for step in steps:
            words = philox(self.seed, blocks, step, np.arange(batch), name)
            rows = np.moveaxis(words, 1, 0).reshape(batch, -1)
            uniforms = (rows[:, : max(counts)] >> np.uint64(8)) / 0x1000000
            drawn[(uniforms * self.clips.count).astype(int)] = True
        return [int(index) for index in np.flatnonzero(drawn)]


def is_several(source: dict) -> bool:
    """Whether an input is one frame each of several clips."""
    return source["source"] == "image" and len(source["shape"]) > 3

"""Safetensors files to their tensors where they lie, and back."""

import hashlib
import json
import os
from collections.abc import Iterable

import numpy as np

STORED = {
    "F32": np.float32, "F16": np.float16, "F64": np.float64, "BF16": np.uint16,
    "I64": np.int64, "I32": np.int32, "U8": np.uint8,
}


class Failure(Exception):
    """What the user can mend, in a sentence; every process finds it alike."""


class Tensors:
    """A file's tensors by name, read from the disk when they are asked for."""

    def __init__(self, path: str) -> None:
        try:
            size = os.path.getsize(path)
            with open(path, "rb") as file:
                length = int.from_bytes(file.read(8), "little")
                if not 2 <= length <= size - 8:
                    raise ValueError("it is no safetensors file")
                self.head = file.read(length)
            entries = json.loads(self.head)
            self.metadata = entries.pop("__metadata__", {})
            ends = [one["data_offsets"][1] for one in entries.values()]
            if 8 + length + max(ends, default=0) > size:
                raise ValueError("it is cut short")
        except (OSError, ValueError, KeyError) as error:
            raise Failure(f"{path} cannot be read: {error}") from None
        self.path, self.start, self.size = path, 8 + length, size
        self.entries = entries

    def __getitem__(self, name: str) -> np.ndarray:
        """Mapped from the file; bfloat16 as float32."""
        entry = self.entries[name]
        dtype = STORED.get(entry["dtype"])
        if dtype is None:
            kind = entry["dtype"]
            raise Failure(f"{self.path}: {name} is {kind}, which is not read")
        shape = tuple(entry["shape"])
        if 0 in shape:
            return np.zeros(shape, dtype)
        offset = self.start + entry["data_offsets"][0]
        mapped = np.memmap(self.path, dtype, "r", offset, shape)
        if entry["dtype"] != "BF16":
            return mapped
        return (mapped.astype(np.uint32) << 16).view(np.float32)


def write_tensors(
    path: str, tensors: Iterable[tuple[str, np.ndarray]], metadata: dict
) -> None:
    """A file of float32 tensors that appears whole or not at all. Its
    metadata gets the `sha256` of names and numbers."""
    tensors = [(name, np.ascontiguousarray(one)) for name, one in tensors]
    entries, end = {}, 0
    for name, array in tensors:
        offsets = [end, end + array.nbytes]
        entries[name] = {
            "dtype": "F32", "shape": list(array.shape), "data_offsets": offsets
        }
        end += array.nbytes
    about = {**metadata, "sha256": digest_of(tensors)}
    head = json.dumps({"__metadata__": about, **entries}).encode()
    head += b" " * (-len(head) % 8)
    part = f"{path}.part"
    with open(part, "wb") as file:
        file.write(len(head).to_bytes(8, "little") + head)
        for _, array in tensors:
            file.write(array.reshape(-1).data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)


def digest_of(tensors: Iterable[tuple[str, np.ndarray]]) -> str:
    digest = hashlib.sha256()
    for name, array in tensors:
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(array).reshape(-1).data)
    return digest.hexdigest()

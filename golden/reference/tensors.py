"""Turns .safetensors files into numpy arrays and back, and pictures into PNG files."""
import json
import struct
import zlib

import numpy as np

_NAMES = {"F32": np.float32, "F16": np.float16, "U8": np.uint8, "I32": np.int32, "I64": np.int64}
_CODES = {np.dtype(v): k for k, v in _NAMES.items()}


def load(path):
    """The file's arrays by name (memory-mapped, read-only) and its metadata."""
    with open(path, "rb") as file:
        size = struct.unpack("<Q", file.read(8))[0]
        header = json.loads(file.read(size))
    metadata = header.pop("__metadata__", {})
    data = np.memmap(path, np.uint8, "r", offset=8 + size)
    arrays = {}
    for name, entry in header.items():
        start, end = entry["data_offsets"]
        arrays[name] = data[start:end].view(_NAMES[entry["dtype"]]).reshape(entry["shape"])
    return arrays, metadata


def save(path, arrays, metadata=None):
    """Names are sorted, so the same arrays give the same bytes; the header is padded to 8 bytes."""
    header, offset, blobs = {}, 0, []
    if metadata:
        header["__metadata__"] = metadata
    for name in sorted(arrays):
        array = np.asarray(arrays[name])
        blob = np.ascontiguousarray(array).tobytes()
        header[name] = {"dtype": _CODES[array.dtype], "shape": list(array.shape), "data_offsets": [offset, offset + len(blob)]}
        offset += len(blob)
        blobs.append(blob)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for blob in blobs:
            file.write(blob)


def save_png(path, picture):
    """`picture` is u8 [height, width, 3]."""
    height, width, _ = picture.shape
    rows = b"".join(b"\0" + picture[y].tobytes() for y in range(height))

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)))
        file.write(chunk(b"IDAT", zlib.compress(rows, 6)) + chunk(b"IEND", b""))


def contact_sheet(clips, every=1):
    """u8 [clips, frames, height, width, 3] to one picture: a clip a row, with a line of grey between the frames."""
    clips = np.pad(clips[:, ::every], ((0, 0), (0, 0), (0, 1), (0, 1), (0, 0)), constant_values=90)
    n, f, h, w, c = clips.shape
    return np.ascontiguousarray(clips.transpose(0, 2, 1, 3, 4).reshape(n * h, f * w, c))

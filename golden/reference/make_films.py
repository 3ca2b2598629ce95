"""Bars of known colours and the formulas of the standards into golden/films/, encoded by FFmpeg (`pip install av`: PyAV 18.1)."""
from fractions import Fraction

from pathlib import Path

import av
import numpy as np

FOLDER = Path(__file__).parent.parent / "films"
BARS = [(255, 255, 255), (230, 40, 40), (40, 200, 70), (60, 90, 245), (240, 220, 50), (16, 16, 16), (128, 128, 128), (225, 60, 215)]
# Shares of red and blue; H.273's number of the matrix.
MATRICES = {"601": (0.299, 0.114, 6), "709": (0.2126, 0.0722, 1)}
W, H = 64, 48


def picture(i):
    """Eight bars, and below them eight rows of grey that tell the frame: 5 i modulo 256."""
    rgb = np.zeros((H, W, 3), np.uint8)
    for k, bar in enumerate(BARS):
        rgb[:, k * 8 : k * 8 + 8] = bar
    rgb[-8:] = i * 5 % 256
    return rgb


def planes(rgb, matrix, full, bits):
    red, blue, _ = MATRICES[matrix]
    r, g, b = (rgb[..., c] / 255.0 for c in range(3))
    y = red * r + (1 - red - blue) * g + blue * b
    u, v = (b - y) / (2 - 2 * blue), (r - y) / (2 - 2 * red)
    unit, most = 2 ** (bits - 8), 2**bits - 1
    scale, black, colour = (most, 0, most) if full else (219 * unit, 16 * unit, 224 * unit)
    halved = lambda x: x.reshape(H // 2, 2, W // 2, 2).mean((1, 3))
    whole = lambda x: np.clip(np.round(x), 0, most).astype(np.uint16 if bits > 8 else np.uint8)
    return whole(y * scale + black), whole(halved(u) * colour + 128 * unit), whole(halved(v) * colour + 128 * unit)


def make(name, codec, matrix="709", full=False, tagged=True, frames=24, rate=10, options={}, bits=8, aspect=None, times=None, container={}):
    with av.open(str(FOLDER / name), "w", options=container) as out:
        stream = out.add_stream(codec, rate=rate)
        stream.width, stream.height, stream.options = W, H, options
        stream.pix_fmt = "yuv420p" if bits == 8 else f"yuv420p{bits}le"
        context = stream.codec_context
        if aspect:
            context.sample_aspect_ratio = Fraction(*aspect)
        if tagged:
            context.color_range = 2 if full else 1
            context.colorspace = context.color_primaries = context.color_trc = MATRICES[matrix][2]
        for i in range(frames):
            frame = av.VideoFrame(W, H, stream.pix_fmt)
            for plane, data in zip(frame.planes, planes(picture(i), matrix, full, bits)):
                rows = np.zeros((plane.height, plane.line_size // data.itemsize), data.dtype)
                rows[:, : data.shape[1]] = data
                plane.update(rows.tobytes())
            if tagged:
                frame.color_range, frame.colorspace = context.color_range, MATRICES[matrix][2]
            frame.pts, frame.time_base = times[i] if times else i, Fraction(1, rate)
            out.mux(stream.encode(frame))
        out.mux(stream.encode())


# Two frames between others, so that they are decoded in another order than shown.
H264 = {"crf": "12", "bf": "2"}
make("h264-709.mp4", "libx264", options=H264)
make("h264-601.mp4", "libx264", "601", options=H264)
make("h264-full.mp4", "libx264", full=True, options=H264)
make("h264-untagged.mp4", "libx264", "601", tagged=False, options=H264)
make("h264-ten-bits.mp4", "libx264", bits=10, options=H264)
make("h264-head-first.mp4", "libx264", options=H264, container={"movflags": "faststart"})
make("h264-key-each-30.mp4", "libx264", frames=90, rate=30, options={**H264, "g": "30"})
make("h264-wide-pixels.mp4", "libx264", frames=3, aspect=(2, 1), options=H264)
make("h264-uneven.mkv", "libx264", frames=6, times=[0, 1, 2, 10, 11, 12], options=H264)
make("hevc.mp4", "libx265", options={"crf": "12", "x265-params": "log-level=error"})
make("vp8.webm", "libvpx", "601", tagged=False, options={"crf": "10", "b": "1M"})
make("vp9.webm", "libvpx-vp9", "601", options={"crf": "10", "b": "0"})
make("av1.mp4", "libsvtav1", options={"crf": "20"})
make("mpeg4.mp4", "mpeg4", "601", frames=3, tagged=False)


def make_plain(name, codec, layout, width=64, height=48):
    """Red beside blue, green below, brought to the layout by FFmpeg itself (BT.601, as nothing is said of it)."""
    with av.open(str(FOLDER / name), "w") as out:
        stream = out.add_stream(codec, rate=10)
        stream.width, stream.height, stream.pix_fmt = width, height, layout
        rgb = np.zeros((height, width, 3), np.uint8)
        rgb[:, : width // 2], rgb[:, width // 2 :], rgb[height // 2 :] = BARS[1], BARS[3], BARS[2]
        for i in range(2):
            frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
            frame.pts, frame.time_base = i, Fraction(1, 10)
            out.mux(stream.encode(frame))
        out.mux(stream.encode())


make_plain("vp9-odd.webm", "libvpx-vp9", "yuv420p", 65, 49)
make_plain("h264-444.mp4", "libx264", "yuv444p")
make_plain("h264-rgb.mp4", "libx264rgb", "rgb24")
make_plain("prores.mov", "prores_ks", "yuv422p10le")

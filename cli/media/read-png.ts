/** The bytes of a PNG to its pixels as a canvas has them: red, green, blue and opacity, a byte each. */

import { convertIndexedToRgb, type DecodedPng, decode } from "fast-png";
import type { Picture } from "../../runtime/conditions.ts";
import { mvcError, reasonOf } from "../../runtime/errors.ts";

/** Throws MvcError `file-unreadable`; `file` is what the user called it. */
export function readPng(bytes: Uint8Array, file: string): Picture {
  try {
    return pictureOf(decode(bytes));
  } catch (thrown) {
    throw mvcError("file-unreadable", {
      file,
      reason: `it is no PNG that can be read (${reasonOf(thrown)})`,
      way: "save it as a PNG again",
    });
  }
}

/** What a PNG says of itself in front: IHDR comes first, and `acTL` before the pixels of what moves. */
export function pngHead(bytes: Uint8Array): { readonly width: number; readonly height: number; readonly moves: boolean } | undefined {
  if (bytes.length < 33 || Buffer.compare(bytes.subarray(0, 8), signature) !== 0) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let moves = false;
  for (let at = 8; at + 8 <= bytes.length; at += 12 + view.getUint32(at)) {
    const kind = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    moves ||= kind === "acTL";
    if (kind === "IDAT") break;
  }
  return { width: view.getUint32(16), height: view.getUint32(20), moves };
}

const signature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);

function pictureOf(png: DecodedPng): Picture {
  const { width, height, depth, transparency } = png;
  const palette = png.palette ?? (depth < 8 ? greys(2 ** depth) : undefined);
  const [data, channels] =
    palette === undefined ? [png.data, png.channels] : [convertIndexedToRgb({ ...png, palette }), palette[0]?.length ?? 3];
  if (png.palette === undefined && transparency !== undefined)
    throw new Error("one colour stands for transparency, which is not supported");
  const [scale, grey, opaque] = [depth === 16 ? 257 : 1, channels < 3, channels % 2 === 1];
  const pixels = new Uint8ClampedArray(width * height * 4);
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) pixels[i * 4 + c] = (data[i * channels + (grey ? 0 : c)] ?? 0) / scale;
    pixels[i * 4 + 3] = opaque ? 255 : (data[i * channels + channels - 1] ?? 0) / scale;
  }
  return { width, height, data: pixels };
}

/** Grey of few bits, such as a mask of black and white, is numbers of evenly spaced greys. */
function greys(count: number): [number, number, number][] {
  return Array.from({ length: count }, (_, i) => {
    const grey = (i * 255) / (count - 1);
    return [grey, grey, grey];
  });
}

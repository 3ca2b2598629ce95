/** Small pictures to large ones by repeating pixels. */

/** Pixels: a clip narrower than this is hard to watch. */
const WATCHABLE = 256;

/** How far a clip is enlarged when the caller does not say. */
export function watchableScale(width: number): number {
  return Math.max(1, Math.ceil(WATCHABLE / width));
}

/** Repeats each pixel `scale` times both ways. `channels` bytes a pixel. */
export function enlarge(pixels: ArrayLike<number>, width: number, height: number, channels: number, scale: number): Uint8Array {
  const row = width * scale * channels;
  const out = new Uint8Array(row * height * scale);
  for (let y = 0; y < height; y++) {
    const first = y * scale * row;
    for (let x = 0; x < width * scale; x++) {
      const from = (y * width + Math.floor(x / scale)) * channels;
      for (let c = 0; c < channels; c++) out[first + x * channels + c] = pixels[from + c] ?? 0;
    }
    for (let copy = 1; copy < scale; copy++) out.copyWithin(first + copy * row, first, first + row);
  }
  return out;
}

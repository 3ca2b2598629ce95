// Films of a few pixels, each frame of one grey, written as a user's folder has them.

import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { encode } from "fast-png";

export const temporary = (): string => mkdtempSync(join(tmpdir(), "mvc-folder-"));

/** A PNG of one grey, 4x4 unless it is said. */
export function greyPng(grey: number, width = 4, height = 4): Uint8Array {
  return encode({ width, height, channels: 1, data: new Uint8Array(width * height).fill(grey) });
}

/** GIF89a of 4x4 by hand: a palette of 256 greys, codes of nine bits, each index behind a clear code. `delay` in hundredths of a second. */
export function greyGif(greys: readonly number[], delay = 10): Uint8Array {
  const palette = Array.from({ length: 256 }, (_, i) => [i, i, i]).flat();
  const frames = greys.flatMap((grey) => {
    const codes = [...Array.from({ length: 16 }, () => [256, grey]).flat(), 257];
    const bits = codes.flatMap((code) => Array.from({ length: 9 }, (_, i) => (code >> i) & 1));
    const bytes = Array.from({ length: Math.ceil(bits.length / 8) }, (_, i) =>
      bits.slice(8 * i, 8 * i + 8).reduce((sum, bit, at) => sum | (bit << at), 0),
    );
    return [0x21, 0xf9, 4, 0, delay & 255, delay >> 8, 0, 0, 0x2c, 0, 0, 0, 0, 4, 0, 4, 0, 0, 8, bytes.length, ...bytes, 0];
  });
  return Uint8Array.of(...Buffer.from("GIF89a"), 4, 0, 4, 0, 0xf7, 0, 0, ...palette, ...frames, 0x3b);
}

/** Writes files by their paths within a new folder. */
export function folderOf(files: { readonly [path: string]: string | Uint8Array }): string {
  const folder = temporary();
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  return folder;
}

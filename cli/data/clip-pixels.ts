/** Frames of a film to the pixels of a model's clip: cut about the middle, resized, and without what cannot be seen. */

import type { Picture } from "../../runtime/conditions.ts";
import { fitPicture } from "../../runtime/media/fit.ts";
import type { ClipSize } from "../../training/dataset.ts";
import type { Film } from "../media/film.ts";

/** u8 [F, H, W, 3] of the frames at these places, which may repeat but never go back. Throws as `Film.pictures`. */
export async function clipPixels(film: Film, places: readonly number[], { height, width }: ClipSize): Promise<Uint8Array> {
  const bytes = height * width * 3;
  const pixels = new Uint8Array(places.length * bytes);
  const wanted = [...new Set(places)];
  let taken = 0;
  let at = 0;
  for await (const picture of film.pictures(wanted)) {
    const start = at * bytes;
    writeColours(fitPicture(picture, width, height, film.aspect), pixels.subarray(start, start + bytes));
    const place = wanted[taken++];
    for (at++; places[at] === place && at < places.length; at++) pixels.copyWithin(at * bytes, start, start + bytes);
  }
  if (at !== places.length) throw new Error(`clip pixels: ${taken} pictures of ${wanted.length} that were asked for`);
  return pixels;
}

/** Over black. */
function writeColours({ data }: Picture, to: Uint8Array): void {
  for (let from = 0, at = 0; at < to.length; from += 4, at += 3) {
    const opacity = data[from + 3] ?? 0;
    for (let c = 0; c < 3; c++) {
      const colour = data[from + c] ?? 0;
      to[at + c] = opacity === 255 ? colour : Math.round((colour * opacity) / 255);
    }
  }
}

/** Frames [F, H, W, 3] in memory, as a film without times. */
export function filmOfPixels(pixels: Uint8Array, { frames, height, width }: ClipSize): Film {
  const bytes = height * width * 3;
  return {
    count: frames,
    width,
    height,
    aspect: 1,
    async *pictures(places) {
      for (const place of places) {
        const data = new Uint8Array(height * width * 4).fill(255);
        const frame = pixels.subarray(place * bytes, (place + 1) * bytes);
        for (let from = 0, to = 0; from < bytes; from += 3, to += 4) data.set(frame.subarray(from, from + 3), to);
        yield { width, height, data };
      }
    },
    close() {},
  };
}

/** A clip to what is seen in it: its flicker, and of one that should show a moving shape its track, its colour and what the judges take it for. */

import { flickerOf } from "../../study/flicker.ts";
import type { Pixels } from "../../study/pixels.ts";
import { blankArea, colourJumps, directionOf, hueDrift, stepsOf, trackOf } from "../../study/track.ts";
import type { ClipSize } from "../../training/dataset.ts";
import { clipPixels, filmOfPixels } from "../data/clip-pixels.ts";
import { DIRECTIONS } from "../data/moving-shapes.ts";
import { type Judges, judgedSize } from "./judges.ts";
import type { Observed } from "./measures.ts";

/** Without judges, of data that have no labels, of any clip. */
export async function observe(clip: Pixels, judges: Judges | undefined): Promise<Observed> {
  const flicker = flickerOf(clip);
  if (judges === undefined) return { flicker };
  const track = trackOf(await resized(clip, { ...judgedSize, frames: clip.frames }));
  const { labels, features } = await judges.judge(await resized(clip, judgedSize));
  return {
    flicker,
    thing: {
      labels,
      features,
      direction: directionOf(track, DIRECTIONS),
      steps: stepsOf(track),
      blank: track.filter(({ area }) => area < blankArea).length / track.length,
      colourJumps: colourJumps(track),
      drift: hueDrift(track),
    },
  };
}

export async function observeAll(clips: AsyncIterable<Pixels>, judges: Judges | undefined): Promise<readonly Observed[]> {
  const found: Observed[] = [];
  for await (const clip of clips) found.push(await observe(clip, judges));
  return found;
}

/** Cut about the middle and resized, of frames evenly from the first to the last; the clip itself where it is of that size. */
export async function resized(clip: Pixels, size: ClipSize): Promise<Pixels> {
  const { frames, height, width } = size;
  if (clip.frames === frames && clip.height === height && clip.width === width) return clip;
  const places = Array.from({ length: frames }, (_, i) => (frames === 1 ? 0 : Math.round((i * (clip.frames - 1)) / (frames - 1))));
  return { ...size, pixels: await clipPixels(filmOfPixels(clip.pixels, clip), places, size) };
}

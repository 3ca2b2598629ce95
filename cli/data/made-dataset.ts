/** Clips that lie in memory or a file at one size, whole, to those that a model takes: a data set. */

import { createHash } from "node:crypto";
import { mvcError } from "../../runtime/errors.ts";
import type { CaptionedClip, ClipSize, Dataset } from "../../training/dataset.ts";
import { clipPixels, filmOfPixels } from "./clip-pixels.ts";
import type { DatasetOptions } from "./dataset-options.ts";
import { filmWindows, heldWindow } from "./windows.ts";

export interface MadeClips {
  readonly name: string;
  readonly count: number;
  readonly size: ClipSize;
  readonly labels?: ReadonlyMap<string, number>;
  /** Changes with the clips and their captions. */
  readonly hash: string;
  clip(index: number): Promise<CaptionedClip>;
}

/** Throws MvcError `data-invalid` where the clips are too short for the model, `option-invalid` where they have no time of their own. */
export function madeDataset(made: MadeClips, size: ClipSize, options: DatasetOptions): Dataset {
  const { name } = made;
  if (options.fps !== undefined)
    throw mvcError("option-invalid", {
      option: "--fps",
      expected: `left out with ${name}, whose clips have no rate of their own`,
      found: String(options.fps),
      instead: "take every so many frames by --stride",
    });
  const film = { count: made.size.frames };
  const found = filmWindows(film, size.frames, options);
  if (found.length === 0 && options.short !== "hold")
    throw mvcError("data-invalid", {
      data: name,
      reason: `its clips have ${made.size.frames} frames, too few for ${size.frames}${strided(options)}`,
      way: "train a model of fewer frames, or hold each clip's last frame by `--short hold`",
    });
  const windows = found.length > 0 ? found : [heldWindow(film, size.frames, options)];
  const same = size.frames === made.size.frames && size.height === made.size.height && size.width === made.size.width;
  return {
    name,
    count: made.count * windows.length,
    size,
    ...(made.labels && { labels: made.labels }),
    hash: createHash("sha256")
      .update(JSON.stringify([made.hash, size.frames, size.height, size.width, windows]))
      .digest("hex"),
    async clip(index) {
      const clip = await made.clip(Math.floor(index / windows.length));
      if (same) return clip;
      const places = windows[index % windows.length] ?? [];
      return { ...clip, pixels: await clipPixels(filmOfPixels(clip.pixels, made.size), places, size) };
    },
  };
}

export function strided({ stride = 1 }: DatasetOptions): string {
  return stride === 1 ? "" : ` at every ${stride} of its own`;
}

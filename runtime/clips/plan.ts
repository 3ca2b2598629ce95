/** What is asked of a call's clips, their length and how they join, to the windows that they are sampled in: checked before any work. */

import type { SamplerSpec } from "../../compiler/package/manifest.ts";
import { mvcError } from "../errors.ts";
import type { ClipShape } from "./clip-shape.ts";
import { type Windows, windowsOf } from "./windows.ts";

export const windowOrders = ["joint", "autoregressive"] as const;

export interface LengthOptions {
  /**
   * Frames of the clip's latent, the model's own F when not given. More are sampled in windows of F. Fewer only of a directed model,
   * whose first frames hang on no later ones: the clip is the one that a build of so many frames makes, at the cost of F.
   */
  readonly length?: number;
  /** Frames that one window shares with the next, half a window when not given. */
  readonly overlap?: number;
  /** Windows go round, so that the last frame leads to the first. */
  readonly loop?: boolean;
  /**
   * How windows join: `joint`, the default, takes every step for all windows and averages what they predict of a frame; `autoregressive`
   * samples one after the other, the shared frames being known to the later one.
   */
  readonly windows?: (typeof windowOrders)[number];
}

export interface ClipPlan {
  /** Frames of the latent that is sampled, the model's own at least. */
  readonly length: number;
  /** Frames that the caller gets. */
  readonly wanted: number;
  /** The whole clip's, by which it is encoded and decoded, and sampled where windows are joint; undefined where the clip is one window. */
  readonly windows: Windows | undefined;
  /** Windows that are sampled one after the other; undefined where all are at once. */
  readonly inTurn: Windows | undefined;
}

/** `known` says how many frames of the latent each clip of the call continues, where it does. Throws MvcError `option-invalid`. */
export function planOf(
  options: LengthOptions,
  known: readonly (number | undefined)[],
  shape: ClipShape,
  sampler: Pick<SamplerSpec, "directed">,
): ClipPlan {
  const { frames } = shape;
  const [continued] = known;
  const uneven = known.find((count) => count !== continued);
  demand(
    known.every((count) => count === continued),
    "continues",
    "of as many frames in all clips of a call",
    `${continued} and ${uneven}`,
  );
  const { loop = false } = options;
  const overlap = options.overlap ?? Math.max(continued === undefined ? 0 : 1, Math.floor(frames / 2));
  demand(
    Number.isSafeInteger(overlap) && overlap >= 0 && overlap < Math.max(frames, 1),
    "overlap",
    `a whole number from 0 to ${frames - 1}`,
    overlap,
  );
  const shared = Math.min(overlap, continued ?? overlap);
  const length = options.length ?? (continued === undefined ? frames : continued - shared + frames);
  demand(Number.isSafeInteger(length) && length >= 1 && length <= mostFrames, "length", `a whole number from 1 to ${mostFrames}`, length);
  if (length < frames) {
    demand(
      sampler.directed,
      "length",
      `${frames} or more, as each frame of this model hangs on later ones too (build it with fewer frames)`,
      length,
    );
    demand(!loop, "length", `${frames} or more for a loop`, length);
  }
  if (continued !== undefined) {
    demand(!loop, "loop", "left out where a clip is continued, which has a first frame already", true);
    demand(length > continued, "length", `more than the ${continued} frames that the clip has already`, length);
    demand(
      options.windows !== "joint",
      "windows",
      '"autoregressive" where a clip is continued; for joint windows give the clip as `known`',
      "joint",
    );
    demand(overlap > 0, "overlap", "1 or more where a clip is continued", overlap);
  }
  const single = length <= frames && !loop;
  if (single) {
    const way = "left out where the clip is one window: `length` makes it longer, `loop` has windows go round";
    demand(options.windows === undefined || continued !== undefined, "windows", way, options.windows);
    demand(options.overlap === undefined || continued !== undefined, "overlap", way, options.overlap);
    return { length: Math.max(length, frames), wanted: length, windows: undefined, inTurn: undefined };
  }
  demand(frames > 1, loop ? "loop" : "length", "left out for a model whose clips have one frame", loop || length);
  const autoregressive = continued !== undefined || options.windows === "autoregressive";
  demand(!(loop && autoregressive), "windows", '"joint" for a loop, whose first frame must know its last', "autoregressive");
  demand(
    !autoregressive || overlap > 0,
    "overlap",
    "1 or more for autoregressive windows, which else would know nothing of each other",
    overlap,
  );
  demand(!loop || overlap > 0, "overlap", "1 or more in a loop, whose windows else would not go round", overlap);
  demand(!loop || !shape.pace.firstAlone, "loop", "left out for a model whose first frame is a picture by itself", true);
  const windows = windowsOf(length, frames, overlap, loop);
  if (!autoregressive) return { length, wanted: length, windows, inTurn: undefined };
  const start = continued === undefined ? 0 : continued - shared;
  const turns = windowsOf(length - start, frames, overlap, false);
  return { length, wanted: length, windows, inTurn: { ...turns, length, starts: turns.starts.map((at) => at + start) } };
}

/** A longer clip is a slip of the keys. */
const mostFrames = 100_000;

function demand(holds: boolean, option: string, expected: string, found: unknown): asserts holds {
  if (!holds) throw mvcError("option-invalid", { option, expected, found: String(found) });
}

/** What was seen in each clip of a set to its measures: figures a clip, in the order of the prompts. */

import { frechetDistance, type Gaussian, gaussianOf } from "../../study/frechet.ts";
import type { Measure } from "../../study/measure.ts";
import { jumpLength } from "../../study/track.ts";
import { judged, type Labels } from "./labels.ts";

/** What is seen in any clip. */
export interface Observed {
  readonly flicker: number;
  /** Where the clip should show one of moving-shapes. */
  readonly thing?: Thing;
}

export interface Thing {
  /** What the judges take it for. */
  readonly labels: Labels;
  /** What its track says of the motion; undefined where it stands still. */
  readonly direction: number | undefined;
  /** Pixels of 64 from each frame to the next. */
  readonly steps: readonly number[];
  /** The share of frames that show nothing. */
  readonly blank: number;
  readonly colourJumps: boolean;
  /** In degrees. */
  readonly drift: number;
  /** The judges' own. */
  readonly features: Float32Array;
}

export const frechetName = "Fréchet distance (mini judge features)";

/** What is asked of each clip. */
export interface Wanted {
  /** A prompt each; clip i is of prompt i modulo their number. */
  readonly labels: readonly Labels[];
  /** The mean step of real clips, in pixels of 64. */
  readonly pace: number;
  /** The features of real clips; undefined where there are no others. */
  readonly features: Gaussian | undefined;
}

/** `wanted` of clips whose labels are known; `ofCaptions`, whether they are to show what their captions say. */
export function measuresOf(
  found: readonly Observed[],
  wanted: Wanted | undefined,
  { ofCaptions }: { readonly ofCaptions: boolean },
): readonly Measure[] {
  const flicker: Measure = { name: "flicker", unit: "", better: "lower", values: found.map((one) => one.flicker) };
  const things = found.flatMap(({ thing }) => thing ?? []);
  if (wanted === undefined || things.length < found.length) return [flicker];
  const { labels, pace, features } = wanted;
  const of = (name: string, unit: Measure["unit"], value: (thing: Thing) => number): Measure => ({
    name,
    unit,
    better: "lower",
    values: things.map(value),
  });
  const share = (list: readonly number[], holds: (one: number) => boolean) => list.filter(holds).length / Math.max(1, list.length);
  return [
    ...(ofCaptions ? accuracies(found, labels, "own") : []),
    of("pace off", "px", ({ steps }) => Math.abs(mean(steps) - pace)),
    of("jumps", "%", ({ steps }) => share(steps, (step) => step > jumpLength)),
    of("blank frames", "%", ({ blank }) => blank),
    of("colour jumps", "%", ({ colourJumps }) => (colourJumps ? 1 : 0)),
    of("colour drift", "°", ({ drift }) => drift),
    flicker,
    ...(features === undefined ? [] : distances(things, labels.length, features)),
  ];
}

/**
 * The share of what was asked for that is seen: of the clip's own caption, or, as chance, of the captions of all other prompts, each of which
 * counts as much: the mean over all ways to shuffle captions such that none is its own.
 */
export function accuracies(found: readonly Observed[], wanted: readonly Labels[], against: "own" | "others"): readonly Measure[] {
  const right: { readonly [name: string]: (thing: Thing, labels: Labels) => boolean } = {
    ...Object.fromEntries(judged.map((name) => [name, (thing: Thing, labels: Labels) => thing.labels[name] === labels[name]])),
    "shape, colour and motion": (thing, labels) => judged.every((name) => thing.labels[name] === labels[name]),
    direction: (thing, labels) => thing.direction === labels.motion,
  };
  return Object.entries(right).map(([name, holds]) => ({
    name,
    unit: "%",
    better: "higher",
    values: found.map(({ thing }, i) => {
      if (thing === undefined) throw new Error(`eval: ${name} of a clip that was not judged`);
      const own = i % wanted.length;
      const asked = against === "own" ? wanted.slice(own, own + 1) : wanted.filter((_, j) => j !== own);
      return asked.filter((labels) => holds(thing, labels)).length / Math.max(1, asked.length);
    }),
  }));
}

/** One a seed: `prompts` clips after the other. Two vectors at least have a covariance. */
function distances(things: readonly Thing[], prompts: number, real: Gaussian): readonly Measure[] {
  if (prompts < 2) return [];
  const values = Array.from({ length: Math.floor(things.length / prompts) }, (_, seed) => {
    const own = things.slice(seed * prompts, (seed + 1) * prompts).map(({ features }) => features);
    return frechetDistance(gaussianOf(own), real);
  });
  return [{ name: frechetName, unit: "", better: "lower", values }];
}

/** The mean step of clips, in pixels of 64. */
export function paceOf(found: readonly Observed[]): number {
  return mean(found.map(({ thing }) => mean(thing?.steps ?? [])));
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}

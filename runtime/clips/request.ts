/** What a request says of its clip beside its conditions, pictures and prompts in their places, to what is known of the clip: read and checked before any work. */

import { checkedOptions, isRecord, type Kinds, refused } from "../arguments.ts";
import { mvcError } from "../errors.ts";
import type { Roles } from "../roles.ts";
import { shapeText } from "../tensor.ts";
import { type ClipInput, type Frames, readFrames } from "./clip-input.ts";
import { type ClipShape, picturesFor } from "./clip-shape.ts";
import { assembled, type Known, type KnownFrames, type KnownLatent, knownLatent, readKnown } from "./known.ts";
import type { ClipPlan } from "./plan.ts";

/** What a clip is made of beside its conditions. Pictures of it are encoded by the graph that the sampler names in `latents`; latents need none. */
export interface ClipParts {
  /** Parts of the clip that are given, in time and, by a mask, in space: all steps keep them, at the noise of the step. */
  readonly known?: Known | readonly Known[];
  /** Its first picture: `known: { clip, at: 0 }`. */
  readonly firstFrame?: ClipInput;
  /** Its last one. */
  readonly lastFrame?: ClipInput;
  /** A clip that this one goes on from: its frames are the first of this clip, whose windows are autoregressive. */
  readonly continues?: ClipInput;
  /** Video to video (SDEdit, Meng et al., 2022): a clip of the same length that is noised as far as the option `strength` says, and denoised from there. */
  readonly from?: ClipInput;
}

/** What a request says of its clip, read, in the caller's frames. */
export interface ReadParts {
  readonly known: readonly (Known & { readonly input: string })[];
  readonly last: ClipInput | undefined;
  readonly continues: Frames | undefined;
  readonly from: Frames | undefined;
}

const knownKinds: Kinds<Known> = {
  clip: { holds: (value) => typeof value === "object", expected: "a picture, a clip or a tensor" },
  at: { holds: Number.isSafeInteger, expected: "a whole number from 0" },
  mask: { holds: (value) => typeof value === "object", expected: "a picture, a clip or a tensor" },
};

/** Throws MvcError `input-invalid`, `option-…`, `latents-absent`. */
export function readParts(parts: ClipParts, shape: ClipShape, roles: Roles): ReadParts {
  const { known = [], firstFrame, lastFrame, continues, from } = parts;
  const listed: readonly unknown[] = Array.isArray(known) ? known : [known];
  const checked = listed.map((one, i) => {
    const input = Array.isArray(known) ? `known[${i}]` : "known";
    if (!isRecord(one) || one.clip === undefined) throw refused(input, "an object of clip, at and mask", one);
    return { ...checkedOptions<Known>(one, knownKinds, input), input };
  });
  const read = (given: ClipInput | undefined, input: string): Frames | undefined => {
    if (given === undefined) return undefined;
    const frames = readFrames(given, input, shape);
    requireEncoder(frames, input, roles);
    return frames;
  };
  for (const [given, input] of [
    [firstFrame, "firstFrame"],
    [lastFrame, "lastFrame"],
  ] as const) {
    const count = read(given, input)?.count ?? 1;
    if (count !== 1) throw mvcError("input-invalid", { input, expected: "one picture", found: `${count} frames` });
  }
  for (const { clip, input } of checked) read(clip, input);
  const first = firstFrame === undefined ? [] : [{ clip: firstFrame, input: "firstFrame" }];
  if (continues !== undefined && first.length > 0) throw refused("firstFrame", "left out of a clip that continues another", "given");
  return { known: [...first, ...checked], last: lastFrame, continues: read(continues, "continues"), from: read(from, "from") };
}

/** Frames of the latent that a clip stands for. Throws MvcError `input-invalid` where it is no whole number of them. */
export function latentFramesOf({ of, count }: Pick<Frames, "of" | "count">, input: string, { pace }: ClipShape): number {
  if (of === "latents") return count;
  const frames = pace.firstAlone ? (count - 1) / pace.per + 1 : count / pace.per;
  if (Number.isInteger(frames)) return frames;
  const expected = `of ${pace.firstAlone ? "one picture more than " : ""}a multiple of ${pace.per} pictures`;
  throw mvcError("input-invalid", { input, expected, found: `${count} pictures` });
}

/** A clip's known frames and what it starts from, in their places. Throws MvcError `input-invalid`. */
export interface PlacedParts {
  readonly known: readonly KnownFrames[];
  readonly from: KnownFrames | undefined;
}

export function placedParts(parts: ReadParts, { wanted }: ClipPlan, shape: ClipShape): PlacedParts {
  const known = parts.known.map(({ input, ...one }) => readKnown(one, input, shape, wanted));
  if (parts.continues !== undefined) known.unshift({ frames: parts.continues, at: 0, mask: undefined });
  if (parts.last !== undefined) {
    const isFirst = wanted === 1 && parts.known.some(({ input }) => input === "firstFrame");
    if (isFirst) throw refused("lastFrame", "left out of a clip of one frame, which is `firstFrame`", "given");
    const frames = readFrames(parts.last, "lastFrame", shape);
    const count = frames.of === "latents" ? wanted : picturesFor(shape.pace, wanted);
    known.push({ frames, at: count - 1, mask: undefined });
  }
  const { from } = parts;
  if (from === undefined) return { known, from: undefined };
  const expected = from.of === "latents" ? wanted : picturesFor(shape.pace, wanted);
  if (from.count !== expected) {
    const found = `${from.count}`;
    throw mvcError("input-invalid", {
      input: "from",
      expected: `a clip of as many frames as are made, ${expected} (\`length\` says how many)`,
      found,
    });
  }
  return { known, from: { frames: from, at: 0, mask: undefined } };
}

/** The clean latent of what is given, pictures by `encode`. */
export async function latentOf(
  parts: readonly KnownFrames[],
  { length }: ClipPlan,
  shape: ClipShape,
  encode: (pictures: Float32Array) => Promise<Float32Array>,
): Promise<KnownLatent> {
  const pictures = assembled(parts, shape, length);
  return knownLatent(parts, pictures && (await encode(pictures)), shape, length);
}

function requireEncoder({ of }: Frames, input: string, { latents, pictures, clipShape, sampler }: Roles): void {
  if (of === "latents" || latents !== undefined || pictures === "latent") return;
  throw mvcError("latents-absent", { input, graph: sampler.graph, shape: shapeText([1, ...clipShape]) });
}

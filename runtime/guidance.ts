/** What a caller says of guidance to how predictions under more and more of the conditions are weighed, step by step. */

import type { SamplerSpec } from "../compiler/package/manifest.ts";
import { isRecord, refused } from "./arguments.ts";
import { mvcError } from "./errors.ts";

/** One weight for all conditions together; or one each, in the order in which they are added to the unguided prediction. */
export type GuidanceWeights = number | { readonly [condition: string]: number };

export interface GuidanceOptions {
  /**
   * Classifier-free guidance (Ho and Salimans, 2022): u + guidance (c − u); 1 samples without it, at half the work. By condition it is
   * InstructPix2Pix's (Brooks et al., 2023, equation 3): `{ image: 1.5, text: 7.5 }` is u + 1.5 (image − u) + 7.5 (image and text − image),
   * at an evaluation more for each condition.
   */
  readonly guidance?: GuidanceWeights;
  /** φ of Lin et al. (2024), equations 15 and 16: how far the guided prediction is brought back to the deviation of the conditioned one, 0 when not given. */
  readonly guidanceRescale?: number;
  /**
   * The part of the steps that is guided (Kynkäänniemi et al., 2024), as fractions of all steps from the noisiest on, `[0, 1]` when not
   * given: the first is guided, the last is not. In the others the conditions count with weight 1; they cost the same.
   */
  readonly guidanceInterval?: readonly [from: number, to: number];
}

export interface Guidance {
  /** Conditions in the order in which they are added, and what each addition weighs; without names, all at once. */
  readonly added: readonly { readonly condition: string | undefined; readonly weight: number }[];
  readonly rescale: number;
  /** Whether a step is guided, of those that are taken. */
  readonly guides: (step: number) => boolean;
}

/** The weights of one step. */
export function weightsAt({ added, guides }: Guidance, step: number): readonly number[] {
  return added.map(({ weight }) => (guides(step) ? weight : 1));
}

/** Whether nothing is guided in any step: the conditioned prediction counts alone. */
export function isUnguided(guidance: GuidanceWeights | undefined, spec: Pick<SamplerSpec, "guidance">): boolean {
  return weightsOf(guidance ?? spec.guidance).every((weight) => weight === 1);
}

function weightsOf(guidance: GuidanceWeights): readonly number[] {
  return typeof guidance === "number" ? [guidance] : Object.values(guidance);
}

/** `partOf` says which part of the whole schedule lies before a step. Throws MvcError `option-invalid`. */
export function readGuidance(options: GuidanceOptions, spec: SamplerSpec, partOf: (step: number) => number): Guidance {
  const { guidance = spec.guidance, guidanceRescale: rescale = 0, guidanceInterval: interval = [0, 1] } = options;
  const differing = spec.conditions.filter(({ unguided }) => unguided !== null).map(({ name }) => name);
  const unguided = isUnguided(options.guidance, spec);
  if (isRecord(guidance)) requireWeights(guidance, differing);
  if (!(rescale >= 0 && rescale <= 1)) throw refused("guidanceRescale", "a number from 0 to 1", rescale);
  const [from, to] = Array.isArray(interval) && interval.length === 2 ? (interval as readonly unknown[]) : [];
  const whole = typeof from === "number" && typeof to === "number" && from >= 0 && from < to && to <= 1;
  if (!whole) throw refused("guidanceInterval", "two rising numbers from 0 to 1, such as [0.2, 0.8]", interval);
  const alone = (option: string) => refused(option, "left out where nothing is guided, as at guidance 1", "given");
  if (unguided && options.guidanceRescale !== undefined) throw alone("guidanceRescale");
  if (unguided && options.guidanceInterval !== undefined) throw alone("guidanceInterval");
  const added = isRecord(guidance)
    ? Object.entries(guidance as { readonly [condition: string]: number }).map(([condition, weight]) => ({ condition, weight }))
    : [{ condition: undefined, weight: guidance as number }];
  return {
    added: added.length === 1 ? added.map(({ weight }) => ({ condition: undefined, weight })) : added,
    rescale,
    guides: (step) => partOf(step) >= from && partOf(step) < to,
  };
}

function requireWeights(guidance: { readonly [condition: string]: unknown }, differing: readonly string[]): void {
  const names = Object.keys(guidance);
  const expected = `a number, or one for each condition that the unguided half changes, ${differing.map((name) => `\`${name}\``).join(", ")}`;
  const fits = names.length === differing.length && names.every((name) => differing.includes(name));
  if (!fits || differing.length === 0) {
    const found = `weights of ${names.join(", ") || "none"}`;
    throw mvcError("option-invalid", { option: "guidance", expected: differing.length === 0 ? "a number" : expected, found });
  }
  for (const [name, weight] of Object.entries(guidance)) {
    if (typeof weight !== "number" || !Number.isFinite(weight)) throw refused(`guidance of \`${name}\``, "a finite number", weight);
  }
}

/** Predictions under no condition, the first, the first two … to e0 + Σ w (e − the one before). */
export function combined(predictions: readonly Float32Array[], weights: readonly number[]): Float32Array {
  const [none = new Float32Array(), ...more] = predictions;
  return none.map((value, i) => {
    let sum = value;
    for (const [k, one] of more.entries()) sum += (weights[k] ?? 0) * ((one[i] ?? 0) - ((k === 0 ? none : more[k - 1])?.[i] ?? 0));
    return sum;
  });
}

/** The guided predictions of `clips` clips, φ of the way to the deviation that their conditioned ones have: over all of a clip, as in diffusers. */
export function rescaled(guided: Float32Array, conditioned: Float32Array, phi: number, clips: number): Float32Array {
  const size = guided.length / clips;
  const out = new Float32Array(guided.length);
  for (let at = 0; at < guided.length; at += size) {
    const deviation = deviationOf(guided.subarray(at, at + size));
    const ratio = deviation === 0 ? 1 : deviationOf(conditioned.subarray(at, at + size)) / deviation;
    const factor = phi * ratio + 1 - phi;
    for (let i = at; i < at + size; i++) out[i] = factor * (guided[i] ?? 0);
  }
  return out;
}

function deviationOf(values: Float32Array): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
}

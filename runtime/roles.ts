/** A manifest to the parts of the sampling loop: which graph and tensor plays which role, and their batches. */

import type { ConditionSpec, GraphSpec, Manifest, SamplerSpec, TensorSpec } from "../compiler/package/manifest.ts";
import { mvcError } from "./errors.ts";

/** A graph of one input and one output that takes a few rows at a time. */
export interface RowsRole {
  readonly graph: string;
  readonly input: TensorSpec;
  readonly output: TensorSpec;
  /** Rows of one run. */
  readonly batch: number;
}

export interface ConditionRole extends Pick<ConditionSpec, "name" | "from" | "unguided"> {
  /** As the loop's graphs take it: rows of the guided half, then those of the unguided one. */
  readonly tensor: TensorSpec;
  readonly encoder: RowsRole | undefined;
  /** What is fed for one clip: to the encoder, or to the loop where there is none. */
  readonly entry: TensorSpec;
}

export interface Roles {
  readonly sampler: SamplerSpec;
  /** Clips sampled at once: half the rows of the step graph. */
  readonly batch: number;
  /** The shape of one clip's latent, [F, Z, H, W]. */
  readonly clipShape: readonly number[];
  readonly conditions: readonly ConditionRole[];
  readonly prepare: { readonly graph: string; readonly inputs: readonly string[] } | undefined;
  readonly step: { readonly graph: string; readonly inputs: readonly string[]; readonly output: string };
  readonly frames: RowsRole | undefined;
  /** Where a clip's pictures are: in what `frames` gives, or in the latent itself. */
  readonly pictures: "frames" | "latent" | "none";
}

/** The graphs that sampling runs, in their order. */
export function sampledGraphs({ conditions, prepare, step, frames }: SamplerSpec): readonly string[] {
  const named = [...conditions.map(({ encoder }) => encoder), prepare, step, frames];
  return [...new Set(named.filter((name) => name !== null))];
}

/** Whether a tensor's rows are pictures in -1..1, [B, 3, H, W] or [B, F, 3, H, W]. */
export function isPictures(shape: readonly number[]): boolean {
  return shape.length === 4 ? shape[1] === 3 : shape.length === 5 && shape[2] === 3;
}

/** Finds the roles. Throws MvcError `not-samplable` that says what is missing or does not fit. */
export function roles(manifest: Manifest): Roles {
  const fail = (reason: string) => mvcError("not-samplable", { model: manifest.model, reason });
  const { sampler } = manifest;
  if (!sampler) throw fail("it declares no sampler");
  const graph = (name: string): GraphSpec => {
    const found = Object.hasOwn(manifest.graphs, name) ? manifest.graphs[name] : undefined;
    if (!found) throw fail(`it has no graph "${name}"`);
    return found;
  };
  const only = (name: string, side: "inputs" | "outputs"): TensorSpec => {
    const [first, second] = graph(name)[side];
    if (!first || second) throw fail(`graph "${name}" has ${graph(name)[side].length} ${side} instead of one`);
    return first;
  };
  const inputs = (name: string) => graph(name).inputs.map((input) => input.name);
  const stepInput = (tensor: string): TensorSpec => {
    const found = graph(sampler.step).inputs.find((input) => input.name === tensor);
    if (!found) throw fail(`graph "${sampler.step}" has no input "${tensor}"`);
    return found;
  };
  const [rows = 0, ...clipShape] = stepInput(sampler.latent).shape;
  stepInput(sampler.time);
  const batch = rows / 2;
  if (!Number.isInteger(batch)) throw fail(`graph "${sampler.step}" takes ${rows} latents, which is no pair of halves for guidance`);
  const byRows = (name: string, needed: number): RowsRole => {
    const [input, output] = [only(name, "inputs"), only(name, "outputs")];
    const taken = input.shape[0] ?? 0;
    if (needed % taken !== 0) throw fail(`graph "${name}" takes ${taken} at once, but ${needed} are needed`);
    return { graph: name, input, output, batch: taken };
  };
  const takers = [...(sampler.prepare === null ? [] : [graph(sampler.prepare)]), graph(sampler.step)];
  const conditions = sampler.conditions.map(({ name, from, encoder, unguided }): ConditionRole => {
    const tensor = takers.flatMap((taker) => taker.inputs).find((input) => input.name === name);
    if (!tensor) throw fail(`neither graph of its loop has an input "${name}"`);
    if (tensor.shape[0] !== rows) throw fail(`"${name}" has ${tensor.shape[0]} rows, but the step needs ${rows}`);
    const role = encoder === null ? undefined : byRows(encoder, typeof unguided === "string" ? rows : batch);
    const { input } = role ?? { input: tensor };
    const entry = { ...input, name, shape: [1, ...input.shape.slice(1)] };
    return { name, from, unguided, tensor, encoder: role, entry };
  });
  const frames = sampler.frames === null ? undefined : byRows(sampler.frames, batch);
  if (frames && !isPictures(frames.output.shape)) throw fail(`graph "${frames.graph}" makes no pictures`);
  return {
    sampler,
    batch,
    clipShape,
    conditions,
    prepare: sampler.prepare === null ? undefined : { graph: sampler.prepare, inputs: inputs(sampler.prepare) },
    step: { graph: sampler.step, inputs: inputs(sampler.step), output: only(sampler.step, "outputs").name },
    frames,
    pictures: frames ? "frames" : isPictures([rows, ...clipShape]) ? "latent" : "none",
  };
}

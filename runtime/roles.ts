/** A manifest to the parts of the sampling loop: which graph and tensor plays which role, and their batches. */

import {
  type ConditionSpec,
  type GraphSpec,
  hasUnguidedHalf,
  type Manifest,
  type SamplerSpec,
  type TensorSpec,
} from "../compiler/package/manifest.ts";
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
  /** As the loop's graphs take it: rows of the guided half, then those of the unguided one where there is one. */
  readonly tensor: TensorSpec;
  readonly encoder: RowsRole | undefined;
  /** Rows of the encoder that make one clip's text, side by side along the axis of its tokens; 1 of all else. */
  readonly pieces: number;
  /** What is fed for one clip: to the encoder, or to the loop where there is none; its first axis are the pieces. */
  readonly entry: TensorSpec;
}

export interface Roles {
  readonly sampler: SamplerSpec;
  /** Clips sampled at once. */
  readonly batch: number;
  /** Rows of the step graph a clip: two, a guided and an unguided one, where guidance weighs the one against the other. */
  readonly halves: 1 | 2;
  /** The shape of one clip's latent, [F, Z, H, W]. */
  readonly clipShape: readonly number[];
  /** What the source calls the axis of frames, where the latent has one. */
  readonly frameAxis: string | undefined;
  readonly conditions: readonly ConditionRole[];
  readonly prepare: { readonly graph: string; readonly inputs: readonly string[] } | undefined;
  /** `unread`: inputs that nothing in the graph reads, which are fed zeros. */
  readonly step: {
    readonly graph: string;
    readonly inputs: readonly string[];
    readonly unread: readonly TensorSpec[];
    readonly output: string;
  };
  readonly frames: RowsRole | undefined;
  /** What makes latents of pictures, run where a clip is made of pictures too. */
  readonly latents: RowsRole | undefined;
  /** Where a clip's pictures are: in what `frames` gives, or in the latent itself. */
  readonly pictures: "frames" | "latent" | "none";
}

/** The graphs that sampling runs, in their order. */
export function sampledGraphs({ conditions, prepare, step, frames }: SamplerSpec): readonly string[] {
  const named = [...conditions.map(({ encoder }) => encoder), prepare, step, frames];
  return [...new Set(named.filter((name) => name !== null))];
}

/** The graphs that one loop runs, in their order. */
export function graphsOf({ conditions, prepare, step, frames }: Roles): readonly string[] {
  const named = [...conditions.map(({ encoder }) => encoder), prepare, step, frames];
  return [...new Set(named.flatMap((part) => (part === undefined ? [] : [part.graph])))];
}

/** Whether a tensor's rows are pictures in -1..1, [B, 3, H, W] or [B, F, 3, H, W]. */
export function isPictures(shape: readonly number[]): boolean {
  return shape.length === 4 ? shape[1] === 3 : shape.length === 5 && shape[2] === 3;
}

/**
 * Finds the roles of a loop that is guided, or that computes the guided half alone; as the model's own guidance asks when not given.
 * Throws MvcError `not-samplable` that says what is missing or does not fit.
 */
export function roles(manifest: Manifest, half: "guided" | "alone" = manifest.sampler?.guidance === 1 ? "alone" : "guided"): Roles {
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
  const paired = hasUnguidedHalf(sampler);
  // An encoder may take both halves of one clip at once.
  const encodersFit = () => {
    const clips = rowsOf(graph(sampler.graph), sampler.latent);
    return sampler.conditions.every(({ encoder }) => encoder === null || clips % rowsOf(graph(encoder)) === 0);
  };
  const plain = paired && half === "alone" && encodersFit();
  const loop = plain ? { prepare: null, step: sampler.graph } : sampler;
  const halves = paired && !plain ? 2 : 1;
  const stepInput = (tensor: string): TensorSpec => {
    const found = graph(loop.step).inputs.find((input) => input.name === tensor);
    if (!found) throw fail(`graph "${loop.step}" has no input "${tensor}"`);
    return found;
  };
  const { shape: latentShape, axes } = stepInput(sampler.latent);
  const [rows = 0, ...clipShape] = latentShape;
  stepInput(sampler.time);
  const batch = rows / halves;
  if (!Number.isInteger(batch)) throw fail(`graph "${loop.step}" takes ${rows} latents, which is no pair of halves for guidance`);
  const byRows = (name: string, needed: number): RowsRole => {
    const [input, output] = [only(name, "inputs"), only(name, "outputs")];
    const taken = input.shape[0] ?? 0;
    if (needed % taken !== 0) throw fail(`graph "${name}" takes ${taken} at once, but ${needed} are needed`);
    return { graph: name, input, output, batch: taken };
  };
  const takers = [...(loop.prepare === null ? [] : [graph(loop.prepare)]), graph(loop.step)];
  const conditions = sampler.conditions.map(({ name, from, encoder, unguided }): ConditionRole => {
    const tensor = takers.flatMap((taker) => taker.inputs).find((input) => input.name === name);
    if (!tensor) throw fail(`neither graph of its loop has an input "${name}"`);
    if (tensor.shape[0] !== rows) throw fail(`"${name}" has ${tensor.shape[0]} rows, but the step needs ${rows}`);
    const pieces = encoder !== null && from === "text" ? piecesOf(only(encoder, "outputs"), tensor) : 1;
    const role = encoder === null ? undefined : byRows(encoder, (typeof unguided === "string" ? rows : batch) * pieces);
    const { input } = role ?? { input: tensor };
    const entry = { ...input, name, shape: [pieces, ...input.shape.slice(1)] };
    return { name, from, unguided, tensor, encoder: role, pieces, entry };
  });
  const read = [sampler.latent, sampler.time, ...sampler.conditions.map(({ name }) => name)];
  const unread = plain ? graph(loop.step).inputs.filter(({ name }) => !read.includes(name)) : [];
  const frames = sampler.frames === null ? undefined : byRows(sampler.frames, batch);
  if (frames && !isPictures(frames.output.shape)) throw fail(`graph "${frames.graph}" makes no pictures`);
  const latents = sampler.latents === null ? undefined : byRows(sampler.latents, batch);
  if (latents && !isPictures(latents.input.shape)) throw fail(`graph "${latents.graph}" takes no pictures`);
  return {
    sampler,
    batch,
    halves,
    clipShape,
    frameAxis: clipShape.length === 4 ? axes[1] : undefined,
    conditions,
    prepare: loop.prepare === null ? undefined : { graph: loop.prepare, inputs: inputs(loop.prepare) },
    step: { graph: loop.step, inputs: inputs(loop.step), unread, output: only(loop.step, "outputs").name },
    frames,
    latents,
    pictures: frames ? "frames" : isPictures([rows, ...clipShape]) ? "latent" : "none",
  };
}

/** How many of an encoder's rows are one of the condition's. */
function piecesOf(output: TensorSpec, { shape }: TensorSpec): number {
  const pieces = (shape[1] ?? 1) / (output.shape[1] ?? 1);
  return Number.isInteger(pieces) && pieces > 0 ? pieces : 1;
}

/** Rows of an input, of the first where none is named. */
function rowsOf({ inputs }: GraphSpec, name = inputs[0]?.name): number {
  return inputs.find((input) => input.name === name)?.shape[0] ?? 1;
}

/** A manifest to the parts of the sampling loop: which graph and tensor plays which role, and their batches. */

import type { GraphSpec, Manifest, SamplerSpec, TensorSpec } from "../compiler/package/manifest.ts";
import { mvcError } from "./errors.ts";

export interface Roles {
  readonly sampler: SamplerSpec;
  /** Clips sampled at once: half the rows of the step graph, whose other half is for the empty prompt. */
  readonly batch: number;
  /** The shape of one clip's latent, [F, Z, H, W]. */
  readonly clipShape: readonly number[];
  readonly stepOutput: string;
  /** The step reads the text itself beside what `prepare` made of it. */
  readonly stepTakesText: boolean;
  readonly textInput: string;
  readonly textOutput: string;
  readonly textBatch: number;
  readonly decodeInput: string;
  readonly decodeOutput: string;
  readonly decodeBatch: number;
  /** Of `decode`'s result, [decodeBatch, F, 3, height, width]. */
  readonly decodeShape: readonly number[];
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
  const input = (name: string, tensor: string): TensorSpec => {
    const found = graph(name).inputs.find((one) => one.name === tensor);
    if (!found) throw fail(`graph "${name}" has no input "${tensor}"`);
    return found;
  };
  const latent = input(sampler.step, sampler.latent);
  input(sampler.step, sampler.time);
  input(sampler.prepare, sampler.text);
  const [rows = 0, ...clipShape] = latent.shape;
  const batch = rows / 2;
  if (!Number.isInteger(batch)) throw fail(`graph "${sampler.step}" takes ${rows} latents, which is no pair of halves for guidance`);
  const [textInput, textOutput] = [only("encodeText", "inputs"), only("encodeText", "outputs")];
  const [decodeInput, decodeOutput] = [only("decode", "inputs"), only("decode", "outputs")];
  const [textBatch = 0, decodeBatch = 0] = [textInput.shape[0], decodeInput.shape[0]];
  if (rows % textBatch !== 0) throw fail(`graph "encodeText" takes ${textBatch} prompts at once, but the step needs ${rows}`);
  if (batch % decodeBatch !== 0) throw fail(`graph "decode" takes ${decodeBatch} clips at once, but ${batch} are sampled`);
  return {
    sampler,
    batch,
    clipShape,
    stepOutput: only(sampler.step, "outputs").name,
    stepTakesText: graph(sampler.step).inputs.some((one) => one.name === sampler.text),
    textInput: textInput.name,
    textOutput: textOutput.name,
    textBatch,
    decodeInput: decodeInput.name,
    decodeOutput: decodeOutput.name,
    decodeBatch,
    decodeShape: decodeOutput.shape,
  };
}

/** A run's state and weights to its checkpoint, a safetensors file that appears whole or not at all, and back. */

import { createHash } from "node:crypto";
import { dirname } from "node:path";
import type { TensorType } from "../../compiler/graph/graph.ts";
import { MvcError, mvcError } from "../../runtime/errors.ts";
import { readSafetensors, readSafetensorsHeader, tensorSource, writeSafetensors } from "../../runtime/node/safetensors-file.ts";
import { f32, type TensorData } from "../../runtime/tensor.ts";
import type { TrainingState, WeightState } from "../engine.ts";
import { parseRunState, type RunState } from "../run-state.ts";
import { torchFiles } from "./run-folder.ts";

export interface Checkpoint {
  readonly run: RunState;
  /** Every weight as the next step reads it, by path. */
  readonly weights: ReadonlyMap<string, Float32Array>;
  /** Of the weights that the stage under way trains; empty between two stages. */
  readonly training: TrainingState;
}

const kinds = ["first", "second", "average"] as const;

/** Throws MvcError `disk-full`, `write-failed`: the checkpoint that was there stays. */
export async function writeCheckpoint(
  file: string,
  { run, weights, training }: Checkpoint,
  types: ReadonlyMap<string, { readonly type: TensorType }>,
): Promise<void> {
  const shapeOf = (path: string) => types.get(path)?.type.shape ?? [];
  const tensors: [string, TensorData][] = [...weights].map(([path, values]) => [
    `weight ${path}`,
    f32(shapeOf(path), training.get(path)?.value ?? values),
  ]);
  for (const [path, state] of training)
    for (const kind of kinds) {
      const values = state[kind];
      if (values !== undefined) tensors.push([`${kind} ${path}`, f32(shapeOf(path), values)]);
    }
  const metadata = { format: "mvc-run", run: JSON.stringify(run), sha256: hashOf(tensors) };
  await writeSafetensors(
    file,
    tensors.map(([name, tensor]) => tensorSource(name, tensor)),
    { metadata },
  );
}

/** Throws MvcError `run-damaged`; `file-…` as `readSafetensors`. */
export async function readCheckpoint(file: string): Promise<Checkpoint> {
  const damaged = (reason: string) => mvcError("run-damaged", { file, reason });
  try {
    const { metadata } = await readSafetensorsHeader(file);
    if (metadata.get("format") === torchFiles.format)
      throw mvcError("run-differs", { folder: dirname(file), what: "the engine", expected: "torch", found: "another" });
    const run = parseRunState(metadata.get("run") ?? "");
    if (metadata.get("format") !== "mvc-run" || run === undefined) throw damaged("it does not say what run it is of");
    const tensors = Object.entries(await readSafetensors(file));
    if (metadata.get("sha256") !== hashOf(tensors)) throw damaged("its numbers are not those that were written");
    const weights = new Map<string, Float32Array>();
    const kept = new Map<string, { [K in (typeof kinds)[number]]?: Float32Array }>();
    for (const [name, { data }] of tensors) {
      const [kind = "", path = ""] = /^(\w+) (.*)$/s.exec(name)?.slice(1) ?? [];
      if (kind === "weight") weights.set(path, data as Float32Array);
      else kept.set(path, { ...kept.get(path), [kind]: data as Float32Array });
    }
    const training = new Map([...kept].map(([path, state]) => [path, { value: weights.get(path), ...state } as WeightState]));
    return { run, weights, training };
  } catch (thrown) {
    throw thrown instanceof MvcError && thrown.code === "weights-invalid" ? damaged(String(thrown.fields.reason)) : thrown;
  }
}

function hashOf(tensors: readonly (readonly [string, TensorData])[]): string {
  const hash = createHash("sha256");
  for (const [name, { data }] of tensors) hash.update(name).update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return hash.digest("hex");
}

// A compiled model to a package in a temporary folder, with weights that a function gives: what `mvc build` writes, without the command line.

import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Module } from "../../compiler/module/module.ts";
import type { WeightLayout } from "../../compiler/package/weights.ts";
import { emitPackage, type Targets } from "../../compiler/package-files.ts";
import { type DeviceLimits, defaultLimits } from "../../compiler/targets/webgpu/plan/limits.ts";
import type { Planned } from "../../compiler/targets/webgpu/plan-graph.ts";
import { planModel } from "../../compiler/targets/webgpu/plan-model.ts";
import { floatToHalf } from "../../runtime/half.ts";

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

/** The plans of a compiled model; one that does not fit the limits fails the test. */
export function plansOf(compiled: Module, limits: DeviceLimits = defaultLimits): ReadonlyMap<string, Planned> {
  const planned = planModel(compiled, limits);
  if (!planned.ok) throw new Error(planned.diagnostics.map(({ message }) => message).join("; "));
  return planned.plans;
}

export function writePackage(
  compiled: Module,
  weightOf: (path: string, shape: readonly number[]) => Float32Array,
  tokenizer?: string,
  targets: Targets = { onnx: true },
  parent = tmpdir(),
): string {
  const folder = mkdtempSync(join(parent, "mvc-test-"));
  const files = emitPackage(compiled, "test", targets);
  for (const part of ["webgpu", "graphs"]) mkdirSync(join(folder, part));
  for (const [path, bytes] of files.graphs) writeFileSync(join(folder, path), bytes);
  const written = [["weights.safetensors", files.layout] as const, ...files.graphLayouts].map(([file, layout]) => {
    const bytes = weightFile(layout, weightOf);
    writeFileSync(join(folder, file), bytes);
    return [file, sha256(bytes)] as const;
  });
  const tokens = tokenizer === undefined ? undefined : readFileSync(tokenizer);
  if (tokens !== undefined) writeFileSync(join(folder, "tokenizer.json"), tokens);
  const manifest = files.manifest(sha256, { weights: written[0]?.[1], graphWeights: new Map(written), tokenizer: tokens });
  writeFileSync(join(folder, "manifest.json"), JSON.stringify(manifest));
  return folder;
}

function weightFile(layout: WeightLayout, weightOf: (path: string, shape: readonly number[]) => Float32Array): Uint8Array {
  const bytes = new Uint8Array(layout.bytes);
  bytes.set(layout.header);
  for (const weight of layout.weights.values()) {
    const values = weightOf(weight.path, weight.type.shape);
    const stored = weight.type.dtype === "f16" ? Uint16Array.from(values, floatToHalf) : values;
    bytes.set(new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength), weight.offset);
  }
  return bytes;
}

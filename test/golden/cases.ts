// The golden cases that PyTorch made, as inputs, expected output and what to build; and the weights that are made from their names.

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { compile } from "../../compiler/compile.ts";
import type { Setting } from "../../compiler/expand/configure.ts";
import { sizeOf } from "../../compiler/graph/graph.ts";
import type { Module } from "../../compiler/module/module.ts";
import { opSignatures } from "../../compiler/ops/table.ts";
import { check, type Host, renderAll } from "../../dsl/index.ts";
import { parseSafetensorsHeader, storedToTensor } from "../../runtime/safetensors.ts";
import { normals, streamOf } from "../../runtime/sampler/random.ts";
import type { TensorData } from "../../runtime/tensor.ts";

export const host: Host = {
  read(path) {
    try {
      return readFileSync(path, "utf8");
    } catch {
      return undefined;
    }
  },
  resolve: (from, path) => join(dirname(from), path),
};

export interface GoldenCase {
  readonly name: string;
  readonly metadata: ReadonlyMap<string, string>;
  readonly inputs: ReadonlyMap<string, TensorData>;
  readonly tensors: ReadonlyMap<string, TensorData>;
}

/** A file of tensors, and what it says of them. */
export function readTensors(path: string): Pick<GoldenCase, "metadata" | "tensors"> {
  const bytes = readFileSync(path);
  const header = parseSafetensorsHeader(bytes, bytes.byteLength, path);
  const tensors = new Map(
    [...header.tensors].map(([key, stored]) => [key, storedToTensor(stored, bytes.subarray(stored.start, stored.end), path)]),
  );
  return { metadata: header.metadata, tensors };
}

/** A case of golden/cases. Inputs that it does not store are normals of their own stream, of the shape in its metadata. */
export function readCase(name: string): GoldenCase {
  const { metadata, tensors } = readTensors(join("golden/cases", `${name}.safetensors`));
  const names = (metadata.get("inputs") ?? "").split(",").filter((input) => input !== "");
  const shapes = JSON.parse(metadata.get("shapes") ?? "{}") as { readonly [input: string]: readonly number[] };
  const made = (input: string): TensorData => {
    const shape = shapes[input];
    if (shape === undefined) throw new Error(`case ${name} neither stores the input ${input} nor gives its shape`);
    return { dtype: "f32", shape, data: normals(7, streamOf(`${name}/${input}`), sizeOf(shape)) };
  };
  const inputs = new Map(names.map((input) => [input, tensors.get(input) ?? made(input)]));
  return { name, metadata, inputs, tensors };
}

/** A case of a directed graph with the first of its sixteen frames: later ones change nothing of them (directed.test.ts), so they are what a shorter clip gives. */
export function shortened(golden: GoldenCase, frames: number): GoldenCase {
  const short = (tensors: GoldenCase["tensors"]) => new Map([...tensors].map(([name, tensor]) => [name, firstFrames(tensor, frames)]));
  return { ...golden, inputs: short(golden.inputs), tensors: short(golden.tensors) };
}

/** What has no frames is as it is. */
function firstFrames(tensor: TensorData, frames: number): TensorData {
  const [clips, all = 0, ...picture] = tensor.shape;
  if (picture.length !== 3) return tensor;
  if (clips !== 1 || all !== 16) throw new Error(`a clip of ${all} frames, ${clips} times, where one of 16 is to be shortened`);
  return { ...tensor, shape: [1, frames, ...picture], data: tensor.data.slice(0, (tensor.data.length / all) * frames) } as TensorData;
}

export function caseNames(kind: "op" | "block" | "wide" | "graph" | "family"): string[] {
  const files = readdirSync("golden/cases").filter((file) => file.endsWith(".safetensors"));
  return files.map((file) => file.slice(0, -".safetensors".length)).filter((name) => name.startsWith(`${kind}-`));
}

/** Small weights that suites make again and again, up to 64 MB of them. */
const madeWeights = new Map<string, Float32Array>();
let room = 2 ** 24;

/** The rule of golden/reference/make_goldens.py: normals of the name's own stream, brought to a size that keeps activations near one. */
export function goldenWeight(path: string, shape: readonly number[]): Float32Array {
  const key = `${path} ${shape.join("x")}`;
  const made = madeWeights.get(key) ?? goldenNormals(path, shape);
  if (!madeWeights.has(key) && made.length <= room && made.length <= 2 ** 18) {
    madeWeights.set(key, made);
    room -= made.length;
  }
  return made;
}

function goldenNormals(path: string, shape: readonly number[]): Float32Array {
  const values = normals(7, streamOf(path), sizeOf(shape));
  const last = path.split(".").at(-1);
  if (last === "scale" || (last === "weight" && shape.length === 1)) return values.map((value) => 1 + 0.1 * value);
  if (last === "shift" || shape.length === 1) return values.map((value) => 0.1 * value);
  if (last === "position" || path.endsWith("token.weight")) return values;
  const fan = Math.sqrt(sizeOf(shape.slice(1)));
  return values.map((value) => value / fan);
}

interface FileChoices {
  readonly preset?: string | undefined;
  readonly ablations?: readonly string[];
  readonly settings?: { readonly [name: string]: Setting };
  readonly precision?: "f32" | "f16";
}

/** Those last asked for, which other suites of the process ask for again. */
const compiledFiles = new Map<string, Module>();
const mostKept = 16;

/** Compiles a file; errors fail the test with the message that a user would read. Files of the checkout do not change while a suite runs. */
export function compileFile(file: string, choices: FileChoices = {}): Module {
  const key = JSON.stringify([file, choices]);
  const module = compiledFiles.get(key) ?? compiledAnew(file, choices);
  compiledFiles.delete(key);
  if (/^(models|golden)\//.test(file)) compiledFiles.set(key, module);
  if (compiledFiles.size > mostKept) compiledFiles.delete([...compiledFiles.keys()][0] ?? "");
  return module;
}

function compiledAnew(file: string, choices: FileChoices): Module {
  const { program, diagnostics, texts } = check(file, host, opSignatures);
  if (program === undefined) throw new Error(renderAll(diagnostics, texts));
  const result = compile(program, { precision: "f32", ...choices });
  if (!result.ok) throw new Error(renderAll(result.diagnostics, texts));
  return result.module;
}

/** The largest difference relative to the largest expected value. */
export function relativeError(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (found.length !== expected.length) return Number.POSITIVE_INFINITY;
  let difference = 0;
  let largest = 0;
  for (let i = 0; i < expected.length; i++) {
    const value = Math.abs((found[i] as number) - (expected[i] as number));
    if (!(value <= difference)) difference = value;
    largest = Math.max(largest, Math.abs(expected[i] as number));
  }
  return difference / largest;
}

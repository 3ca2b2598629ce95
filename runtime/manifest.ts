/** The text of manifest.json to a checked `Manifest`: each wrong field is named by its path, with what it must be. */

import type { FileSpec, GraphSpec, Manifest, SamplerSpec, TensorSpec, TokenizerSpec, WeightsSpec } from "../compiler/package/manifest.ts";
import { mvcError } from "./errors.ts";

const FORMAT_VERSION = 1;

type Fields = { readonly [key: string]: unknown };
type Reader<T> = (value: unknown, path: string) => T;

/**
 * Reads a manifest; unknown fields are passed over, so that a later version 1 may add some.
 * @throws MvcError `manifest-invalid` or `package-newer`.
 */
export function parseManifest(json: string): Manifest {
  const fields = record(parse(json), "");
  literal("mvc-package")(fields.format, "format");
  const found = count(fields.formatVersion, "formatVersion");
  if (found > FORMAT_VERSION) throw mvcError("package-newer", { found, known: FORMAT_VERSION });
  return manifest(fields, "");
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    throw mvcError("manifest-invalid", { reason: "it is not JSON" });
  }
}

function wrong(path: string, expected: string, found: unknown): Error {
  const shown = found === undefined ? "nothing" : (JSON.stringify(found) ?? String(found));
  return mvcError("manifest-invalid", {
    reason: `${path} must be ${expected}, found ${shown.length > 60 ? `${shown.slice(0, 60)}…` : shown}`,
  });
}

const record: Reader<Fields> = (value, path) => {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw wrong(path || "it", "an object", value);
  return value as Fields;
};

const text: Reader<string> = (value, path) => {
  if (typeof value !== "string" || value === "") throw wrong(path, "a text", value);
  return value;
};

const number: Reader<number> = (value, path) => {
  if (typeof value !== "number" || !Number.isFinite(value)) throw wrong(path, "a number", value);
  return value;
};

const count: Reader<number> = (value, path) => {
  if (!Number.isSafeInteger(value) || number(value, path) < 0) throw wrong(path, "a whole number from 0", value);
  return number(value, path);
};

const positive: Reader<number> = (value, path) => {
  if (count(value, path) === 0) throw wrong(path, "a whole number from 1", value);
  return number(value, path);
};

const sha256: Reader<string> = (value, path) => {
  if (typeof value !== "string" || !/^[0-9a-f]{64}$/.test(value)) throw wrong(path, "64 hexadecimal digits", value);
  return value;
};

/** A path that stays within the package: no root, no way up, no backslash, no scheme. */
const file: Reader<string> = (value, path) => {
  const parts = text(value, path).split("/");
  if (!parts.every((part) => /^[\w.-]+$/.test(part) && part !== "." && part !== ".."))
    throw wrong(path, "a path within the package", value);
  return text(value, path);
};

const shape: Reader<readonly number[]> = (value, path) => {
  if (!Array.isArray(value) || !value.every((size) => Number.isSafeInteger(size) && size > 0)) {
    const found = Array.isArray(value) ? value.find((size) => !(Number.isSafeInteger(size) && size > 0)) : value;
    throw wrong(path, "a list of positive integers", found);
  }
  return value;
};

function literal<const T extends string | number>(...allowed: readonly T[]): Reader<T> {
  return (value, path) => {
    const found = allowed.find((one) => one === value);
    if (found === undefined) throw wrong(path, allowed.map((one) => JSON.stringify(one)).join(" or "), value);
    return found;
  };
}

function nullable<T>(read: Reader<T>): Reader<T | null> {
  return (value, path) => (value === null ? null : read(value, path));
}

function list<T>(read: Reader<T>): Reader<readonly T[]> {
  return (value, path) => {
    if (!Array.isArray(value)) throw wrong(path, "a list", value);
    return value.map((item, i) => read(item, `${path}[${i}]`));
  };
}

/** An object with these fields: a field of the type without a reader does not compile. */
function object<T>(readers: { readonly [K in keyof T]: Reader<T[K]> }): Reader<T> {
  const entries = Object.entries(readers) as readonly (readonly [string, Reader<unknown>])[];
  return (value, path) => {
    const fields = record(value, path);
    return Object.fromEntries(entries.map(([key, read]) => [key, read(fields[key], path === "" ? key : `${path}.${key}`)])) as T;
  };
}

function map<T>(read: Reader<T>): Reader<{ readonly [name: string]: T }> {
  return (value, path) => Object.fromEntries(Object.entries(record(value, path)).map(([key, item]) => [key, read(item, `${path}.${key}`)]));
}

const betas: Reader<readonly [number, number]> = (value, path) => {
  const [first = 0, last = 0, ...rest] = list(number)(value, path);
  if (rest.length > 0 || !(first > 0 && first <= last && last < 1)) throw wrong(path, "two rising numbers between 0 and 1", value);
  return [first, last];
};

const tensor = object<TensorSpec>({ name: text, dtype: literal("f32", "f16", "i32"), shape, axes: list(text) });

const hashedFile = object<FileSpec>({ file, sha256 });

const graphFields = object<Omit<GraphSpec, "onnx" | "webgpu">>({
  inputs: list(tensor),
  outputs: list(tensor),
  flops: number,
  parameters: count,
});
const onnx = object<Required<Pick<GraphSpec, "onnx">>>({ onnx: hashedFile });
const webgpu = object<Required<Pick<GraphSpec, "webgpu">>>({ webgpu: object({ plan: hashedFile, kernels: hashedFile }) });

const graph: Reader<GraphSpec> = (value, path) => {
  const { onnx: forOnnx, webgpu: forWebGpu } = record(value, path);
  if (forOnnx === undefined && forWebGpu === undefined) throw wrong(path, "a graph with the files of a target", value);
  return {
    ...(forOnnx === undefined ? {} : onnx(value, path)),
    ...(forWebGpu === undefined ? {} : webgpu(value, path)),
    ...graphFields(value, path),
  };
};

const bare = object<Omit<WeightsSpec, "sha256">>({
  file: literal("weights.safetensors"),
  bytes: count,
  headerBytes: count,
  tensors: count,
  parameters: count,
});
const hashed = object<{ readonly sha256: string }>({ sha256 });

const weights: Reader<WeightsSpec> = (value, path) => {
  const spec = bare(value, path);
  return record(value, path).sha256 === undefined ? spec : { ...spec, ...hashed(value, path) };
};

const tokenizer = object<TokenizerSpec>({ file: literal("tokenizer.json"), length: positive, pad: text });

const samplerFields = object<SamplerSpec>({
  method: literal("ddim", "dpm++2m", "euler"),
  steps: positive,
  guidance: number,
  predicts: literal("epsilon", "v"),
  schedule: literal("scaled-linear", "cosine"),
  betas,
  trainSteps: positive,
  eta: number,
  graph: text,
  prepare: text,
  step: text,
  latent: text,
  time: text,
  text,
});

const sampler: Reader<SamplerSpec> = (value, path) => {
  const spec = samplerFields(value, path);
  if (spec.eta < 0 || spec.eta > 1) throw wrong(`${path}.eta`, "a number from 0 to 1", spec.eta);
  if (spec.trainSteps > 100_000) throw wrong(`${path}.trainSteps`, "at most 100000", spec.trainSteps);
  if (spec.steps > spec.trainSteps) throw wrong(`${path}.steps`, `at most trainSteps (${spec.trainSteps})`, spec.steps);
  return spec;
};

const manifest = object<Manifest>({
  format: literal("mvc-package"),
  formatVersion: literal(FORMAT_VERSION),
  compiler: text,
  model: text,
  preset: nullable(text),
  ablations: list(text),
  precision: literal("f32", "f16"),
  weights,
  tokenizer: nullable(tokenizer),
  graphs: map(graph),
  sampler: nullable(sampler),
});

/** The text of manifest.json to a checked `Manifest`: each wrong field is named by its path, with what it must be. */

import type { GraphSpec, Manifest, SamplerSpec, TensorSpec, TokenizerSpec, WeightsSpec } from "../compiler/package/manifest.ts";
import { mvcError } from "./errors.ts";

const FORMAT_VERSION = 1;

type Fields = { readonly [key: string]: unknown };
type Reader<T> = (value: unknown, path: string) => T;

/**
 * Reads a manifest; unknown fields are passed over, so that a later version 1 may add some.
 * @throws MvcError `manifest-invalid` or `package-newer`.
 */
export function parseManifest(json: string): Manifest {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw mvcError("manifest-invalid", { reason: "it is not JSON" });
  }
  const fields = record(value, "the manifest");
  literal("mvc-package")(fields.format, "format");
  const found = count(fields.formatVersion, "formatVersion");
  if (found > FORMAT_VERSION) throw mvcError("package-newer", { found, known: FORMAT_VERSION });
  literal(FORMAT_VERSION)(found, "formatVersion");
  return {
    format: "mvc-package",
    formatVersion: FORMAT_VERSION,
    compiler: text(fields.compiler, "compiler"),
    model: text(fields.model, "model"),
    preset: nullable(text)(fields.preset, "preset"),
    ablations: list(text)(fields.ablations, "ablations"),
    precision: literal("f32", "f16")(fields.precision, "precision"),
    weights: weights(fields.weights, "weights"),
    tokenizer: nullable(tokenizer)(fields.tokenizer, "tokenizer"),
    graphs: Object.fromEntries(Object.entries(record(fields.graphs, "graphs")).map(([k, v]) => [k, graph(v, `graphs.${k}`)])),
    sampler: nullable(sampler)(fields.sampler, "sampler"),
  };
}

function wrong(path: string, expected: string, found: unknown): Error {
  const shown = found === undefined ? "nothing" : (JSON.stringify(found) ?? String(found));
  return mvcError("manifest-invalid", {
    reason: `${path} must be ${expected}, found ${shown.length > 60 ? `${shown.slice(0, 60)}…` : shown}`,
  });
}

const record: Reader<Fields> = (value, path) => {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw wrong(path, "an object", value);
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

const tensor: Reader<TensorSpec> = (value, path) => {
  const fields = record(value, path);
  return {
    name: text(fields.name, `${path}.name`),
    dtype: literal("f32", "f16", "i32")(fields.dtype, `${path}.dtype`),
    shape: shape(fields.shape, `${path}.shape`),
    axes: list(text)(fields.axes, `${path}.axes`),
  };
};

const graph: Reader<GraphSpec> = (value, path) => {
  const fields = record(value, path);
  return {
    file: file(fields.file, `${path}.file`),
    sha256: sha256(fields.sha256, `${path}.sha256`),
    inputs: list(tensor)(fields.inputs, `${path}.inputs`),
    outputs: list(tensor)(fields.outputs, `${path}.outputs`),
    flops: number(fields.flops, `${path}.flops`),
    parameters: count(fields.parameters, `${path}.parameters`),
  };
};

const weights: Reader<WeightsSpec> = (value, path) => {
  const fields = record(value, path);
  const spec = {
    file: literal("weights.safetensors")(fields.file, `${path}.file`),
    bytes: count(fields.bytes, `${path}.bytes`),
    headerBytes: count(fields.headerBytes, `${path}.headerBytes`),
    tensors: count(fields.tensors, `${path}.tensors`),
    parameters: count(fields.parameters, `${path}.parameters`),
  };
  return fields.sha256 === undefined ? spec : { ...spec, sha256: sha256(fields.sha256, `${path}.sha256`) };
};

const tokenizer: Reader<TokenizerSpec> = (value, path) => {
  const fields = record(value, path);
  return {
    file: literal("tokenizer.json")(fields.file, `${path}.file`),
    length: positive(fields.length, `${path}.length`),
    pad: text(fields.pad, `${path}.pad`),
  };
};

const betas: Reader<readonly [number, number]> = (value, path) => {
  const [first, last, ...rest] = list(number)(value, path);
  if (first === undefined || last === undefined || rest.length > 0) throw wrong(path, "a list of two numbers", value);
  if (!(first > 0 && first <= last && last < 1)) throw wrong(path, "two rising numbers between 0 and 1", value);
  return [first, last];
};

const sampler: Reader<SamplerSpec> = (value, path) => {
  const fields = record(value, path);
  const name = (key: string) => text(fields[key], `${path}.${key}`);
  const spec = {
    method: literal("ddim", "dpm++2m", "euler")(fields.method, `${path}.method`),
    steps: positive(fields.steps, `${path}.steps`),
    guidance: number(fields.guidance, `${path}.guidance`),
    predicts: literal("epsilon", "v")(fields.predicts, `${path}.predicts`),
    schedule: literal("scaled-linear", "cosine")(fields.schedule, `${path}.schedule`),
    betas: betas(fields.betas, `${path}.betas`),
    trainSteps: positive(fields.trainSteps, `${path}.trainSteps`),
    eta: number(fields.eta, `${path}.eta`),
    graph: name("graph"),
    prepare: name("prepare"),
    step: name("step"),
    latent: name("latent"),
    time: name("time"),
    text: name("text"),
  };
  if (spec.eta < 0 || spec.eta > 1) throw wrong(`${path}.eta`, "a number from 0 to 1", spec.eta);
  if (spec.trainSteps > 100_000) throw wrong(`${path}.trainSteps`, "at most 100000", spec.trainSteps);
  if (spec.steps > spec.trainSteps) throw wrong(`${path}.steps`, `at most trainSteps (${spec.trainSteps})`, spec.steps);
  return spec;
};

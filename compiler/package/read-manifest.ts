/** The JSON of a manifest to a checked `Manifest`: each wrong field is named by its path, with what it must be. */

import { type FigureName, figures as figureTable, sources } from "../../dsl/sampling.ts";
import {
  boolean,
  count,
  FormFault,
  file,
  list,
  literal,
  map,
  nullable,
  number,
  object,
  positive,
  type Reader,
  record,
  sha256,
  shape,
  text,
} from "./form.ts";
import {
  type ConditionSpec,
  type FileSpec,
  formatVersion,
  type GraphSpec,
  type Manifest,
  type OnnxSpec,
  type PromptForm,
  type SamplerSpec,
  type TensorSpec,
  type TokenizerSpec,
  type WeightsSpec,
} from "./manifest.ts";
import { figureFaults, type SamplerFigures } from "./sampler-figures.ts";

const tensorFields = object<Omit<TensorSpec, "ids">>({ name: text, dtype: literal("f32", "f16", "i32"), shape, axes: list(text) });
const withIds = object<Required<Pick<TensorSpec, "ids">>>({ ids: positive });

const tensor: Reader<TensorSpec> = (value, path) => {
  const spec = tensorFields(value, path);
  return record(value, path).ids === undefined ? spec : { ...spec, ...withIds(value, path) };
};

const hashedFile = object<FileSpec>({ file, bytes: count, sha256 });

const graphFields = object<Omit<GraphSpec, "onnx" | "webgpu">>({
  inputs: list(tensor),
  outputs: list(tensor),
  flops: number,
  parameters: count,
});
const ownWeights = object<Required<Pick<OnnxSpec, "weights">>>({ weights: object({ file, sha256, bytes: count }) });
const onnxFile: Reader<OnnxSpec> = (value, path) => {
  const spec = hashedFile(value, path);
  return record(value, path).weights === undefined ? spec : { ...spec, ...ownWeights(value, path) };
};
const onnx = object<Required<Pick<GraphSpec, "onnx">>>({ onnx: onnxFile });
const webgpu = object<Required<Pick<GraphSpec, "webgpu">>>({ webgpu: object({ plan: hashedFile, kernels: hashedFile }) });

const graph: Reader<GraphSpec> = (value, path) => {
  const { onnx: forOnnx, webgpu: forWebGpu } = record(value, path);
  if (forOnnx === undefined && forWebGpu === undefined) throw new FormFault(path, "a graph with the files of a target", value);
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

const promptForm = object<PromptForm>({ sentence: text, words: map(list(text)) });
const plainTokenizer = object<Omit<TokenizerSpec, "prompts">>({ file: literal("tokenizer.json"), bytes: count, sha256, pad: text });

const tokenizer: Reader<TokenizerSpec> = (value, path) => {
  const spec = plainTokenizer(value, path);
  const { prompts } = record(value, path);
  return prompts === undefined ? spec : { ...spec, prompts: promptForm(prompts, `${path}.prompts`) };
};

/** The form of a model's prompts, as the file beside its tokenizer has it. Throws `FormFault`. */
export function readPromptForm(json: unknown): PromptForm {
  return promptForm(json, "prompts");
}

const unguided: Reader<number | string> = (value, path) => {
  if (typeof value === "string") return value;
  if (typeof value !== "number") throw new FormFault(path, "a number, a text or null", value);
  return number(value, path);
};

const condition = object<ConditionSpec>({
  name: text,
  from: literal(...sources),
  encoder: nullable(text),
  unguided: nullable(unguided),
});

const samplerGraphs = object<Omit<SamplerSpec, keyof SamplerFigures>>({
  graph: text,
  prepare: nullable(text),
  step: text,
  latent: text,
  time: text,
  conditions: list(condition),
  frames: nullable(text),
  latents: nullable(text),
  directed: boolean,
});

const figureNames = Object.keys(figureTable) as readonly FigureName[];

const sampler: Reader<SamplerSpec> = (value, path) => {
  const fields = record(value, path);
  const figures = Object.fromEntries(figureNames.map((name) => [name, fields[name]])) as unknown as SamplerFigures;
  const [fault] = figureFaults(figures);
  if (fault !== undefined) throw new FormFault(`${path}.${fault.figure}`, fault.expected, fault.found);
  return { ...figures, ...samplerGraphs(value, path) };
};

const manifest = object<Manifest>({
  format: literal("mvc-package"),
  formatVersion: literal(formatVersion),
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

/** The version that a manifest says it has. Throws `FormFault` where it is no manifest. */
export function manifestVersion(json: unknown): number {
  const fields = record(json, "");
  literal("mvc-package")(fields.format, "format");
  return count(fields.formatVersion, "formatVersion");
}

/** Reads a manifest of this version; unknown fields are passed over. Throws `FormFault`. */
export function readManifest(json: unknown): Manifest {
  return manifest(record(json, ""), "");
}

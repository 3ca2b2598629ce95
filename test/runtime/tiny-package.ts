/** A package small enough to compute by hand, written to a temporary folder for the tests of the runtime. */

import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import onnxProto from "onnx-proto";
import { formatVersion, type GraphSpec, type Manifest, type SamplerSpec, type TensorSpec } from "../../compiler/package/manifest.ts";
import { type SamplerFigures, withDefaults } from "../../compiler/package/sampler-figures.ts";
import { readSafetensorsHeader, tensorSource, writeSafetensors } from "../../runtime/node/safetensors-file.ts";
import { f32 } from "../../runtime/tensor.ts";

const { onnx } = onnxProto;

export const VOCABULARY = ["<pad>", "<start>", "<end>", "<unk>", "a", "red", "circle", "moves"];
export const LENGTH = 6;
const WIDTH = 3;

/** Row t of the embedding is t, 10 t, 100 t over 60: the mean of a row is 37 t / 60. */
export const embedding = VOCABULARY.flatMap((_, t) => [t / 60, (10 * t) / 60, (100 * t) / 60]);

const TYPES = { f32: 1, i32: 6, f16: 10 } as const;

const spec = (name: string, dtype: TensorSpec["dtype"], shape: readonly number[], axes: readonly string[] = []): TensorSpec => ({
  name,
  dtype,
  shape,
  axes,
});

interface Node {
  readonly op: string;
  readonly input: readonly string[];
  readonly output: string;
  readonly axes?: readonly number[];
  readonly axis?: number;
}

interface TinyGraph {
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  readonly nodes: readonly Node[];
  readonly constants?: {
    readonly [name: string]: { readonly dims: readonly number[]; readonly f32?: readonly number[]; readonly i64?: readonly number[] };
  };
  readonly external?: { readonly name: string; readonly dims: readonly number[]; readonly offset: number };
}

function model(graph: TinyGraph): Uint8Array {
  const info = ({ name, dtype, shape }: TensorSpec) => ({
    name,
    type: { tensorType: { elemType: TYPES[dtype], shape: { dim: shape.map((dimValue) => ({ dimValue })) } } },
  });
  const node = ({ op, input, output, axes, axis }: Node) => ({
    opType: op,
    input: [...input],
    output: [output],
    attribute: [
      ...(axes ? [{ name: "axes", type: onnx.AttributeProto.AttributeType.INTS, ints: [...axes] }] : []),
      ...(axis === undefined ? [] : [{ name: "axis", type: onnx.AttributeProto.AttributeType.INT, i: axis }]),
    ],
  });
  const initializer: ReturnType<typeof onnx.TensorProto.create>[] = Object.entries(graph.constants ?? {}).map(
    ([name, { dims, f32, i64 }]) =>
      onnx.TensorProto.create({ name, dims: [...dims], dataType: f32 ? 1 : 7, floatData: [...(f32 ?? [])], int64Data: [...(i64 ?? [])] }),
  );
  if (graph.external) {
    const { name, dims, offset } = graph.external;
    const length = 4 * dims.reduce((a, b) => a * b, 1);
    const externalData = Object.entries({ location: "weights.safetensors", offset, length }).map(([key, value]) => ({
      key,
      value: `${value}`,
    }));
    initializer.push(onnx.TensorProto.create({ name, dims: [...dims], dataType: 1, dataLocation: 1, externalData }));
  }
  const proto = onnx.ModelProto.create({
    irVersion: 8,
    opsetImport: [{ domain: "", version: 17 }],
    graph: { name: "tiny", node: graph.nodes.map(node), input: graph.inputs.map(info), output: graph.outputs.map(info), initializer },
  });
  return onnx.ModelProto.encode(proto).finish();
}

/**
 * B clips of 2 frames of 1×2 pixels. encodeText: rows of the embedding. prepare: each text's mean. step: z / 2 + t / 1000 + mean.
 * denoise: both at the plain batch. decode: red z, green z / 2, blue -z. double: 2 h in f16.
 */
function graphs(batch: number, offset: number): { readonly [name: string]: TinyGraph } {
  const z = (rows: number) => [rows, 2, 1, 1, 2];
  const network = [
    { op: "Mul", input: ["z", "half"], output: "scaled" },
    { op: "Reshape", input: ["t", "column"], output: "times" },
    { op: "Mul", input: ["times", "thousandth"], output: "time" },
    { op: "Reshape", input: ["context", "column"], output: "means" },
    { op: "Add", input: ["time", "means"], output: "shift" },
    { op: "Add", input: ["scaled", "shift"], output: "out" },
  ];
  const constantsOf = (rows: number) => ({
    half: { dims: [], f32: [0.5] },
    thousandth: { dims: [], f32: [0.001] },
    column: { dims: [5], i64: [rows, 1, 1, 1, 1] },
  });
  return {
    encodeText: {
      inputs: [spec("tokens", "i32", [1, LENGTH], ["B", "L"])],
      outputs: [spec("text", "f32", [1, LENGTH, WIDTH])],
      nodes: [{ op: "Gather", input: ["text.token.weight", "tokens"], output: "text", axis: 0 }],
      external: { name: "text.token.weight", dims: [VOCABULARY.length, WIDTH], offset },
    },
    "denoise.prepare": {
      inputs: [spec("text", "f32", [2 * batch, LENGTH, WIDTH])],
      outputs: [spec("context", "f32", [2 * batch, 1, 1])],
      nodes: [{ op: "ReduceMean", input: ["text"], output: "context", axes: [1, 2] }],
    },
    "denoise.step": {
      inputs: [
        spec("z", "f32", z(2 * batch), ["B", "F", "Z", "H", "W"]),
        spec("t", "f32", [2 * batch]),
        spec("context", "f32", [2 * batch, 1, 1]),
      ],
      outputs: [spec("out", "f32", z(2 * batch))],
      nodes: [...network],
      constants: constantsOf(2 * batch),
    },
    denoise: {
      inputs: [
        spec("z", "f32", z(batch), ["B", "F", "Z", "H", "W"]),
        spec("t", "f32", [batch]),
        spec("text", "f32", [batch, LENGTH, WIDTH]),
      ],
      outputs: [spec("out", "f32", z(batch))],
      nodes: [{ op: "ReduceMean", input: ["text"], output: "context", axes: [1, 2] }, ...network],
      constants: constantsOf(batch),
    },
    decode: {
      inputs: [spec("z", "f32", z(1))],
      outputs: [spec("frames", "f32", [1, 2, 3, 1, 2])],
      nodes: [
        { op: "Mul", input: ["z", "half"], output: "green" },
        { op: "Neg", input: ["z"], output: "blue" },
        { op: "Concat", input: ["z", "green", "blue"], output: "frames", axis: 2 },
      ],
      constants: { half: { dims: [], f32: [0.5] } },
    },
    double: {
      inputs: [spec("h", "f16", [3])],
      outputs: [spec("twice", "f16", [3])],
      nodes: [{ op: "Add", input: ["h", "h"], output: "twice" }],
    },
  };
}

const tokenizer = {
  version: "1.0",
  added_tokens: [],
  normalizer: { type: "Lowercase" },
  pre_tokenizer: { type: "Whitespace" },
  post_processor: {
    type: "TemplateProcessing",
    single: [
      { SpecialToken: { id: "<start>", type_id: 0 } },
      { Sequence: { id: "A", type_id: 0 } },
      { SpecialToken: { id: "<end>", type_id: 0 } },
    ],
    pair: [],
    special_tokens: {
      "<start>": { id: "<start>", ids: [1], tokens: ["<start>"] },
      "<end>": { id: "<end>", ids: [2], tokens: ["<end>"] },
    },
  },
  decoder: null,
  model: { type: "WordLevel", vocab: Object.fromEntries(VOCABULARY.map((word, id) => [word, id])), unk_token: "<unk>" },
};

export const tokenizerJson = JSON.stringify(tokenizer);

export const sampler: SamplerSpec = {
  ...(withDefaults({}) as unknown as SamplerFigures),
  method: "ddim",
  steps: 4,
  guidance: 3,
  predicts: "v",
  schedule: "cosine",
  betas: [0.00085, 0.012],
  trainSteps: 1000,
  eta: 0,
  graph: "denoise",
  prepare: "denoise.prepare",
  step: "denoise.step",
  latent: "z",
  time: "t",
  conditions: [{ name: "text", from: "text", encoder: "encodeText", unguided: "" }],
  frames: "decode",
  latents: null,
  directed: true,
};

export interface TinyPackage {
  readonly folder: string;
  readonly manifest: Manifest;
  /** Writes the manifest again with some fields changed, and reads nothing. */
  change(fields: { readonly [key: string]: unknown }): Promise<void>;
  remove(): Promise<void>;
}

export async function tinyPackage(batch = 1): Promise<TinyPackage> {
  const folder = await mkdtemp(join(tmpdir(), "mvc-tiny-"));
  const weights = join(folder, "weights.safetensors");
  await writeSafetensors(weights, [tensorSource("text.token.weight", f32([VOCABULARY.length, WIDTH], Float32Array.from(embedding)))]);
  const { headerBytes } = await readSafetensorsHeader(weights);
  const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
  const specs: { [name: string]: GraphSpec } = {};
  for (const [name, graph] of Object.entries(graphs(batch, headerBytes))) {
    const bytes = model(graph);
    await writeFile(join(folder, `${name}.onnx`), bytes);
    const parameters = graph.external ? embedding.length : 0;
    specs[name] = {
      onnx: { file: `${name}.onnx`, bytes: bytes.byteLength, sha256: sha256(bytes) },
      inputs: graph.inputs,
      outputs: graph.outputs,
      flops: 0,
      parameters,
    };
  }
  await writeFile(join(folder, "tokenizer.json"), tokenizerJson);
  const manifest: Manifest = {
    format: "mvc-package",
    formatVersion,
    compiler: "0.1.0",
    model: "Tiny",
    preset: null,
    ablations: [],
    precision: "f32",
    weights: {
      file: "weights.safetensors",
      bytes: (await stat(weights)).size,
      headerBytes,
      tensors: 1,
      parameters: embedding.length,
      sha256: sha256(await readFile(weights)),
    },
    tokenizer: {
      file: "tokenizer.json",
      bytes: Buffer.byteLength(tokenizerJson),
      sha256: sha256(Buffer.from(tokenizerJson)),
      pad: "<pad>",
    },
    graphs: specs,
    sampler,
  };
  const change = (fields: object) => writeFile(join(folder, "manifest.json"), JSON.stringify({ ...manifest, ...fields }));
  await change({});
  return { folder, manifest, change, remove: () => rm(folder, { recursive: true, force: true }) };
}

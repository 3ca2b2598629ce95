/** A module to the files of its package, all but the weights' bytes and the tokenizer, which the caller has. */

import type { Span } from "../dsl/index.ts";
import { costOf } from "./analysis/cost.ts";
import { idBounds } from "./analysis/id-bounds.ts";
import type { Graph } from "./graph/graph.ts";
import type { Module } from "./module/module.ts";
import { type FileSpec, formatVersion, type GraphSpec, type Manifest, type TensorSpec } from "./package/manifest.ts";
import { layOutWeights, type WeightLayout } from "./package/weights.ts";
import { onnxPasses, runPasses } from "./passes/passes.ts";
import { serialiseGraph } from "./rewriting/serialise.ts";
import { emitOnnx, type OnnxOptions } from "./targets/onnx/emit.ts";
import { aboutOf } from "./targets/onnx/metadata.ts";
import type { Opset } from "./targets/onnx/opsets.ts";
import type { Planned } from "./targets/webgpu/plan-graph.ts";

export interface PackageFiles {
  /** Graphs by path in the package: each as ONNX, and as the compiler has it; and the model in PyTorch. */
  readonly graphs: ReadonlyMap<string, Uint8Array>;
  readonly layout: WeightLayout;
  /** The files of the weights of one graph, by path in the package; none unless they are asked for. */
  readonly graphLayouts: ReadonlyMap<string, WeightLayout>;
  /** Made last, from the hashes: SHA-256 in hex, given in because the compiler is pure. */
  readonly manifest: (hash: (bytes: Uint8Array) => string, written: WrittenFiles) => Manifest;
}

/** What the caller writes of a package, where it has it: hashes of weight files, of all and of one graph by their paths; the tokenizer's bytes. */
export interface WrittenFiles {
  readonly weights?: string | undefined;
  readonly graphWeights?: ReadonlyMap<string, string>;
  readonly tokenizer?: Uint8Array | undefined;
}

export interface OnnxTarget {
  /** The version of ONNX's operators; 20 when not given. */
  readonly opset?: Opset;
  /** Whether each graph has a file of the weights that it reads, beside the one of all: for engines that hold a graph's whole file in memory. */
  readonly weightsPerGraph?: boolean;
  /** Where in the source a span is, for people. */
  readonly shown?: (span: Span) => string;
}

/** `plans` where the package is for WebGPU; ONNX unless `onnx` says no. */
export interface Targets {
  readonly onnx: boolean | OnnxTarget;
  readonly plans?: ReadonlyMap<string, Planned>;
  /** Files of Python by their names. */
  readonly torch?: ReadonlyMap<string, string>;
}

/** `weightsAbout` is what weight files say of themselves. */
export function emitPackage(
  module: Module,
  version: string,
  targets: Targets = { onnx: true },
  weightsAbout: { readonly [key: string]: string } = {},
): PackageFiles {
  const layout = layOutWeights(module.graphs.values(), weightsAbout);
  const graphLayouts = layoutsOf(module, targets, weightsAbout);
  const encoder = new TextEncoder();
  const files = [...module.graphs].map(([name, graph]) => {
    const weights = graphLayouts.get(weightsOf(name));
    const about = { producerVersion: version, about: aboutOf(module, graph), ...(weights && { weightFile: weightsOf(name) }) };
    return { graph, parts: partsOf(graph, weights ?? layout, targets, about) };
  });
  const python = [...(targets.torch ?? [])].map(([path, text]) => [path, encoder.encode(text)] as const);
  const { name: model, preset, ablations, precision, tokenizer, sampler } = module;
  const manifest: PackageFiles["manifest"] = (hash, written) => ({
    format: "mvc-package",
    formatVersion,
    compiler: version,
    model,
    preset,
    ablations,
    precision,
    weights: {
      file: "weights.safetensors",
      bytes: layout.bytes,
      headerBytes: layout.header.byteLength,
      tensors: layout.weights.size,
      parameters: layout.parameters,
      ...(written.weights === undefined ? {} : { sha256: written.weights }),
    },
    ...(python.length === 0 ? {} : { torch: python.map(([file, bytes]) => ({ file, bytes: bytes.byteLength, sha256: hash(bytes) })) }),
    tokenizer:
      tokenizer === null || written.tokenizer === undefined
        ? null
        : { file: "tokenizer.json", bytes: written.tokenizer.byteLength, sha256: hash(written.tokenizer), pad: tokenizer.pad },
    graphs: Object.fromEntries(
      files.map(({ graph, parts }) => {
        const spec = (path: string): FileSpec | undefined => {
          const bytes = parts.get(path);
          return bytes && { file: path, bytes: bytes.byteLength, sha256: hash(bytes) };
        };
        const { onnx, webgpu } = targetsOf(graph.name, spec);
        const file = weightsOf(graph.name);
        const sha256 = written.graphWeights?.get(file);
        const bytes = graphLayouts.get(file)?.bytes;
        const weights = sha256 !== undefined && bytes !== undefined ? { weights: { file, bytes, sha256 } } : {};
        return [graph.name, { ...(onnx && { onnx: { ...onnx, ...weights } }), ...(webgpu && { webgpu }), ...graphSpec(graph) }];
      }),
    ),
    sampler,
  });
  const graphs = new Map(
    files.flatMap(({ graph, parts }) => [...parts, [`graphs/${graph.name}.json`, encoder.encode(serialiseGraph(graph))] as const]),
  );
  return { graphs: new Map([...graphs, ...python]), layout, graphLayouts, manifest };
}

function layoutsOf({ graphs }: Module, { onnx }: Targets, about: { readonly [key: string]: string }): ReadonlyMap<string, WeightLayout> {
  if (typeof onnx === "boolean" || !onnx.weightsPerGraph) return new Map();
  const layouts = [...graphs].map(([name, graph]) => [weightsOf(name), layOutWeights([graph], about)] as const);
  return new Map(layouts.filter(([, { weights }]) => weights.size > 0));
}

/** No name of the source has a dot, so that this is never the file of all. */
function weightsOf(name: string): string {
  return `${name}.weights.safetensors`;
}

/** A graph's files for each target, by their paths. */
function partsOf(graph: Graph, layout: WeightLayout, { onnx, plans }: Targets, about: OnnxOptions): ReadonlyMap<string, Uint8Array> {
  const encoder = new TextEncoder();
  const { name } = graph;
  const { opset, shown } = typeof onnx === "boolean" ? {} : onnx;
  const options = { ...about, ...(opset && { opset }), ...(shown && { shown }) };
  const planned = plans?.get(name);
  return new Map([
    ...(onnx ? [[`${name}.onnx`, emitOnnx(runPasses(graph, onnxPasses), layout.weights, options)] as const] : []),
    ...(planned === undefined
      ? []
      : ([
          [`webgpu/${name}.json`, encoder.encode(`${JSON.stringify(planned.plan)}\n`)],
          [`webgpu/${name}.wgsl`, encoder.encode(planned.source)],
        ] as const)),
  ]);
}

function targetsOf(name: string, spec: (path: string) => FileSpec | undefined): Pick<GraphSpec, "onnx" | "webgpu"> {
  const [onnx, plan, kernels] = [`${name}.onnx`, `webgpu/${name}.json`, `webgpu/${name}.wgsl`].map(spec);
  return { ...(onnx && { onnx }), ...(plan && kernels && { webgpu: { plan, kernels } }) };
}

function graphSpec(graph: Graph): Omit<GraphSpec, "onnx" | "webgpu"> {
  const cost = costOf(graph, 1);
  const types = new Map(graph.values.map((value) => [value.id, value.type]));
  const inputs = graph.values.filter((value) => value.kind === "input");
  const bounds = idBounds(graph);
  return {
    inputs: inputs.map(({ name, type, axes }): TensorSpec => {
      const ids = bounds.get(name);
      return { name, dtype: type.dtype, shape: type.shape, axes, ...(ids === undefined ? {} : { ids }) };
    }),
    outputs: graph.outputs.map((output): TensorSpec => {
      const type = types.get(output.value);
      if (type === undefined) throw new Error(`package: output ${output.name} of ${graph.name} has no type`);
      return { name: output.name, dtype: type.dtype, shape: type.shape, axes: output.axes };
    }),
    flops: cost.flops,
    parameters: cost.parameters,
  };
}

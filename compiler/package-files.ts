/** A module to the files of its package, all but the weights' bytes and the tokenizer, which the caller has. */

import { costOf } from "./analysis/cost.ts";
import { idBounds } from "./analysis/id-bounds.ts";
import type { Graph } from "./graph/graph.ts";
import type { Module } from "./module/module.ts";
import { type FileSpec, formatVersion, type GraphSpec, type Manifest, type TensorSpec } from "./package/manifest.ts";
import { layOutWeights, type WeightLayout } from "./package/weights.ts";
import { onnxPasses, runPasses } from "./passes/passes.ts";
import { serialiseGraph } from "./rewriting/serialise.ts";
import { emitOnnx } from "./targets/onnx/emit.ts";
import type { Planned } from "./targets/webgpu/plan-graph.ts";

export interface PackageFiles {
  /** Graphs by path in the package: each as ONNX, and as the compiler has it. */
  readonly graphs: ReadonlyMap<string, Uint8Array>;
  readonly layout: WeightLayout;
  /** Made last, from the hashes: SHA-256 in hex, given in because the compiler is pure. */
  readonly manifest: (hash: (bytes: Uint8Array) => string, written: WrittenFiles) => Manifest;
}

/** What the caller writes of a package: the weights' hash and the tokenizer's bytes, where it has them. */
export interface WrittenFiles {
  readonly weights?: string | undefined;
  readonly tokenizer?: Uint8Array | undefined;
}

/** `plans` where the package is for WebGPU; ONNX unless `onnx` says no. */
export interface Targets {
  readonly onnx: boolean;
  readonly plans?: ReadonlyMap<string, Planned>;
}

export function emitPackage(module: Module, version: string, targets: Targets = { onnx: true }): PackageFiles {
  const layout = layOutWeights(module.graphs.values());
  const encoder = new TextEncoder();
  const files = [...module.graphs].map(([name, graph]) => ({ graph, parts: partsOf(name, graph, layout, targets) }));
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
        return [graph.name, { ...targetsOf(graph.name, spec), ...graphSpec(graph) }];
      }),
    ),
    sampler,
  });
  const graphs = new Map(
    files.flatMap(({ graph, parts }) => [...parts, [`graphs/${graph.name}.json`, encoder.encode(serialiseGraph(graph))] as const]),
  );
  return { graphs, layout, manifest };
}

/** A graph's files for each target, by their paths. */
function partsOf(name: string, graph: Graph, layout: WeightLayout, { onnx, plans }: Targets): ReadonlyMap<string, Uint8Array> {
  const encoder = new TextEncoder();
  const planned = plans?.get(name);
  return new Map([
    ...(onnx ? [[`onnx/${name}.onnx`, emitOnnx(runPasses(graph, onnxPasses), layout.weights)] as const] : []),
    ...(planned === undefined
      ? []
      : ([
          [`webgpu/${name}.json`, encoder.encode(`${JSON.stringify(planned.plan)}\n`)],
          [`webgpu/${name}.wgsl`, encoder.encode(planned.source)],
        ] as const)),
  ]);
}

function targetsOf(name: string, spec: (path: string) => FileSpec | undefined): Pick<GraphSpec, "onnx" | "webgpu"> {
  const [onnx, plan, kernels] = [`onnx/${name}.onnx`, `webgpu/${name}.json`, `webgpu/${name}.wgsl`].map(spec);
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

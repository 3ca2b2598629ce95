/** A compiled model to the files of its package, all but the weights' bytes and the tokenizer, which the caller has. */

import type { Compiled } from "../compile.ts";
import { costOf } from "../cost.ts";
import type { Graph } from "../graph/graph.ts";
import { serialiseGraph } from "../graph/serialise.ts";
import type { GraphSpec, Manifest, TensorSpec } from "../package/manifest.ts";
import { layOutWeights, type WeightLayout } from "../package/weights.ts";
import { onnxPasses, runPasses } from "../passes/passes.ts";
import { emitOnnx } from "./onnx/emit.ts";

export interface PackageFiles {
  /** Graphs by path in the package: each as ONNX, and as the compiler has it. */
  readonly graphs: ReadonlyMap<string, Uint8Array>;
  readonly layout: WeightLayout;
  /** Made last, from the hashes: SHA-256 in hex, given in because the compiler is pure; `weightsHash` only where weights are written. */
  readonly manifest: (hash: (bytes: Uint8Array) => string, weightsHash: string | undefined) => Manifest;
}

export function emitPackage(compiled: Compiled, version: string): PackageFiles {
  const layout = layOutWeights(compiled.graphs.values());
  const files = [...compiled.graphs].map(([name, graph]) => ({
    name,
    graph,
    path: `onnx/${name}.onnx`,
    bytes: emitOnnx(runPasses(graph, onnxPasses), layout.weights),
  }));
  const { configuration, tokenizer, sampler } = compiled;
  const manifest: PackageFiles["manifest"] = (hash, weightsHash) => ({
    format: "mvc-package",
    formatVersion: 1,
    compiler: version,
    model: configuration.model.name.name,
    preset: configuration.choices.preset ?? null,
    ablations: configuration.choices.ablations ?? [],
    precision: configuration.choices.precision,
    weights: {
      file: "weights.safetensors",
      bytes: layout.bytes,
      headerBytes: layout.header.byteLength,
      tensors: layout.weights.size,
      parameters: layout.parameters,
      ...(weightsHash === undefined ? {} : { sha256: weightsHash }),
    },
    tokenizer: tokenizer && { file: "tokenizer.json", length: tokenizer.length, pad: tokenizer.pad },
    graphs: Object.fromEntries(files.map((file) => [file.name, graphSpec(file.graph, file.path, hash(file.bytes))])),
    sampler,
  });
  const encoder = new TextEncoder();
  const graphs = new Map(
    files.flatMap((file) => [
      [file.path, file.bytes] as const,
      [`graphs/${file.name}.json`, encoder.encode(serialiseGraph(file.graph))] as const,
    ]),
  );
  return { graphs, layout, manifest };
}

function graphSpec(graph: Graph, file: string, sha256: string): GraphSpec {
  const cost = costOf(graph, 1);
  const types = new Map(graph.values.map((value) => [value.id, value.type]));
  const inputs = graph.values.filter((value) => value.kind === "input");
  return {
    onnx: { file, sha256 },
    inputs: inputs.map((input) => ({ name: input.name, dtype: input.type.dtype, shape: input.type.shape, axes: input.axes })),
    outputs: graph.outputs.map((output): TensorSpec => {
      const type = types.get(output.value);
      if (type === undefined) throw new Error(`package: output ${output.name} of ${graph.name} has no type`);
      return { name: output.name, dtype: type.dtype, shape: type.shape, axes: output.axes };
    }),
    flops: cost.flops,
    parameters: cost.parameters,
  };
}

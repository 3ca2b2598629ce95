/** A package to runs of the interpreter: the slow and plain reference that every backend is compared with. */

import { join } from "node:path";
import { interpret, type Tap } from "../compiler/analysis/interpret.ts";
import type { Graph } from "../compiler/graph/graph.ts";
import type { Tensor } from "../compiler/ops/op.ts";
import { parseGraph } from "../compiler/rewriting/serialise.ts";
import { mvcError, reasonOf } from "../runtime/errors.ts";
import { checkFeeds, graphSpec } from "../runtime/feeds.ts";
import { halvesToFloats } from "../runtime/half.ts";
import { readText, textLimits } from "../runtime/node/regular-file.ts";
import type { Package } from "../runtime/package.ts";
import { type StoredTensor, storedToTensor } from "../runtime/safetensors.ts";
import type { GraphRunner } from "../runtime/session.ts";
import { type TensorData, type Tensors, toDType } from "../runtime/tensor.ts";

export function referenceRunner(pack: Package, folder: string): GraphRunner {
  let disposed = false;
  return {
    load: async () => {},
    dispose: async () => {
      disposed = true;
    },
    run: async (name, feeds) => {
      if (disposed) throw mvcError("disposed", { what: "the package's session" });
      const spec = graphSpec(pack.manifest, name);
      const outputs = await runReference(pack, readGraph(folder, name), feeds);
      return Object.fromEntries(
        spec.outputs.map((output) => {
          const result = outputs.get(output.name);
          if (result === undefined) throw new Error(`reference: graph ${name} gave no output ${output.name}`);
          const tensor = tensorOf(result);
          return [output.name, toDType(tensor, output.dtype) ?? tensor];
        }),
      );
    },
  };
}

/** Interprets a graph of the package; `tap` sees each op's result. */
export async function runReference(pack: Package, graph: Graph, feeds: Tensors, tap?: Tap): Promise<Map<string, Tensor>> {
  const checked = checkFeeds(graph.name, graphSpec(pack.manifest, graph.name), feeds);
  const inputs = new Map(checked.map(([input, tensor]) => [input, plain(tensor)]));
  const weights = new Map<string, TensorData>();
  for (const value of graph.values) if (value.kind === "weight") weights.set(value.path, await readWeight(pack, graph.name, value.path));
  return interpret(graph, inputs, (path) => plain(weights.get(path) as TensorData), tap);
}

/** The interpreter's tensors as the runtime has them; floats stay f32. */
export function tensorOf({ shape, data }: Tensor): TensorData {
  return data instanceof Int32Array ? { dtype: "i32", shape, data } : { dtype: "f32", shape, data };
}

/** A graph as the compiler had it. Throws MvcError as `readText`. */
export function readGraph(folder: string, name: string): Graph {
  const file = join(folder, "graphs", `${name}.json`);
  const text = readText(file, `the graph "${name}"`, textLimits.graph);
  try {
    return parseGraph(text);
  } catch (thrown) {
    throw mvcError("file-unreadable", { file, reason: reasonOf(thrown) });
  }
}

async function readWeight(pack: Package, graph: string, path: string): Promise<TensorData> {
  const stored: StoredTensor | undefined = pack.weights?.tensors.get(path);
  if (pack.weights === undefined) throw mvcError("weights-absent", { graph });
  if (stored === undefined) throw mvcError("tensor-missing", { tensor: path, where: pack.manifest.weights.file, expected: "a weight" });
  return storedToTensor(stored, await pack.files.read(pack.manifest.weights.file, stored.start, stored.end), path);
}

/** The interpreter computes in f32. */
function plain(tensor: TensorData): { shape: readonly number[]; data: Float32Array | Int32Array } {
  return { shape: tensor.shape, data: tensor.dtype === "f16" ? halvesToFloats(tensor.data) : tensor.data };
}

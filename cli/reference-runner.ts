/** A package to runs of the interpreter: the slow and plain reference that every backend is compared with. */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseGraph } from "../compiler/graph/serialise.ts";
import { interpret } from "../compiler/interpret.ts";
import { mvcError, reasonOf } from "../runtime/errors.ts";
import { halvesToFloats } from "../runtime/half.ts";
import type { Package } from "../runtime/package.ts";
import { type StoredTensor, storedToTensor } from "../runtime/safetensors.ts";
import { checkFeeds, type GraphRunner, graphSpec } from "../runtime/session.ts";
import { type TensorData, toDType } from "../runtime/tensor.ts";

export function referenceRunner(pack: Package, folder: string): GraphRunner {
  return {
    load: async () => {},
    dispose: async () => {},
    run: async (name, feeds) => {
      const spec = graphSpec(pack.manifest, name);
      const inputs = new Map(checkFeeds(name, spec, feeds).map(([input, tensor]) => [input, plain(tensor)]));
      const graph = await readGraph(folder, name);
      const weights = new Map<string, TensorData>();
      for (const value of graph.values) if (value.kind === "weight") weights.set(value.path, await readWeight(pack, name, value.path));
      const outputs = interpret(graph, inputs, (path) => plain(weights.get(path) as TensorData));
      return Object.fromEntries(
        spec.outputs.map((output) => {
          const result = outputs.get(output.name);
          if (result === undefined) throw new Error(`reference: graph ${name} gave no output ${output.name}`);
          const tensor: TensorData =
            result.data instanceof Int32Array
              ? { dtype: "i32", shape: result.shape, data: result.data }
              : { dtype: "f32", shape: result.shape, data: result.data };
          return [output.name, toDType(tensor, output.dtype) ?? tensor];
        }),
      );
    },
  };
}

async function readGraph(folder: string, name: string) {
  const file = join(folder, "graphs", `${name}.json`);
  try {
    return parseGraph(await readFile(file, "utf8"));
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

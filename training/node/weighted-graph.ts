/** A graph and its weights to runs of it on ONNX Runtime's CPU provider, on this thread. */

import type { Graph } from "../../compiler/graph/graph.ts";
import { onnxPasses, runPasses } from "../../compiler/passes/passes.ts";
import { emitOnnx } from "../../compiler/targets/onnx/emit.ts";
import { mvcError, reasonOf } from "../../runtime/errors.ts";
import { openGraph } from "../../runtime/node/onnx-session.ts";
import { f32 } from "../../runtime/tensor.ts";
import type { Feeds } from "../engine.ts";
import { trainingSettings } from "./session-settings.ts";

export interface WeightedGraph {
  /** f32 results by output. Throws MvcError `training-failed`. */
  run(feeds: Feeds): Promise<ReadonlyMap<string, Float32Array>>;
  dispose(): Promise<void>;
}

/** The weights are read at each run. Throws MvcError `graph-failed`, `backend-missing`. */
export async function openWeighted(graph: Graph, weights: ReadonlyMap<string, Float32Array>): Promise<WeightedGraph> {
  const model = emitOnnx(runPasses(graph, onnxPasses), new Map(), { weightsAsInputs: true });
  const { session, tensor } = await openGraph(graph.name, model, ".", {}, trainingSettings);
  const given = graph.values.flatMap((value) => {
    if (value.kind !== "weight") return [];
    const values = weights.get(value.path);
    if (values === undefined) throw new Error(`training: there is no weight ${value.path}`);
    return [[value.path, tensor(f32(value.type.shape, values))] as const];
  });
  return {
    run: async (feeds) => {
      const fed = [...feeds].map(([name, data]) => [name, tensor(data)] as const);
      const outputs = await session.run(Object.fromEntries([...given, ...fed])).catch((thrown: unknown) => {
        throw mvcError("training-failed", { stage: graph.name, reason: reasonOf(thrown) });
      });
      return new Map(Object.entries(outputs).flatMap(([name, made]) => (made?.data instanceof Float32Array ? [[name, made.data]] : [])));
    },
    dispose: () => session.release(),
  };
}

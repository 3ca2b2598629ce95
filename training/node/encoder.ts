/** A graph of the model and its weights to what it makes of a clip's pixels, on ONNX Runtime's CPU provider. */

import { type Graph, sizeOf } from "../../compiler/graph/graph.ts";
import { onnxPasses, runPasses } from "../../compiler/passes/passes.ts";
import { emitOnnx } from "../../compiler/targets/onnx/emit.ts";
import { mvcError } from "../../runtime/errors.ts";
import { openGraph } from "../../runtime/node/onnx-session.ts";
import { f32, floatsOf } from "../../runtime/tensor.ts";
import { trainingSettings } from "./session-settings.ts";

export interface Encoder {
  /** Of one clip's result. */
  readonly shape: readonly number[];
  /** f32 [F, 3, H, W] to the result, row-major. Throws MvcError `training-failed`. */
  encode(pixels: Float32Array): Promise<Float32Array>;
  dispose(): Promise<void>;
}

/** The graph takes clips, [B, F, 3, H, W], or pictures, [B, 3, H, W], which a clip's frames are then, B at a time. */
export async function openEncoder(graph: Graph, weights: ReadonlyMap<string, Float32Array>, frames: number): Promise<Encoder> {
  const model = emitOnnx(runPasses(graph, onnxPasses), new Map(), { weightsAsInputs: true });
  const { session, tensor } = await openGraph(graph.name, model, ".", {}, trainingSettings);
  const input = graph.values.find((value) => value.kind === "input");
  const [output] = graph.outputs;
  const made = graph.values.find(({ id }) => id === output?.value);
  if (input === undefined || output === undefined || made === undefined) throw new Error(`training: ${graph.name} encodes nothing`);
  const given = Object.fromEntries(
    graph.values.flatMap((value) =>
      value.kind === "weight" ? [[value.path, tensor(f32(value.type.shape, weights.get(value.path) ?? new Float32Array()))]] : [],
    ),
  );
  const [batch = 1, ...one] = input.type.shape;
  const [, ...result] = made.type.shape;
  const isPicture = one.length === 3;
  const [taken, length] = [sizeOf(one), sizeOf(result)];
  const rows = isPicture ? frames : 1;
  const fed = new Float32Array(batch * taken);
  return {
    shape: isPicture ? [frames, ...result] : result,
    encode: async (pixels) => {
      const all = new Float32Array(rows * length);
      for (let row = 0; row < rows; row += batch) {
        fed.set(pixels.subarray(row * taken, Math.min(row + batch, rows) * taken));
        const outputs = await session.run({ ...given, [input.name]: tensor(f32(input.type.shape, fed)) }).catch((thrown: unknown) => {
          throw mvcError("training-failed", { stage: graph.name, reason: String(thrown) });
        });
        const tensors = outputs[output.name];
        if (tensors === undefined || !(tensors.data instanceof Float32Array)) throw new Error(`training: ${graph.name} gave no f32`);
        const values = floatsOf(f32(tensors.dims, tensors.data));
        all.set(values.subarray(0, Math.min(batch, rows - row) * length), row * length);
      }
      return all;
    },
    dispose: () => session.release(),
  };
}

/** A graph of the model and its weights to what it makes of one clip's pixels. */

import { type Graph, sizeOf } from "../../compiler/graph/graph.ts";
import { f32 } from "../../runtime/tensor.ts";
import { openWeighted } from "./weighted-graph.ts";

export interface Encoder {
  /** Of one clip's result. */
  readonly shape: readonly number[];
  /** f32 [F, 3, H, W] to the result, row-major. Throws MvcError `training-failed`. */
  encode(pixels: Float32Array): Promise<Float32Array>;
  dispose(): Promise<void>;
}

/** The graph takes clips, [B, F, 3, H, W], or pictures, [B, 3, H, W], which a clip's frames are then, B at a time. Throws MvcError as `openWeighted`. */
export async function openEncoder(graph: Graph, weights: ReadonlyMap<string, Float32Array>, frames: number): Promise<Encoder> {
  const input = graph.values.find((value) => value.kind === "input");
  const [output] = graph.outputs;
  const made = graph.values.find(({ id }) => id === output?.value);
  if (input === undefined || output === undefined || made === undefined) throw new Error(`training: ${graph.name} encodes nothing`);
  const opened = await openWeighted(graph, weights);
  const [batch = 1, ...one] = input.type.shape;
  const [, ...result] = made.type.shape;
  const isPicture = one.length === 3;
  const [taken, length] = [sizeOf(one), sizeOf(result)];
  const rows = isPicture ? frames : 1;
  return {
    shape: isPicture ? [frames, ...result] : result,
    encode: async (pixels) => {
      const all = new Float32Array(rows * length);
      for (let row = 0; row < rows; row += batch) {
        // Of each run its own: an engine reads what it is fed after this thread has gone on to the next clip.
        const fed = new Float32Array(batch * taken);
        const here = Math.min(batch, rows - row);
        fed.set(pixels.subarray(row * taken, (row + here) * taken));
        const values = (await opened.run(new Map([[input.name, f32(input.type.shape, fed)]]))).get(output.name);
        if (values === undefined) throw new Error(`training: ${graph.name} gave no f32`);
        all.set(values.subarray(0, here * length), row * length);
      }
      return all;
    },
    dispose: () => opened.dispose(),
  };
}

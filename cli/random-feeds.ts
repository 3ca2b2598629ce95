/** A graph's inputs to numbers that fit them, the same on every machine: for timings, which no number changes. */

import type { GraphSpec } from "../compiler/package/manifest.ts";
import { normals } from "../runtime/sampler/random.ts";
import { elements, type TensorData, type Tensors } from "../runtime/tensor.ts";

/** Floats are normal; tokens are all the vocabulary's first, which every vocabulary has. */
export function randomFeeds({ inputs }: GraphSpec): Tensors {
  return Object.fromEntries(
    inputs.map(({ name, dtype, shape }, stream): readonly [string, TensorData] => [
      name,
      dtype === "i32"
        ? { dtype, shape, data: new Int32Array(elements(shape)) }
        : { dtype: "f32", shape, data: normals(0, stream, elements(shape)) },
    ]),
  );
}

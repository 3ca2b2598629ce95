/** A seed and each weight's path to the random numbers that training starts from. */

import { sizeOf } from "../../compiler/graph/graph.ts";
import type { PlacedWeight } from "../../compiler/package/weights.ts";
import { normals, streamOf, uniforms } from "../../runtime/sampler/random.ts";
import { type Elements, elementsOf } from "./streams.ts";

/** Where a model's weights come from. */
export interface WeightSource {
  /** In the type that they are kept in. */
  of(weight: PlacedWeight): Elements;
}

/** The type that a package keeps a weight in. */
export const packagedType = ({ type }: PlacedWeight) => (type.dtype === "f16" ? "F16" : "F32");

/** Numbers that are made at once, so that memory does not grow with a weight. */
const atOnce = 2 ** 20;

export function initialWeights(seed: number): WeightSource {
  return {
    of: (weight) =>
      elementsOf(packagedType(weight), function* () {
        const count = sizeOf(weight.type.shape);
        for (let first = 0; first < count; first += atOnce) yield values(weight, seed, first, Math.min(atOnce, count - first));
      }),
  };
}

/** A weight's stream is its path's, whichever other weights there are. */
function values({ path, init }: PlacedWeight, seed: number, first: number, count: number): Float32Array {
  switch (init.kind) {
    case "zeros":
      return new Float32Array(count);
    case "ones":
      return new Float32Array(count).fill(1);
    case "normal":
      return normals(seed, streamOf(path), count, first).map((value) => value * init.deviation);
    case "uniform":
      return uniforms(seed, streamOf(path), count, first).map((value) => (2 * value - 1) * init.bound);
  }
}

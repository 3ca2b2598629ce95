/** A graph's inputs to numbers that fit them, the same on every machine. */

import type { GraphSpec, SamplerSpec } from "../compiler/package/manifest.ts";
import { normals, uniforms } from "../runtime/sampler/random.ts";
import { trajectory } from "../runtime/sampler/sampler.ts";
import { elements, type TensorData, type Tensors } from "../runtime/tensor.ts";

/** Times that training saw: of a network that is told the log of σ, some of those that sampling visits. */
function times(below: (most: number) => Float32Array, sampler: SamplerSpec): Float32Array {
  if (sampler.timestepType === "discrete") return below(sampler.trainSteps);
  const { steps } = trajectory(sampler);
  return below(steps.length).map((i) => steps[i]?.time ?? 0);
}

/** Floats are normal, the sampler's time one that training saw, ids such as their table has; whole numbers without a table are 0. */
export function randomFeeds({ inputs }: GraphSpec, seed = 0, sampler: SamplerSpec | null = null): Tensors {
  return Object.fromEntries(
    inputs.map(({ name, dtype, shape, ids = 1 }, stream): readonly [string, TensorData] => {
      const count = elements(shape);
      const below = (most: number) => uniforms(seed, stream, count).map((value) => Math.floor(value * most));
      if (dtype === "i32") return [name, { dtype, shape, data: Int32Array.from(below(ids)) }];
      const data = sampler !== null && name === sampler.time && shape.length === 1 ? times(below, sampler) : normals(seed, stream, count);
      return [name, { dtype: "f32", shape, data }];
    }),
  );
}

/** A seed, a stage, a step and an example to everything random about that example, so that any step can be made again alone. */

import { normals, type Stream, streamOf, uniforms } from "../runtime/sampler/random.ts";

/** Of one example of one step. Purposes are names: those of a stage never share a number. */
export interface Draws {
  /** In [0, 1), multiples of 2^-24. */
  uniform(purpose: string, count: number): Float32Array;
  /** Standard normals. */
  normal(purpose: string, count: number): Float32Array;
}

/**
 * Steps count from 1 and examples from 0 among all of the batch, however it is divided. Word 1 of the counter is the step, which is 0
 * for what is drawn outside of training (the weights to start from, the noise of a clip): no number is used twice.
 */
export function drawsOf(seed: number, stage: string, step: number, example: number): Draws {
  const stream = (purpose: string): Stream => [step, example, streamOf(`${stage}/${purpose}`)];
  return {
    uniform: (purpose, count) => uniforms(seed, stream(purpose), count),
    normal: (purpose, count) => normals(seed, stream(purpose), count),
  };
}

/** One of `count` things by a uniform number. */
export function pick(uniform: number, count: number): number {
  return Math.floor(uniform * count);
}

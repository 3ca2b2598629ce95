/** Sums of a sampler's arrays as lists of numbers, so that solvers are written as their papers write them and any device can apply them. */

/** Arrays that a sampler keeps from step to step beside the latent: what earlier steps predicted, or where a step of several evaluations began. */
export const mostRegisters = 8;

/**
 * What each array is weighed with: the latent, the guided output of the network, the limited prediction of the clean latent, fresh
 * normals, then the registers.
 */
export type Mix = readonly number[];

export const mixWidth = 4 + mostRegisters;

const only = (place: number): Mix => Array.from({ length: mixWidth }, (_, i) => (i === place ? 1 : 0));

export const latent = only(0);
export const model = only(1);
export const limited = only(2);
export const noise = only(3);
export const nothing: Mix = only(-1);

/** Whether a mix needs fresh normals. */
export function isNoisy(mix: Mix): boolean {
  return mix[3] !== 0;
}

/** What register `i` holds before the step. */
export function register(i: number): Mix {
  if (i >= mostRegisters) throw new Error(`sampler: there is no register ${i}`);
  return only(4 + i);
}

export function scale(factor: number, mix: Mix): Mix {
  return mix.map((weight) => (weight === 0 ? 0 : factor * weight));
}

export function sum(...mixes: readonly Mix[]): Mix {
  return mixes.reduce((total, mix) => total.map((weight, i) => weight + (mix[i] ?? 0)), nothing);
}

export function difference(one: Mix, other: Mix): Mix {
  return sum(one, scale(-1, other));
}

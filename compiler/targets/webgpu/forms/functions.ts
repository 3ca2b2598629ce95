/** Functions of one element as WGSL, on f32 and on vec4<f32>, where the language's own are missing or promise too little. */

import { type ElementReader, nameFor } from "./form.ts";

/** The function erf to 1.5e-7 (Abramowitz and Stegun, 7.1.26); WGSL has none. */
export function erfOf(type: string): string {
  return `fn ${nameFor("erf", type)}(x: ${type}) -> ${type} {
  let a = abs(x);
  let t = 1.0 / (1.0 + 0.3275911 * a);
  let p = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  return sign(x) * (1.0 - p * exp(-a * a));
}`;
}

/** 1 / (1 + exp(-x)); the exponent is kept from overflowing, as WGSL leaves infinities undefined. */
export function sigmoidOf(x: string, type: string): string {
  return `(1.0 / (1.0 + exp(min(-${x}, ${type}(80.0)))))`;
}

/** 0.5 x (1 + erf(x / sqrt 2)). */
export function geluOf(x: string, type: string, reader: ElementReader): string {
  reader.define(erfOf(type));
  return `0.5 * ${x} * (1.0 + ${nameFor("erf", type)}(${x} * 0.70710678118654752))`;
}

/** x sigmoid(2 u), which is 0.5 x (1 + tanh u): WGSL promises its exp to far more digits than its tanh. Beyond 10 it is x, or 0, in f32. */
export function geluTanhOf(x: string, type: string, reader: ElementReader): string {
  const near = reader.name(`clamp(${x}, ${type}(-10.0), ${type}(10.0))`);
  const twice = reader.name(`1.5957691216057308 * (${near} + 0.044715 * ${near} * ${near} * ${near})`);
  return `${x} * ${sigmoidOf(twice, type)}`;
}

/**
 * What is left of an angle beside its nearest half turn, and that half turn, -1, 0 or 1. WGSL promises its own sine and
 * cosine only to 5e-4, and nothing beyond half a turn: the whole turns leave in three parts (Cody and Waite).
 */
const wholeTurns = `var x = ((angle - turns * 6.28125) - turns * 0.0019350051879882812) - turns * 3.019916e-7;`;
const halfTurn = `let half = round(x * 0.31830988618);
  x = (x - half * 3.140625) - half * 0.00096765358979;
  let q = x * x;`;
const sign = "(1.0 - 2.0 * abs(half - 2.0 * trunc(half * 0.5)))";

/** The cosine of an angle less a part of a turn, by its series around the nearest half turn. */
export function cosineOf(type: string): string {
  return `fn ${nameFor("cosine", type)}(angle: ${type}, behind: ${type}) -> ${type} {
  let turns = round(angle * 0.15915494309);
  ${wholeTurns}
  x = x - behind * 6.283185307;
  ${halfTurn}
  let c = 1.0 + q * (-0.5 + q * (0.041666667 + q * (-0.0013888889 + q * (2.4801587e-5 + q * (-2.7557319e-7 + q * 2.0876757e-9)))));
  return c * ${sign};
}`;
}

/** The sine by a series of its own: a cosine a quarter of a turn before has no digits of a small angle. */
export function sineOf(type: string): string {
  return `fn ${nameFor("sine", type)}(angle: ${type}) -> ${type} {
  let turns = round(angle * 0.15915494309);
  ${wholeTurns}
  ${halfTurn}
  let s = x + x * q * (-0.16666667 + q * (0.0083333333 + q * (-0.0001984127 + q * (2.7557319e-6 + q * -2.5052108e-8))));
  return s * ${sign};
}`;
}

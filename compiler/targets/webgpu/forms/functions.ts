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

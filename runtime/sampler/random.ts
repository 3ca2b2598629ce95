/** Turns a seed and a stream into uniform and normal numbers, the same on every machine (Philox4x32-10, Salmon et al., 2011). */

const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
const WEYL_0 = 0x9e3779b9;
const WEYL_1 = 0xbb67ae85;
const ROUNDS = 10;

/** The high 32 bits of the 64-bit product of two 32-bit integers, as a signed one; every partial sum stays below 2^32. */
function multiplyHigh(a: number, b: number): number {
  const aHigh = a >>> 16;
  const aLow = a & 0xffff;
  const bHigh = b >>> 16;
  const bLow = b & 0xffff;
  const middle = (Math.imul(aHigh, bLow) + (Math.imul(aLow, bLow) >>> 16)) | 0;
  const cross = (Math.imul(aLow, bHigh) + (middle & 0xffff)) | 0;
  return (Math.imul(aHigh, bHigh) + (middle >>> 16) + (cross >>> 16)) | 0;
}

type Four = readonly [number, number, number, number];

/** One block of four unsigned 32-bit words: counter and key to bits, as in Random123's `philox4x32`. */
export function philox([c0, c1, c2, c3]: Four, [k0, k1]: readonly [number, number]): Four {
  const words = new Uint32Array(4);
  fillBlock(words, c0, c1, c2, c3, k0, k1);
  return [...words] as unknown as Four;
}

/** In signed 32-bit integers throughout, which engines keep in registers. */
function fillBlock(words: Uint32Array, n0: number, n1: number, n2: number, n3: number, key0: number, key1: number): void {
  let [c0, c1, c2, c3, k0, k1] = [n0 | 0, n1 | 0, n2 | 0, n3 | 0, key0 | 0, key1 | 0];
  for (let round = 0; round < ROUNDS; round++) {
    const high0 = multiplyHigh(MULTIPLIER_0, c0);
    const low0 = Math.imul(MULTIPLIER_0, c0);
    const high1 = multiplyHigh(MULTIPLIER_1, c2);
    const low1 = Math.imul(MULTIPLIER_1, c2);
    c0 = high1 ^ c1 ^ k0;
    c1 = low1;
    c2 = high0 ^ c3 ^ k1;
    c3 = low0;
    k0 = (k0 + WEYL_0) | 0;
    k1 = (k1 + WEYL_1) | 0;
  }
  words[0] = c0;
  words[1] = c1;
  words[2] = c2;
  words[3] = c3;
}

/** Which numbers of a seed: the counter's words 1 to 3, each in 0..2^32, of which a single number is the second. */
export type Stream = number | readonly [number, number, number];

/** FNV-1a of a name: the stream that is its own, whichever other names there are. */
export function streamOf(name: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(name)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}

/** `count` numbers of a stream, each made of one 32-bit word: key = the seed's low and high bits, counter = (block, …stream). */
function numbers(seed: number, stream: Stream, count: number, first: number, fromBits: (bits: number) => number): Float32Array {
  if (first % 4 !== 0) throw new Error(`random: the ${first}th number begins no block of four`);
  const [low, high] = [seed >>> 0, Math.floor(seed / 0x100000000) >>> 0];
  const [c1, c2, c3] = typeof stream === "number" ? [0, stream, 0] : stream;
  const out = new Float32Array(count);
  const words = new Uint32Array(4);
  for (let block = 0; block * 4 < count; block++) {
    fillBlock(words, first / 4 + block, c1, c2, c3, low, high);
    // What is written past the end of the array is dropped.
    for (let i = 0; i < 4; i++) out[block * 4 + i] = fromBits(words[i] as number);
  }
  return out;
}

/**
 * `count` numbers in [0, 1), multiples of 2^-24 so that rounding to f32 never reaches 1. `seed` is an integer in 0..2^53;
 * those of the stream from `first` on, a multiple of 4.
 */
export function uniforms(seed: number, stream: Stream, count: number, first = 0): Float32Array {
  return numbers(seed, stream, count, first, (bits) => (bits >>> 8) / 0x1000000);
}

/** `count` standard normal numbers. `seed` is an integer in 0..2^53; those of the stream from `first` on, a multiple of 4. */
export function normals(seed: number, stream: Stream, count: number, first = 0): Float32Array {
  return numbers(seed, stream, count, first, (bits) => inverseNormal((bits + 0.5) / 0x100000000));
}

/** A polynomial, the highest power's coefficient first (Horner). */
function polynomial(coefficients: readonly number[], x: number): number {
  let sum = 0;
  for (let i = 0; i < coefficients.length; i++) sum = sum * x + (coefficients[i] as number);
  return sum;
}

/** 2 / (2 k + 1), from k = 11 down to 0: log((1 + s) / (1 - s)) = s * sum of 2 s^(2k) / (2k + 1). */
const LOG_SERIES = [2 / 23, 2 / 21, 2 / 19, 2 / 17, 2 / 15, 2 / 13, 2 / 11, 2 / 9, 2 / 7, 2 / 5, 2 / 3, 2];

/** The natural logarithm of 0 < x < 1 by exactly rounded operations only: `Math.log` differs between engines. */
function log(x: number): number {
  let mantissa = x;
  let exponent = 0;
  while (mantissa < Math.SQRT1_2) {
    mantissa *= 2;
    exponent -= 1;
  }
  const s = (mantissa - 1) / (mantissa + 1);
  return exponent * Math.LN2 + s * polynomial(LOG_SERIES, s * s);
}

const CENTRE_OVER = [
  2509.0809287301227, 33430.57558358813, 67265.7709270087, 45921.95393154987, 13731.69376550946, 1971.5909503065513, 133.14166789178438,
  3.3871328727963665,
];
const CENTRE_UNDER = [
  5226.495278852854, 28729.085735721943, 39307.89580009271, 21213.794301586597, 5394.196021424751, 687.1870074920579, 42.31333070160091, 1,
];
const TAIL_OVER = [
  0.0007745450142783414, 0.022723844989269184, 0.2417807251774506, 1.2704582524523684, 3.6478483247632045, 5.769497221460691,
  4.630337846156546, 1.4234371107496835,
];
const TAIL_UNDER = [
  1.0507500716444169e-9, 0.0005475938084995345, 0.015198666563616457, 0.14810397642748008, 0.6897673349851, 1.6763848301838038,
  2.053191626637759, 1,
];

/** The normal distribution's quantile (Wichura, 1988, AS241); its far tail is left out: 2^-33 <= p <= 1 - 2^-33 never reaches it. */
function inverseNormal(p: number): number {
  const q = p - 0.5;
  if (q >= -0.425 && q <= 0.425) {
    const r = 0.180625 - q * q;
    return (q * polynomial(CENTRE_OVER, r)) / polynomial(CENTRE_UNDER, r);
  }
  const r = Math.sqrt(-log(q < 0 ? p : 1 - p)) - 1.6;
  const size = polynomial(TAIL_OVER, r) / polynomial(TAIL_UNDER, r);
  return q < 0 ? -size : size;
}

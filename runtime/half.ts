/** Numbers of 16 bits, IEEE half and bfloat16, to and from f32: exact one way, rounded to nearest even the other. */

const scratch = new DataView(new ArrayBuffer(4));

function bitsOf(x: number): number {
  scratch.setFloat32(0, x);
  return scratch.getUint32(0);
}

function fromBits(bits: number): number {
  scratch.setUint32(0, bits);
  return scratch.getFloat32(0);
}

/** The value of a half's bits. */
export function halfToFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/** Shifts right and rounds to nearest, ties to even. */
function roundedShift(x: number, by: number): number {
  const half = 2 ** (by - 1);
  const low = x & (2 * half - 1);
  const high = x >>> by;
  return low > half || (low === half && high & 1) ? high + 1 : high;
}

/** The bits of the half nearest to an f32; beyond 65,504 it rounds to infinity as IEEE says. */
export function floatToHalf(x: number): number {
  const bits = bitsOf(x);
  const sign = (bits >>> 16) & 0x8000;
  const rest = bits & 0x7fffffff;
  if (rest > 0x7f800000) return sign | 0x7e00;
  if (rest >= 0x47800000) return sign | 0x7c00;
  // From 2^-14 on a half is normal: moving the exponent's bias by 112 and rounding carries over into the exponent rightly.
  if (rest >= 0x38800000) return sign | roundedShift(rest - 0x38000000, 13);
  const exponent = rest >>> 23;
  if (exponent < 102) return sign;
  return sign | roundedShift((rest & 0x7fffff) | 0x800000, 126 - exponent);
}

/** The value of a bfloat16's bits: they are an f32's upper half. */
export function brainToFloat(bits: number): number {
  return fromBits((bits << 16) >>> 0);
}

/** The bits of the bfloat16 nearest to an f32. */
export function floatToBrain(x: number): number {
  const bits = bitsOf(x);
  if ((bits & 0x7fffffff) > 0x7f800000) return (bits >>> 16) | 0x40;
  return roundedShift(bits, 16) & 0xffff;
}

let table: Float32Array | undefined;

/** All values of an array of halves, by a table of 65,536 made at the first call. */
export function halvesToFloats(halves: Uint16Array): Float32Array {
  table ??= Float32Array.from({ length: 0x10000 }, (_, bits) => halfToFloat(bits));
  const out = new Float32Array(halves.length);
  for (let i = 0; i < halves.length; i++) out[i] = table[halves[i] ?? 0] ?? 0;
  return out;
}

/** The bits of the nearest halves of an array. */
export function floatsToHalves(floats: Float32Array): Uint16Array {
  const out = new Uint16Array(floats.length);
  for (let i = 0; i < floats.length; i++) out[i] = floatToHalf(floats[i] ?? 0);
  return out;
}

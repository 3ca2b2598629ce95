/** Numbers to their exponentials and logarithms by operations that IEEE 754 fixes: `Math.exp`, `Math.log` and `**` differ between engines, and what is built must not (law 5). */

/** The first has zeros enough at its end that its product with a small whole number is exact; both add up to ln 2. */
const [ln2High, ln2Low] = [0.6931471803691238, 1.9082149292705877e-10];

/** e^x to about 1e-16 of it; 0 and infinity where doubles end. */
export function exponential(x: number): number {
  if (x < -750) return 0;
  if (x > 710) return Number.POSITIVE_INFINITY;
  const doublings = Math.round(x / Math.LN2);
  const rest = x - doublings * ln2High - doublings * ln2Low;
  // The rest is at most 0.35: the sixteenth term of the series is below 1e-20.
  let sum = 1;
  for (let n = 16; n >= 1; n--) sum = 1 + (sum * rest) / n;
  for (let i = 0; i < Math.abs(doublings); i++) sum *= doublings < 0 ? 0.5 : 2;
  return sum;
}

/** The natural logarithm of x > 0, by ln((1 + s) / (1 - s)) = 2 s Σ s^(2n) / (2n + 1). */
export function logarithm(x: number): number {
  let [mantissa, doublings] = [x, 0];
  for (; mantissa > Math.SQRT2; doublings++) mantissa *= 0.5;
  for (; mantissa < Math.SQRT1_2; doublings--) mantissa *= 2;
  const s = (mantissa - 1) / (mantissa + 1);
  // s is at most 0.172: the twelfth term of the series is below 1e-18.
  let sum = 0;
  for (let n = 11; n >= 0; n--) sum = sum * s * s + 1 / (2 * n + 1);
  return doublings * ln2High + (2 * s * sum + doublings * ln2Low);
}

/** Figures of tests to probabilities: tails of the normal and of Student's distribution. */

/** P(Z > z) of a standard normal, to 1e-12 of itself: erfc by its series about 0, and by its continued fraction far from it (Abramowitz and Stegun, 7.1.6 and 7.1.14). */
export function normalUpper(z: number): number {
  if (z < 0) return 1 - normalUpper(-z);
  const x = z / Math.SQRT2;
  if (x > 2.5) return fraction(x) / 2;
  let [term, sum] = [x, x];
  for (let n = 1; Math.abs(term) > 1e-17 * sum; n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return 0.5 - (Math.exp(-x * x) * sum) / Math.sqrt(Math.PI);
}

function fraction(x: number): number {
  let denominator = x;
  for (let n = 40; n >= 1; n--) denominator = x + n / 2 / denominator;
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / denominator;
}

/** P(|T| > t) of Student's distribution with a whole number of degrees of freedom (Abramowitz and Stegun, 26.7.3 and 26.7.4). */
export function studentOutside(t: number, freedom: number): number {
  const angle = Math.atan(Math.abs(t) / Math.sqrt(freedom));
  const [sine, cosine] = [Math.sin(angle), Math.cos(angle)];
  const isOdd = freedom % 2 === 1;
  let [term, sum] = isOdd ? [cosine, 0] : [1, 0];
  for (let n = isOdd ? 3 : 2; n <= freedom; n += 2) {
    sum += term;
    term *= (cosine * cosine * (n - 1)) / n;
  }
  return 1 - (isOdd ? (2 / Math.PI) * (angle + sine * sum) : sine * sum);
}

/** Where a twentieth is left outside, to a millionth of itself. `outside` falls from 1 to 0; `begin` is where it is looked for first. */
export function reachOf(outside: (distance: number) => number, begin: number): number {
  let [inner, outer] = [0, begin];
  while (outside(outer) > 0.05) outer *= 2;
  while (outer - inner > 1e-6 * outer) {
    const middle = (inner + outer) / 2;
    if (outside(middle) > 0.05) inner = middle;
    else outer = middle;
  }
  return outer;
}

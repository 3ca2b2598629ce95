/** A probability to the quantile of the beta distribution with both parameters 0.6, whose density is highest at both ends. */

const shape = 0.6;

/** B(0.6, 0.6) = Γ(0.6)² / Γ(1.2). */
const whole = 2.4153442080024714;

/** The value that the distribution stays below with this probability, by halving: 60 times, beyond which f64 knows no more. */
export function betaQuantile(probability: number): number {
  if (probability <= 0) return 0;
  if (probability >= 1) return 1;
  // Symmetric about a half.
  if (probability > 0.5) return 1 - betaQuantile(1 - probability);
  let [low, high] = [0, 0.5];
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (below(middle) < probability) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** The probability of less than x ≤ 1/2: x^a / a · Σ (1 - b)(2 - b)…(n - b) / n! · a / (a + n) · xⁿ, divided by B (DLMF 8.17.7 and 15.2.1). */
function below(x: number): number {
  let term = 1;
  let sum = 1 / shape;
  for (let n = 1; n < 200; n++) {
    term *= ((n - shape) / n) * x;
    sum += term / (shape + n);
    if (term < 1e-18) break;
  }
  return (x ** shape * sum) / whole;
}

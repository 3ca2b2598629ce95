/** The network's output for both halves of a guided batch to the output that the sampler takes. */

/** Classifier-free guidance (Ho and Salimans, 2022): u + guidance (c - u), of [prompt half c, empty-prompt half u]. */
export function guide(stacked: Float32Array, guidance: number): Float32Array {
  const half = stacked.length / 2;
  const out = new Float32Array(half);
  for (let i = 0; i < half; i++) {
    const u = stacked[half + i] ?? 0;
    out[i] = u + guidance * ((stacked[i] ?? 0) - u);
  }
  return out;
}

/** A noise level, and what solvers measure of it. */

/** Latents are signal·clean + noise·(standard normals). */
export interface Level {
  /** What the network is told; the last level of a list, where it is not asked, has the time -1. */
  readonly time: number;
  readonly signal: number;
  readonly noise: number;
}

/** The latents' variance stays one: signal² + noise² = 1. */
export function levelOf(time: number, alphaBar: number): Level {
  return { time, signal: Math.sqrt(alphaBar), noise: Math.sqrt(1 - alphaBar) };
}

/** The same by σ, noise over signal. */
export function levelOfSigma(time: number, sigma: number): Level {
  const signal = 1 / Math.sqrt(sigma * sigma + 1);
  return { time, signal, noise: sigma * signal };
}

/** Of flow matching: signal + noise = 1. */
export function flowLevel(time: number, sigma: number): Level {
  return { time, signal: 1 - sigma, noise: sigma };
}

/** Half the log of the signal-to-noise ratio: λ of Lu et al. (2022). */
export function logRatio({ signal, noise }: Level): number {
  return Math.log(signal / noise);
}

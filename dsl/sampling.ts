/** The words and figures of a sampler, told once: the language checks them, packages hold them, and the runtime has a row for each. */

/** `dpm++…` are DPM-Solver++ with its order, m multistep and s singlestep; `dpm-multistep` and `dpm-singlestep` take `algorithm` and `order`. */
export const methods = [
  "ddim",
  "ddpm",
  "pndm",
  "lcm",
  "euler",
  "euler-ancestral",
  "heun",
  "lms",
  "dpm++2m",
  "dpm++2m-sde",
  "dpm++3m",
  "dpm++2s",
  "dpm++3s",
  "dpm-multistep",
  "dpm-singlestep",
  "unipc",
] as const;
export type Method = (typeof methods)[number];

/** What the looped graph says: the noise, v, the clean latent itself, or the way from clean to noise. */
export const predictions = ["epsilon", "v", "sample", "flow"] as const;
export type Prediction = (typeof predictions)[number];

/** `trained`: `betas` are given one by one. `flow`: flow matching, where a latent is (1 - σ)·clean + σ·noise. */
export const schedules = ["scaled-linear", "linear", "cosine", "sigmoid", "laplace", "exp", "trained", "flow"] as const;
export type Schedule = (typeof schedules)[number];

export const spacings = ["leading", "trailing", "linspace"] as const;
export type Spacing = (typeof spacings)[number];

/** How noise levels are spread between the largest and the smallest, where not by times. */
export const spreads = ["karras", "exponential", "beta", "lu"] as const;
export type Spread = (typeof spreads)[number];

/** Where the last step goes: to the clean latent, or to the lowest level of the training. */
export const finals = ["zero", "sigma-min"] as const;
export type Final = (typeof finals)[number];

export const timestepTypes = ["discrete", "continuous"] as const;
export type TimestepType = (typeof timestepTypes)[number];

export const interpolations = ["linear", "log-linear"] as const;
export type Interpolation = (typeof interpolations)[number];

export const timeShifts = ["exponential", "linear"] as const;
export type TimeShift = (typeof timeShifts)[number];

export const variances = ["fixed-small", "fixed-small-log", "fixed-large"] as const;
export type Variance = (typeof variances)[number];

export const algorithms = ["dpmsolver++", "dpmsolver", "sde-dpmsolver++", "sde-dpmsolver"] as const;
export type Algorithm = (typeof algorithms)[number];

export const solverTypes = ["midpoint", "heun", "bh1", "bh2"] as const;
export type SolverType = (typeof solverTypes)[number];

export type FigureKind = "int" | "float" | "bool" | "ints" | "floats" | { readonly words: readonly string[]; readonly orFloats?: true };

export interface Figure {
  readonly kind: FigureKind;
  /** What it is where it is not said; absent where it must be said. `null`: what the others make of it. */
  readonly default?: unknown;
  /** Whether it tells of the training, which no caller changes. */
  readonly trained?: true;
}

/** Every figure of a sampler, in the order in which they are explained. */
export const figures = {
  method: { kind: { words: methods } },
  steps: { kind: "int" },
  guidance: { kind: "float" },
  predicts: { kind: { words: predictions }, trained: true },
  schedule: { kind: { words: schedules }, trained: true },
  betas: { kind: "floats", default: [], trained: true },
  trainSteps: { kind: "int", trained: true },
  zeroSnr: { kind: "bool", default: false, trained: true },
  timestepType: { kind: { words: timestepTypes }, default: "discrete", trained: true },
  eta: { kind: "float", default: 0 },
  spacing: { kind: { words: spacings }, default: null },
  stepsOffset: { kind: "int", default: 1 },
  timesteps: { kind: "floats", default: null },
  sigmas: { kind: { words: spreads, orFloats: true }, default: null },
  sigmaMin: { kind: "float", default: null },
  sigmaMax: { kind: "float", default: null },
  interpolation: { kind: { words: interpolations }, default: "linear" },
  final: { kind: { words: finals }, default: null },
  shift: { kind: "float", default: 1 },
  mu: { kind: "float", default: null },
  timeShift: { kind: { words: timeShifts }, default: "exponential" },
  shiftTerminal: { kind: "float", default: null },
  clip: { kind: "float", default: null },
  threshold: { kind: "float", default: null },
  sampleMax: { kind: "float", default: 1 },
  variance: { kind: { words: variances }, default: "fixed-small" },
  algorithm: { kind: { words: algorithms }, default: null },
  order: { kind: "int", default: null },
  solverType: { kind: { words: solverTypes }, default: null },
  lowerOrderFinal: { kind: "bool", default: true },
  eulerAtFinal: { kind: "bool", default: false },
  lambdaMin: { kind: "float", default: null },
  predictX0: { kind: "bool", default: true },
  disableCorrector: { kind: "ints", default: [] },
  skipPrk: { kind: "bool", default: true },
  originalSteps: { kind: "int", default: 50 },
  timestepScaling: { kind: "float", default: 10 },
} as const satisfies { readonly [name: string]: Figure };
export type FigureName = keyof typeof figures;

/** Where a condition, an input of the looped graph that no step changes, comes from. */
export const sources = ["text", "image", "number", "class", "tensor"] as const;
export type Source = (typeof sources)[number];

/** The word for a condition that is in the unguided half what it is in the guided one. */
export const same = "same";

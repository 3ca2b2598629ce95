/** What each sampling method takes: which times it visits where nothing else is said, and which figures it reads. */

import type { Algorithm, Final, Method, SolverType, Spacing } from "../../dsl/sampling.ts";

export interface MethodRow {
  /**
   * How diffusers spaces the times of its schedulers of this kind.
   * table: n whole times. points: n times, of which evenly spaced ones need not be whole. intervals: n + 1 whole times, without the
   * last. distilled: every so manyth of those that a latent consistency model was distilled at.
   */
  readonly times: "table" | "points" | "intervals" | "distilled";
  /** Where nothing else is said; of the schedules that end short of pure noise. */
  readonly spacing: Spacing;
  readonly final: Final;
  /** Spacings that it has; all where not said. */
  readonly spacings?: readonly Spacing[];
  /** Whether it knows flow matching. */
  readonly flow: boolean;
  /** Whether it takes times one by one. */
  readonly listable: boolean;
  /** Whether predictions of the clean latent can be clamped. */
  readonly limits: boolean;
  /** The order where none is said, and the lowest and highest. */
  readonly order?: number;
  readonly orders?: readonly [number, number];
  readonly algorithms?: readonly Algorithm[];
  readonly solverTypes?: readonly SolverType[];
}

const table = { times: "table", spacing: "leading", final: "sigma-min", flow: false, listable: true, limits: true } as const;
const points = { times: "points", spacing: "trailing", final: "zero", flow: true, listable: true, limits: true } as const;
const dpm = { ...points, times: "intervals", solverTypes: ["midpoint", "heun"] } as const;
const dpmOf = (order: number, algorithm: Algorithm) => ({ ...dpm, order, orders: [order, order], algorithms: [algorithm] }) as const;

/** How often a whole clip's loop runs the network: some methods take a step by several evaluations. */
export function networkRuns({
  method,
  steps,
  skipPrk,
}: {
  readonly method: Method;
  readonly steps: number;
  readonly skipPrk: boolean;
}): number {
  if (method === "heun") return 2 * steps - 1;
  if (method !== "pndm") return steps;
  // The first step twice; or the first three by Runge and Kutta's four, but for the last of all.
  return steps + (skipPrk ? Math.min(1, steps - 1) : 3 * Math.min(3, steps - 1));
}

/** Stable Diffusion's schedule ends short of pure noise, and its DDIM and PNDM start and stop as CompVis's and diffusers' do. */
export const methodRows: { readonly [M in Method]: MethodRow } = {
  ddim: table,
  ddpm: { ...table, final: "zero" },
  pndm: { ...table, limits: false, listable: false },
  lcm: { ...table, times: "distilled", final: "zero", listable: false },
  euler: points,
  "euler-ancestral": points,
  heun: points,
  lms: { ...points, order: 4, orders: [1, 4] },
  "dpm++2m": dpmOf(2, "dpmsolver++"),
  "dpm++2m-sde": dpmOf(2, "sde-dpmsolver++"),
  "dpm++3m": dpmOf(3, "dpmsolver++"),
  "dpm++2s": dpmOf(2, "dpmsolver++"),
  "dpm++3s": dpmOf(3, "dpmsolver++"),
  "dpm-multistep": { ...dpm, order: 2, orders: [1, 3], algorithms: ["dpmsolver++", "dpmsolver", "sde-dpmsolver++", "sde-dpmsolver"] },
  "dpm-singlestep": { ...dpm, order: 2, orders: [1, 3], algorithms: ["dpmsolver++", "dpmsolver", "sde-dpmsolver++"] },
  unipc: { ...points, times: "intervals", order: 2, orders: [1, 3], solverTypes: ["bh1", "bh2"] },
};

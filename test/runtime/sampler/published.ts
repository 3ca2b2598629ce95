// What diffusers' own tests of its schedulers print of whole loops: the configuration in our words, and the sum or the mean of the absolute values.

import type { SamplerFigures } from "../../../compiler/package/sampler-figures.ts";

export interface Published {
  /** The test of tests/schedulers, of diffusers at 58eb52c080. */
  readonly test: string;
  readonly figures: Partial<SamplerFigures>;
  /** As it is printed. */
  readonly sum?: string;
  readonly mean?: string;
  /** What diffusers computes, run at that commit with PyTorch 2.13: where the print is further off, within its test's own tolerance of 1e-3 of any mean. */
  readonly computed?: { readonly sum: string };
  /** The level that the loop begins at, where it is not the first: with the sample noised to it. */
  readonly from?: number;
  /** diffusers' LMS weighs slopes there as if it had those of the levels before; ours begins anew. */
  readonly asIfBegun?: true;
  /** Samples of [4, 3, 8] in place of [4, 3, 8, 8]. */
  readonly line?: true;
}

const linear = { schedule: "linear", betas: [0.0001, 0.02], trainSteps: 1000, steps: 10, predicts: "epsilon" } as const;
const v = { predicts: "v" } as const;
const karras = { sigmas: "karras" } as const;
/** Of schedulers that take σ's range from the training, so that no spacing counts. */
const wide = { ...karras, spacing: null } as const;

const ddim = { ...linear, method: "ddim", stepsOffset: 0, clip: 1, final: "zero" } as const;
const late = { ...ddim, betas: [0.01, 0.02] } as const;
const ddpm = { ...linear, method: "ddpm", stepsOffset: 0, clip: 1, steps: 1000 } as const;
const points = { ...linear, trainSteps: 1100, spacing: "linspace" } as const;
const euler = { ...points, method: "euler" } as const;
const ancestral = { ...points, method: "euler-ancestral" } as const;
const heun = { ...points, method: "heun" } as const;
const lms = { ...points, method: "lms" } as const;
const pndm = { ...linear, method: "pndm", stepsOffset: 0, skipPrk: false } as const;
const shortPndm = { ...pndm, betas: [0.01, 0.02] } as const;
const multi = { ...linear, method: "dpm-multistep", spacing: "linspace", lowerOrderFinal: false, final: "sigma-min" } as const;
const single = { ...linear, method: "dpm-singlestep", spacing: "linspace", lowerOrderFinal: false, final: "sigma-min" } as const;
const unipc = { ...linear, method: "unipc", spacing: "linspace", final: "sigma-min" } as const;
const lcm = { ...linear, method: "lcm", schedule: "scaled-linear", betas: [0.00085, 0.012] } as const;

export const published: readonly Published[] = [
  { test: "ddim no_noise", figures: ddim, sum: "172.0067", mean: "0.223967" },
  { test: "ddim v_prediction", figures: { ...ddim, ...v }, sum: "52.5302", mean: "0.0684" },
  { test: "ddim set_alpha_to_one", figures: late, sum: "149.8295", mean: "0.1951" },
  { test: "ddim no_set_alpha_to_one", figures: { ...late, final: "sigma-min" }, sum: "149.0784", mean: "0.1941" },
  { test: "ddim with_noise", figures: ddim, sum: "354.5418", mean: "0.4616", from: 8 },
  { test: "ddpm no_noise", figures: ddpm, sum: "258.9606", mean: "0.3372" },
  { test: "ddpm v_prediction", figures: { ...ddpm, ...v }, sum: "202.0296", mean: "0.2631" },
  { test: "ddpm with_noise", figures: ddpm, sum: "387.9466", mean: "0.5051", from: 998 },
  { test: "euler no_noise", figures: euler, sum: "10.0807", mean: "0.0131" },
  { test: "euler v_prediction", figures: { ...euler, ...v }, sum: "0.0002", mean: "2.2676e-06", computed: { sum: "2.41815e-10" } },
  { test: "euler karras_sigmas", figures: { ...euler, ...karras }, sum: "124.52299499511719", mean: "0.16213932633399963" },
  { test: "euler with_noise", figures: euler, sum: "57062.9297", mean: "74.3007", from: 8 },
  { test: "euler_ancestral no_noise", figures: ancestral, sum: "152.3192", mean: "0.1983" },
  { test: "euler_ancestral v_prediction", figures: { ...ancestral, ...v }, sum: "108.4439", mean: "0.1412" },
  { test: "euler_ancestral with_noise", figures: ancestral, sum: "56163.0508", mean: "73.1290", from: 8 },
  { test: "heun no_noise", figures: heun, sum: "0.1233", mean: "0.0002" },
  { test: "heun v_prediction", figures: { ...heun, ...v }, sum: "4.6934e-07", mean: "6.1112e-10", computed: { sum: "4.923867e-07" } },
  { test: "heun karras_sigmas", figures: { ...heun, ...karras }, sum: "0.00015", mean: "1.9869554535034695e-07" },
  { test: "heun with_noise", figures: heun, sum: "75074.8906", mean: "97.7538", from: 8 },
  { test: "lms no_noise", figures: lms, sum: "1006.388", mean: "1.31" },
  { test: "lms v_prediction", figures: { ...lms, ...v }, sum: "0.0017", mean: "2.2676e-06" },
  { test: "lms karras_sigmas", figures: { ...lms, ...karras }, sum: "3812.9927", mean: "4.9648" },
  { test: "lms with_noise", figures: lms, sum: "27663.6895", mean: "36.0204", from: 8, asIfBegun: true },
  { test: "pndm no_noise", figures: pndm, sum: "198.1318", mean: "0.2580" },
  { test: "pndm v_prediction", figures: { ...pndm, ...v }, sum: "67.3986", mean: "0.0878" },
  { test: "pndm set_alpha_to_one", figures: { ...shortPndm, final: "zero" }, sum: "230.0399", mean: "0.2995" },
  { test: "pndm no_set_alpha_to_one", figures: shortPndm, sum: "186.9482", mean: "0.2434" },
  { test: "dpm_multi no_noise", figures: multi, mean: "0.3301" },
  { test: "dpm_multi no_noise_thres", figures: { ...multi, threshold: 0.87, sampleMax: 0.5 }, mean: "1.1364" },
  { test: "dpm_multi v_prediction", figures: { ...multi, ...v }, mean: "0.2251" },
  { test: "dpm_multi karras_and_v_prediction", figures: { ...multi, ...v, ...wide }, mean: "0.2096", computed: { sum: "160.6642" } },
  { test: "dpm_multi lu_and_v_prediction", figures: { ...multi, ...v, ...wide, sigmas: "lu" }, mean: "0.1554" },
  { test: "dpm_multi with_noise", figures: multi, sum: "318.4111", mean: "0.4146", from: 5 },
  { test: "dpm_single no_noise", figures: single, mean: "0.2791" },
  { test: "dpm_single karras", figures: { ...single, ...wide }, mean: "0.2248" },
  { test: "dpm_single v_prediction", figures: { ...single, ...v }, mean: "0.1453" },
  { test: "dpm_single karras_and_v_prediction", figures: { ...single, ...v, ...wide }, mean: "0.0649" },
  { test: "dpm_single with_noise", figures: single, sum: "269.2187", mean: "0.3505", from: 5 },
  { test: "unipc no_noise", figures: unipc, mean: "0.2464" },
  { test: "unipc karras", figures: { ...unipc, ...wide }, mean: "0.2925" },
  { test: "unipc v_prediction", figures: { ...unipc, ...v }, mean: "0.1014" },
  { test: "unipc karras_and_v_prediction", figures: { ...unipc, ...v, ...wide }, mean: "0.1966", computed: { sum: "150.68729" } },
  { test: "unipc with_noise", figures: unipc, sum: "315.5757", mean: "0.4109", from: 8 },
  { test: "unipc 1D no_noise", figures: unipc, mean: "0.2441", line: true },
  { test: "unipc 1D karras", figures: { ...unipc, ...wide }, mean: "0.2898", line: true },
  { test: "unipc 1D v_prediction", figures: { ...unipc, ...v }, mean: "0.1014", line: true, computed: { sum: "9.6452217" } },
  { test: "unipc 1D karras_and_v_prediction", figures: { ...unipc, ...v, ...wide }, mean: "0.1944", line: true },
  { test: "unipc 1D with_noise", figures: unipc, sum: "39.0870", mean: "0.4072", from: 8, line: true },
  { test: "lcm onestep", figures: { ...lcm, steps: 1 }, sum: "18.7097", mean: "0.0244" },
  { test: "lcm multistep", figures: lcm, sum: "197.7616", mean: "0.2575" },
];

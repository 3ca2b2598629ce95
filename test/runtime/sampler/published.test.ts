// Whole loops against the sums that diffusers' own tests print: its dummy network, x t / (t + 1), as a package, sampled through the pipeline.

import { rmSync } from "node:fs";
import { afterAll, describe, expect, test } from "vitest";
import { compile } from "../../../compiler/compile.ts";
import type { Method, SamplerFigures } from "../../../compiler/package/sampler-figures.ts";
import { createPipeline, openPackage, type Package, packageFolder } from "../../../runtime/index.ts";
import { sampleByGraphs } from "../../../runtime/loop.ts";
import { onnxRunner } from "../../../runtime/node/onnx-session.ts";
import type { Level } from "../../../runtime/sampler/level.ts";
import { normals } from "../../../runtime/sampler/random.ts";
import { trajectory } from "../../../runtime/sampler/sampler.ts";
import type { SamplerStep } from "../../../runtime/sampler/step.ts";
import type { GraphRunner, SamplingJob } from "../../../runtime/session.ts";
import { f32 } from "../../../runtime/tensor.ts";
import { programOf } from "../../compiler/expand/expanded.ts";
import { plansOf, writePackage } from "../../golden/package-folder.ts";
import { noGpu, openRunnerOnShared } from "../../gpu.ts";
import { byFlow, byVariance } from "./computed.ts";
import { type Published, published } from "./published.ts";
import { torchNormals } from "./torch-normals.ts";

const source = `
dim B = 4; dim H = 8; dim W = 8;
type Samples = Tensor<float, [B, 3, H, W]>;
model Dummy {
  graph denoise(z: Samples, t: Tensor<f32, [B]>): Samples {
    const time = view(t, [B, 1, 1, 1]);
    return z * time / (time + 1.0);
  }
  sampler denoise(z, t) {
    method: "ddim", steps: 10, guidance: 1, predicts: "epsilon", schedule: "linear", betas: [0.0001, 0.02], trainSteps: 1000,
  }
}
`;

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

function packageOf(settings: { readonly [name: string]: number }): string {
  const result = compile(programOf(source), { precision: "f32", settings });
  if (!result.ok) throw new Error(result.diagnostics.map(({ message }) => message).join("; "));
  const folder = writePackage(result.module, () => new Float32Array(), undefined, { onnx: true, plans: plansOf(result.module) });
  folders.push(folder);
  return folder;
}

/** The dummy sample and the dummy noise: counted up, or down, with the samples innermost. */
function dummies(count: number): { readonly sample: Float32Array; readonly noise: Float32Array } {
  const size = count / 4;
  const place = (i: number) => (i % size) * 4 + Math.floor(i / size);
  const sample = Float32Array.from({ length: count }, (_, i) => place(i) / count);
  return { sample, noise: Float32Array.from({ length: count }, (_, i) => (count - 1 - place(i)) / count) };
}

/** Schedulers whose latents are clean + σ·noise, divided by sqrt(σ² + 1) = 1 / signal for the network. */
const scaled: readonly Method[] = ["euler", "euler-ancestral", "heun", "lms"];

/**
 * diffusers' tests of those take the latent that was divided for the network into the scheduler's step as well. In our terms, where the
 * latent is divided already, each step reads signal times the latent.
 */
function readScaled(steps: readonly SamplerStep[], start: Level): readonly SamplerStep[] {
  return steps.map((step, i) => {
    const { signal } = steps[i - 1]?.level ?? start;
    const [latent, ...registers] = step.rows.map((row) => row.map((weight, j) => (j === 0 ? weight * signal : weight)));
    return { ...step, rows: [latent ?? [], ...registers] };
  });
}

/** Whether a loop is one of diffusers' tests, or a right one. */
type Loop = "as tested" | "right";

/** The job as diffusers has it: its start, and PyTorch's numbers of seed 0 in the order in which a scheduler asks for them. */
function asDiffusers(job: SamplingJob, { from = 0, asIfBegun }: Partial<Published>, all: SamplerFigures, loop: Loop): SamplingJob {
  const { start, steps: begunAnew } = trajectory(all, from);
  const steps = asIfBegun ? trajectory(all).steps.slice(from) : begunAnew;
  const { sample, noise } = dummies(job.start.length);
  const normals = torchNormals(0);
  const isScaled = scaled.includes(all.method) && all.schedule !== "flow";
  const { signal, noise: most } = trajectory(all).start;
  // Such a sample is multiplied by the first σ, or with leading times by sqrt(σ² + 1), and noised by the σ that the loop begins at.
  const clean = isScaled ? (all.spacing === "leading" ? 1 : most) / signal : 1;
  const begun = sample.map((value, i) => start.signal * clean * value + (from === 0 ? 0 : start.noise * (noise[i] ?? 0)));
  return {
    ...job,
    steps: isScaled && loop === "as tested" ? readScaled(steps, start) : steps,
    start: from === 0 && !isScaled ? job.start : begun,
    noise: () => normals(job.start.length),
  };
}

async function looped(one: Omit<Published, "test">, pack: Package, runner: GraphRunner, loop: Loop): Promise<Float32Array> {
  const { predicts, schedule, betas, trainSteps, zeroSnr = false, timestepType = "discrete", ...options } = one.figures;
  const { sampler } = pack.manifest;
  if (sampler === null) throw new Error("no sampler");
  const trained = { ...sampler, method: options.method, predicts, schedule, betas, trainSteps, zeroSnr, timestepType } as typeof sampler;
  const sample = (job: SamplingJob) => {
    const changed = asDiffusers(job, one, { ...trained, ...options }, loop);
    return runner.sample?.(changed) ?? sampleByGraphs(runner, changed);
  };
  const pipeline = createPipeline({ ...pack, manifest: { ...pack.manifest, sampler: trained } }, { ...runner, sample });
  const shape = one.line ? [1, 3, 8, 1] : [1, 3, 8, 8];
  const size = shape.reduce((a, b) => a * b);
  const { sample: whole } = dummies(4 * size);
  const requests = [0, 1, 2, 3].map((i) => ({ latent: f32(shape, whole.slice(i * size, (i + 1) * size)) }));
  const latents = await pipeline.sampleLatents(requests, options);
  return Float32Array.from(latents.flatMap(({ data }) => [...data]));
}

/** Half a unit of the last digit that was printed, or a thousandth: what the issue of sampling allows, as their arithmetic is of f32. */
function expectPrinted(found: number, printed: string | undefined, what: string): void {
  if (printed === undefined) return;
  const [mantissa = "", exponent = "0"] = printed.split("e");
  const digits = mantissa.split(".")[1]?.length ?? 0;
  const tolerance = Math.max(1e-3 * Number(printed), 0.5 * 10 ** (Number(exponent) - digits));
  if (!(Math.abs(found - Number(printed)) <= tolerance)) expect.fail(`${what} is ${found}, printed ${printed}`);
}

function expectPublished(one: Published, latents: Float32Array): void {
  const sum = latents.reduce((total, value) => total + Math.abs(value), 0);
  if (one.computed !== undefined) return expectPrinted(sum, one.computed.sum, "the sum");
  expectPrinted(sum, one.sum, "the sum");
  expectPrinted(sum / latents.length, one.mean, "the mean");
}

const square = packageOf({});

describe("through ONNX Runtime", () => {
  const opened = [square, packageOf({ W: 1 })].map(async (folder) => {
    const pack = await openPackage(packageFolder(folder));
    return { pack, runner: onnxRunner(pack, folder, { threads: 1 }) };
  });
  afterAll(async () => {
    for (const { runner } of await Promise.all(opened)) await runner.dispose();
  });

  test.each(published)("$test", async (one) => {
    const { pack, runner } = await (opened[one.line ? 1 : 0] as (typeof opened)[number]);
    expectPublished(one, await looped(one, pack, runner, "as tested"));
  });

  /** Stable Diffusion's largest σ, as k-diffusion prints it. */
  const largest = 14.6146;
  const byNoise = largest / Math.sqrt(largest ** 2 + 1);
  test.each([
    [{ method: "euler", steps: 4 }, byNoise],
    [{ method: "euler", steps: 4, spacing: "linspace" }, byNoise],
    [{ method: "heun", steps: 4, sigmas: "karras" }, byNoise],
    [{ method: "lms", steps: 2, sigmas: [3, 1] }, 3 / Math.sqrt(10)],
    // sqrt(σ² + 1), divided by itself.
    [{ method: "euler-ancestral", steps: 4, spacing: "leading" }, 1],
    [{ method: "dpm++2m", steps: 4 }, 1],
    [{ method: "ddim", steps: 4, spacing: "trailing" }, 1],
  ] as const)("a clip of %o begins at init_noise_sigma", async (options, factor) => {
    const { pack, runner } = await (opened[0] as (typeof opened)[number]);
    const trained = { ...pack.manifest.sampler, schedule: "scaled-linear", betas: [0.00085, 0.012] } as NonNullable<
      typeof pack.manifest.sampler
    >;
    const pipeline = createPipeline({ ...pack, manifest: { ...pack.manifest, sampler: trained } }, runner);
    const start = normals(7, 0, 3 * 8 * 8).map((value) => factor * value);
    const [of, by] = await pipeline.sampleLatents([{ seed: 7 }, { seed: 7, latent: f32([1, 3, 8, 8], start) }], options);
    const norm = Math.sqrt(start.reduce((total, value) => total + value ** 2, 0));
    const apart = Math.sqrt([...(of?.data ?? [])].reduce((total, value, i) => total + (Number(value) - Number(by?.data[i])) ** 2, 0));
    // σ has six digits, of which the factor has the square's: 1e-7; f32 as much. A start of 1 ends 8e-4 away.
    expect(apart / norm).toBeLessThan(2e-5);
  });

  const usual = { schedule: "linear", betas: [0.0001, 0.02], trainSteps: 1000, steps: 10, predicts: "v" } as const;
  const flow = { schedule: "flow", betas: [], trainSteps: 1000, steps: 10, predicts: "flow" } as const;
  const computed = [
    ...byVariance.map(([figures, sum]) => ({ said: figures, figures: { ...usual, ...figures }, sum })),
    ...byFlow.map(([figures, sum]) => ({ said: figures, figures: { ...flow, ...figures }, sum })),
  ].map((one) => ({ ...one, name: JSON.stringify(one.said).slice(0, 150) }));
  test.each(computed)("$name", async ({ figures, sum }) => {
    const { pack, runner } = await (opened[0] as (typeof opened)[number]);
    const found = (await looped({ figures }, pack, runner, "right")).reduce((total, value) => total + Math.abs(value), 0);
    // As for what is printed: their arithmetic is of f32, in which the first alpha-bar's share of noise has four digits.
    expect(Math.abs(found / sum - 1), `the sum is ${found}`).toBeLessThan(1e-3);
  });
});

/** One of each number of registers, of each limit, and of fresh noise. */
const onDevice = [
  "ddim no_noise",
  "heun v_prediction",
  "euler_ancestral no_noise",
  "lms no_noise",
  "pndm no_noise",
  "unipc no_noise",
].concat(["dpm_multi no_noise_thres", "dpm_single karras", "lcm multistep"]);

describe.skipIf(noGpu !== undefined)("on a device", () => {
  test.each(published.filter(({ test: name }) => onDevice.includes(name)))("$test", async (one) => {
    const pack = await openPackage(packageFolder(square));
    const runner = await openRunnerOnShared(square);
    expectPublished(one, await looped(one, pack, runner, "as tested"));
    await runner.dispose();
  });
});

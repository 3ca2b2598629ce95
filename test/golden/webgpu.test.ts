// Every block and graph of the goldens on WebGPU, against the tensors that the hand-written PyTorch model made.

import { rmSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { Module } from "../../compiler/module/module.ts";
import { type DeviceLimits, defaultLimits } from "../../compiler/targets/webgpu/plan/limits.ts";
import { floatsOf, type TensorData } from "../../runtime/tensor.ts";
import { noGpu, openRunnerOnShared } from "../gpu.ts";
import { caseNames, compileFile, type GoldenCase, goldenWeight, readCase, relativeError, shortened } from "./cases.ts";
import { plansOf, writePackage } from "./package-folder.ts";

/** Two engines sum the same products in different orders: f32 rounding over the depth of the network reaches some 1e-5. */
const tolerance = 1e-4;
/** Halves carry 11 bits: each of some hundred values in a row may be stored wrong by 5e-4 of itself. */
const halfTolerance = 2e-2;

/** Which of a kernel's variants runs; the plan's own where it is none. */
type Pick = (variants: readonly string[]) => string | undefined;

/** One graph of a compiled file on the device, fed with the case's inputs. */
async function runOn(
  compiled: Module,
  name: string,
  golden: GoldenCase,
  { limits = defaultLimits, pick = () => undefined }: { limits?: DeviceLimits; pick?: Pick } = {},
): Promise<TensorData> {
  const graph = compiled.graphs.get(name);
  if (graph === undefined) throw new Error(`no graph ${name}`);
  const alone = { ...compiled, graphs: new Map([[name, graph]]), sampler: null };
  const plans = plansOf(alone, limits);
  const folder = writePackage(alone, goldenWeight, undefined, { onnx: false, plans });
  const choices = new Map<string, string>();
  for (const { kernel, variants = [] } of plans.get(name)?.plan.dispatches ?? []) {
    const other = choices.has(kernel) ? undefined : pick(variants.map((variant) => variant.kernel));
    if (other !== undefined) choices.set(kernel, other);
  }
  const tunings = { read: async () => Object.fromEntries(choices), write: async () => {} };
  const runner = await openRunnerOnShared(folder, { tunings });
  try {
    return Object.values(await runner.run(name, Object.fromEntries(golden.inputs)))[0] as TensorData;
  } finally {
    await runner.dispose();
    rmSync(folder, { recursive: true });
  }
}

/** Half of the frames have every form of kernel that all have, and some more. */
const fewer = 8;

function compiledFor(golden: GoldenCase, precision: "f32" | "f16" = "f32", frames = 16): Module {
  const { metadata } = golden;
  const block = metadata.get("kind") === "block";
  const ablation = metadata.get("ablation") ?? "";
  const batch = Number(metadata.get("batch") ?? "1");
  return compileFile(block ? "golden/cases/blocks.mv" : "models/magicvideo.mv", {
    preset: metadata.get("preset") ?? (block ? "Small" : "Mini"),
    ablations: ablation === "" ? [] : [ablation],
    settings: { ...(batch === 1 ? {} : { B: batch }), ...(frames === 16 ? {} : { F: frames }) },
    precision,
  });
}

const expected = (golden: GoldenCase) => floatsOf(golden.tensors.get("output") as TensorData);
const graphOf = (golden: GoldenCase) => golden.metadata.get("graph") ?? "";

describe.skipIf(noGpu !== undefined)("on WebGPU", () => {
  /** ImageVae has the denoiser that the model has; the guided step of other suites is a batch of two. Each is compiled for half a minute by a software adapter. */
  const heldElsewhere = ["graph-denoise-ImageVae", "graph-denoise-batch2"];
  const held = [...caseNames("block"), ...caseNames("graph")].filter((name) => !heldElsewhere.includes(name));

  test.each(held)("%s", async (name) => {
    const golden = readCase(name);
    const found = await runOn(compiledFor(golden), graphOf(golden), golden);
    expect(relativeError(floatsOf(found), expected(golden))).toBeLessThan(tolerance);
  });

  test.each(["encodeText", "denoise", "decode", "encode"])("%s in halves", async (name) => {
    const golden = shortened(readCase(`graph-${name}`), fewer);
    const found = await runOn(compiledFor(golden, "f16", fewer), name, golden);
    expect(found.dtype).toBe("f16");
    expect(relativeError(floatsOf(found), expected(golden))).toBeLessThan(halfTolerance);
  });

  // Kernels that a device may prefer, in a whole graph; variants-webgpu.test.ts has each by itself.
  test.each([
    ["denoise", "f32", "more or fewer a thread", /_(rows8|pixels4)(_\d+)?$/, 100, 20],
    ["encodeText", "f32", "with shared sums", /_split_/, 100, 4],
    // SwiftShader takes a second to compile each: one of a kind (convolution, linear, with geglu).
    ["decode", "f16", "tiled", /_tiled_/, 1, 2],
    // Both software drivers have subgroups, of four and of eight threads.
    ["denoise", "f16", "in quads", /_quads/, 2, 5],
  ] as const)("%s in %s by its other kernels: %s", async (name, precision, _, wanted, most, least) => {
    // All frames where their kernels have been compiled already.
    const frames = precision === "f32" ? 16 : fewer;
    const golden = shortened(readCase(`graph-${name}`), frames);
    const picked = new Set<string>();
    const kindOf = (kernel: string) => kernel.slice(0, kernel.search(/_\d/));
    const pick: Pick = (variants) => {
      const found = variants.find((variant) => wanted.test(variant));
      if (found === undefined || [...picked].filter((one) => kindOf(one) === kindOf(found)).length >= most) return undefined;
      picked.add(found);
      return found;
    };
    const found = await runOn(compiledFor(golden, precision, frames), name, golden, { pick });
    expect(picked.size).toBeGreaterThanOrEqual(least);
    expect(relativeError(floatsOf(found), expected(golden))).toBeLessThan(precision === "f32" ? tolerance : halfTolerance);
  });

  // Mini's largest values have 0.8 MiB in denoise and 4 MiB in the VAE: limits below make the planner compute them a few frames at a time.
  test.each(["denoise", "decode", "encode"])("%s in pieces, on a device of small bindings", async (name) => {
    const golden = readCase(`graph-${name}`);
    const limits = { ...defaultLimits, maxStorageBufferBindingSize: name === "denoise" ? 700000 : 1100000 };
    const found = await runOn(compiledFor(golden), name, golden, { limits });
    expect(relativeError(floatsOf(found), expected(golden))).toBeLessThan(tolerance);
  });
});

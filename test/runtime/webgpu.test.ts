// What the runtime does on a device: the sampling loop beside the host's, and each thing that can go wrong there as one error.

import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Planned } from "../../compiler/targets/webgpu/plan-graph.ts";
import { createPipeline, loadPipeline, openPackage, packageFolder } from "../../runtime/index.ts";
import { floatsOf, i32, type TensorData } from "../../runtime/tensor.ts";
import { openDevice } from "../../runtime/webgpu/device.ts";
import { readPlan } from "../../runtime/webgpu/graph.ts";
import { isFast } from "../../runtime/webgpu/peaks.ts";
import { pipelinesOf } from "../../runtime/webgpu/pipelines.ts";
import { weightStore } from "../../runtime/webgpu/weights.ts";
import { compileFile, goldenWeight, relativeError } from "../golden/cases.ts";
import { plansOf, writePackage } from "../golden/package-folder.ts";
import { gpu, noGpu, openGpu, openRunnerOnGpu, openRunnerOnShared } from "../gpu.ts";

/** f32 rounding of each step goes into the next: what the issue of sampling on any device allows a clip's latent. */
const clipTolerance = 2e-3;

const mini = compileFile("models/magicvideo.mv", { preset: "Mini" });
/** Its parts, one of each: the software adapter takes a fifth of a second to compile each kernel. */
const sizes = { F: 4, textLayers: 1, levels: [{ width: 32, attends: true }], vaeWidths: [16, 16] };
const small = compileFile("models/magicvideo.mv", { preset: "Mini", settings: sizes });
const folders: string[] = [];

/** The text encoder alone, its plan changed. */
function textPackage(change: (planned: Planned) => Planned = (planned) => planned): string {
  const graph = mini.graphs.get("encodeText");
  if (graph === undefined) throw new Error("Mini has no text encoder");
  const alone = { ...mini, graphs: new Map([["encodeText", graph]]), sampler: null };
  const plans = new Map([...plansOf(alone)].map(([name, planned]) => [name, change(planned)]));
  const folder = writePackage(alone, goldenWeight, undefined, { onnx: false, plans });
  folders.push(folder);
  return folder;
}

const tokens = { tokens: i32([1, 16], new Int32Array(16).fill(3)) };
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

describe.skipIf(noGpu !== undefined)("on a device", () => {
  let whole = "";
  const plans = plansOf(small);
  beforeAll(() => {
    whole = writePackage(small, goldenWeight, "models/mini.tokenizer.json", { onnx: true, plans });
    folders.push(whole);
  });

  test("the loop on the device gives the host's latents and frames", async () => {
    const options = { seed: 5, steps: 3 };
    const host = await loadPipeline(whole, { backend: "onnx" });
    const expected = await host.sample("a red circle moves right", options);
    await host.dispose();
    const runner = await openRunnerOnGpu(whole);
    const device = createPipeline(await openPackage(packageFolder(whole)), runner);
    const early = new AbortController();
    const loading = device.sample("a red circle moves right", { ...options, signal: early.signal });
    early.abort();
    await expect(loading).rejects.toMatchObject({ code: "aborted", message: "stopped during loading" });
    const phases: string[] = [];
    const found = await device.sample("a red circle moves right", {
      ...options,
      onProgress: ({ phase, step }) => phases.push(`${phase} ${step}`),
    });
    expect(relativeError(floatsOf(found.latent), floatsOf(expected.latent))).toBeLessThan(clipTolerance);
    expect(relativeError(found.frames, expected.frames)).toBeLessThan(2 / 255);
    expect(phases).toEqual(["text 0", "step 0", "step 1", "step 2", "decode 3"]);
    const abort = new AbortController();
    const onProgress = ({ step }: { step: number }) => step === 1 && abort.abort();
    const stopped = device.sample("a red circle moves right", { ...options, onProgress, signal: abort.signal });
    await expect(stopped).rejects.toMatchObject({ code: "aborted", message: "stopped during step 3 of 3" });
    const loaded = ["encodeText", "prepare", "step", "decode"].flatMap((name) => plans.get(name)?.plan.weights ?? []);
    expect(runner.device.memory()).toBeGreaterThan(loaded.reduce((sum, { bytes }) => sum + bytes, 0));
    await device.dispose();
    expect(runner.device.memory()).toBe(0);
    await expect(device.sample("a red circle moves right", options)).rejects.toMatchObject({ code: "disposed" });
  }, 120_000);

  test("the graph that guidance 1 loops takes the step's weights, and reads no others again", async () => {
    const both = { ...mini, graphs: new Map([...mini.graphs].filter(([name]) => name === "step" || name === "denoise")), sampler: null };
    const folder = writePackage(both, goldenWeight, undefined, { onnx: false, plans: plansOf(both) });
    folders.push(folder);
    const pack = await openPackage(packageFolder(folder));
    const device = await openDevice(gpu);
    let bytes = 0;
    const read = async (file: string, start = 0, end = Number.POSITIVE_INFINITY) => {
      bytes += end - start;
      return pack.files.read(file, start, end);
    };
    const store = weightStore(device, pipelinesOf(device), { ...pack, files: { ...pack.files, read } });
    const [step, denoise] = [(await readPlan(pack, "step")).plan.weights, (await readPlan(pack, "denoise")).plan.weights];
    const made = await store.load("step", step);
    const before = device.memory();
    bytes = 0;
    const shared = (await store.load("denoise", denoise)).filter((buffer) => made.includes(buffer));
    // What is left are the keys and values of the text, which `prepare` computes for the step: 96 of the text to 1056 of the layers, in one product.
    expect(shared.length).toBe(denoise.length - 1);
    expect(device.memory() - before).toBe(96 * 1056 * 4);
    expect(bytes).toBe(96 * 1056 * 4);
    device.close();
  });

  test("an adapter that does not say what it is counts as a card where it is as fast as one", async () => {
    const runner = await openRunnerOnShared(textPackage());
    expect(await isFast(runner)).toBe(runner.device.kind === "hardware");
    await runner.dispose();
  });

  test("a lost device is said to be lost, and another can be opened", async () => {
    const folder = textPackage();
    const lost = await openRunnerOnGpu(folder);
    const [before] = Object.values(await lost.run("encodeText", tokens)) as TensorData[];
    lost.device.gpu.destroy();
    await lost.device.gpu.lost;
    await expect(lost.run("encodeText", tokens)).rejects.toMatchObject({ code: "device-lost" });
    const again = await openRunnerOnGpu(folder);
    const [after] = Object.values(await again.run("encodeText", tokens)) as TensorData[];
    expect(after).toEqual(before);
    await Promise.all([lost.dispose(), again.dispose()]);
  });

  test("a device below the plan's needs, a kernel that does not compile, a value beyond all memory", async () => {
    const failure = async (change: (planned: Planned) => Planned) => {
      const runner = await openRunnerOnGpu(textPackage(change));
      return runner.run("encodeText", tokens).then(
        () => "ran",
        ({ code, message }: { code: string; message: string }) => `${code}: ${message}`,
      );
    };
    const needing = (bytes: number) => (planned: Planned) => ({
      ...planned,
      plan: { ...planned.plan, needs: { ...planned.plan.needs, maxBufferSize: bytes } },
    });
    expect(await failure(needing(2 ** 50))).toMatch(
      /^limit-too-low: graph "encodeText" needs maxBufferSize of 1125899906842624, but the device grants \d+$/,
    );
    expect(await failure((planned) => ({ ...planned, source: planned.source.replaceAll("fn main(", "fn other(") }))).toMatch(
      /^graph-failed: .*kernel \w+/,
    );
    const huge = (planned: Planned) => ({ ...planned, plan: { ...planned.plan, slots: [...planned.plan.slots, 2 ** 45] } });
    expect(await failure(huge)).toMatch(/^out-of-memory: .*33554432\.0 MiB/);
  });

  test("changed kernels, and a package without plans", async () => {
    const folder = textPackage();
    writeFileSync(join(folder, "webgpu/encodeText.wgsl"), "");
    await expect(openRunnerOnGpu(folder)).rejects.toMatchObject({ code: "hash-mismatch" });
    const plain = writePackage({ ...mini, sampler: null }, goldenWeight);
    folders.push(plain);
    await expect((await openRunnerOnGpu(plain)).run("encodeText", tokens)).rejects.toMatchObject({ code: "target-absent" });
  });

  test("no adapter", async () => {
    await expect(openDevice(openGpu("adapter=there is none"))).rejects.toMatchObject({ code: "adapter-absent" });
  });
});

// The commands that look into a graph's run: `diff` finds a planted fault at its node, `bench` gives each kernel its share; `train` on a device.

import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Plan, WeightPart } from "../../compiler/package/plan.ts";
import { tensorSource, writeSafetensors } from "../../runtime/index.ts";
import { i32 } from "../../runtime/tensor.ts";
import { noGpu } from "../gpu.ts";
import { mvc, mvcAlone, temporaryFolder } from "./mvc.ts";

const folder = temporaryFolder();
const mini = join(folder, "mini");
const inputs = join(folder, "tokens.safetensors");
const faulty = "text.layer.0.narrow.bias";

beforeAll(async () => {
  expect(await mvc(["build", "models/magicvideo.mv", "--preset", "Mini", "--init", "0", "-o", mini])).toMatchObject({ code: 0 });
  await writeSafetensors(inputs, [
    tensorSource(
      "tokens",
      i32(
        [1, 16],
        Int32Array.from({ length: 16 }, (_, i) => i % 7),
      ),
    ),
  ]);
});
afterAll(() => rmSync(folder, { recursive: true }));

const diffBy = (run: typeof mvc, ...options: string[]) => run(["diff", mini, "encodeText", "--inputs", inputs, ...options]);

test("diff: ONNX Runtime and the interpreter agree; a backend is not compared with itself; an unknown graph", async () => {
  const diff = (...options: string[]) => diffBy(mvc, ...options);
  const { code, out } = await diff("--backend", "onnx");
  expect([code, out]).toEqual([0, expect.stringMatching(/^agree: \d+ values by onnx and reference within 0\.0001/)]);
  const prompted = await mvc(["diff", mini, "encodeText", "--prompt", "a red circle", "--backend", "onnx"]);
  expect([prompted.code, prompted.out]).toEqual([0, expect.stringContaining("agree")]);
  expect(await diff("--backend", "onnx", "--against", "onnx")).toMatchObject({ code: 1, err: expect.stringContaining("option-invalid") });
  expect(await diff("--backend", "onnx", "--tolerance", "-1")).toMatchObject({
    code: 1,
    err: expect.stringContaining("--tolerance must be above 0, found -1"),
  });
  const unknown = await mvc(["diff", mini, "encodeTexts", "--inputs", inputs, "--backend", "onnx"]);
  expect(unknown).toMatchObject({ code: 1, err: expect.stringContaining("graph-unknown") });
});

describe.skipIf(noGpu !== undefined)("on a device", () => {
  /** A process of its own, as each ends with its device. */
  const diff = () => diffBy(mvcAlone);

  test("diff: the kernels agree with the interpreter, and a fault in one is found at its node", async () => {
    expect(await diff()).toMatchObject({ code: 0, out: expect.stringMatching(/^agree: \d+ values by webgpu and reference/) });
    const manifestFile = join(mini, "manifest.json");
    const planFile = join(mini, "webgpu/encodeText.json");
    const [manifest, plan] = [readFileSync(manifestFile, "utf8"), readFileSync(planFile, "utf8")];
    writeFileSync(planFile, JSON.stringify(swapped(JSON.parse(plan), faulty)));
    const hash = (text: string | Buffer) => createHash("sha256").update(text).digest("hex");
    writeFileSync(manifestFile, manifest.replace(hash(plan), hash(readFileSync(planFile))));
    const { code, out, err } = await diff();
    writeFileSync(planFile, plan);
    writeFileSync(manifestFile, manifest);
    expect([code, err]).toEqual([1, ""]);
    // The linear's sum goes through the residual's addition in its kernel: that is the value in memory.
    expect(out).toMatch(/^differ first at text\.layer\.0\S* \(add f32 \[1, 16, 96\]\)/);
    expect(out).toMatch(/from models\/clip\.mv:\d+:\d+/);
    expect(out).toMatch(/kernel linear_\w+, dispatch \d+ of \d+/);
    expect(out).toMatch(/reads text\.layer\.0\S* .*differs by \d(\.\d)?e-[789]/);
  });

  test("tune: what is fastest here is kept, and taken from then on", async () => {
    const { code, out } = await mvcAlone(["tune", mini, "--graph", "encodeText"]);
    expect([code, out]).toEqual([0, expect.stringMatching(/^encodeText: \d+ of \d+ kernels changed\n/)]);
    const file = join(mini, "tuning.json");
    const [[adapter = "", graphs] = []] = Object.entries(JSON.parse(readFileSync(file, "utf8"))) as [string, object][];
    expect(Object.keys(graphs ?? {})).toEqual(["encodeText"]);
    const plan = JSON.parse(readFileSync(join(mini, "webgpu/encodeText.json"), "utf8")) as Plan;
    const [{ kernel, variants = [] } = { kernel: "" }] = plan.dispatches.filter((dispatch) => dispatch.variants !== undefined);
    const other = variants[0]?.kernel as string;
    writeFileSync(file, JSON.stringify({ [adapter]: { encodeText: { [kernel]: other } } }));
    const report = JSON.parse((await mvcAlone(["bench", mini, "--graph", "encodeText", "--rounds", "1", "--json"])).out);
    const names = report.kernels.map((one: { kernel: string }) => one.kernel);
    expect([names.includes(other), names.includes(kernel)]).toEqual([true, false]);
    expect(await diff()).toMatchObject({ code: 0 });
    writeFileSync(file, '{"x": 3}');
    const broken = await mvcAlone(["tune", mini, "--graph", "encodeText"]);
    expect(broken).toMatchObject({ code: 1, err: expect.stringMatching(/tuning-invalid\n.*tuning\.json is not what .*\n.*delete it/) });
    rmSync(file);
  });

  test("train: interrupted after its first step, a run goes on to the bytes of one that was not", async () => {
    const train = (run: string, ...more: string[]) => [
      ...["train", "golden/training/tiny.mv", "--data", "moving-shapes", "--engine", "webgpu", "--steps", "2", "-o", join(folder, run)],
      ...more,
    ];
    const whole = mvcAlone(train("whole"));
    // The first checkpoint is of no step; Ctrl-C ends a run once a step is over.
    const checkpoint = join(folder, "cut", "checkpoint.safetensors");
    const cut = await mvcAlone(train("cut"), () => existsSync(checkpoint));
    expect(cut).toMatchObject({ code: 130, err: "", out: expect.stringContaining("stopped; the same command with `--resume` goes on") });
    const last = await mvcAlone(train("cut", "--resume"));
    expect(last).toMatchObject({ code: 0, err: "", out: expect.stringMatching(/^goes on from step 1 of tiny\n/) });
    expect(await whole).toMatchObject({ code: 0, err: "" });
    const [one, other] = ["cut", "whole"].map((run) => readFileSync(join(folder, run, "weights.safetensors")));
    expect(one?.equals(other ?? Buffer.alloc(0))).toBe(true);
  }, 600_000);

  test("bench: each kernel's time and work, beside ONNX Runtime", async () => {
    const { code, out } = await mvcAlone(["bench", mini, "--graph", "encodeText", "--rounds", "2", "--json"]);
    expect(code).toBe(0);
    const report = JSON.parse(out);
    const plan = JSON.parse(readFileSync(join(mini, "webgpu/encodeText.json"), "utf8")) as Plan;
    const sum = (of: (one: { calls: number; seconds: number; flops: number }) => number) =>
      report.kernels.reduce((total: number, one: never) => total + of(one), 0);
    expect(sum(({ calls }) => calls)).toBe(plan.dispatches.length);
    expect(sum(({ flops }) => flops)).toBe(plan.dispatches.reduce((total, { flops }) => total + flops, 0));
    expect(sum(({ seconds }) => seconds)).toBeGreaterThan(0);
    // A wrong unit is a thousand times off; other work on the machine, which the peak and the kernels meet at different moments, less than ten.
    const rate = sum(({ flops }) => flops) / sum(({ seconds }) => seconds);
    expect(rate).toBeLessThan(10 * report.peaks.flopsPerSecond);
    expect(rate).toBeGreaterThan(report.peaks.flopsPerSecond / 1e4);
    // The text encoder is 1e-4 exact on either engine.
    for (const { difference } of report.rivals) expect(difference).toBeLessThan(1e-4);
    const text = await mvcAlone(["bench", mini, "--graph", "encodeText", "--rounds", "1"]);
    expect(text.out).toMatch(/ONNX Runtime on the CPU: [\d.]+ ms, [\d.]+ x as long/);
  });
});

/** The plan with another vector of the same size in place of the one at a path. */
function swapped(plan: Plan, path: string): Plan {
  const parts = plan.weights.flatMap((buffer) => buffer.parts);
  const size = parts.find((part) => part.path === path)?.outputs;
  const other = parts.find((part) => part.path !== path && part.path?.endsWith(".bias") && part.outputs === size)?.path;
  expect(other).toBeDefined();
  const change = (part: WeightPart): WeightPart => (part.path === path ? { ...part, path: other as string } : part);
  return { ...plan, weights: plan.weights.map((buffer) => ({ ...buffer, parts: buffer.parts.map(change) })) };
}

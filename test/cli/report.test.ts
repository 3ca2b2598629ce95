// `mvc report` as a shell sees it: a model alone, cut three ways, and against another file, preset or ablation, by hand for a tiny model.

import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { tinyFlops, tinySampled } from "../compiler/analysis/tiny-sampled.ts";
import { trained } from "../dsl/train-cases.ts";
import { mvc, temporaryFolder, tinyModel } from "./mvc.ts";

const folder = temporaryFolder();
const file = join(folder, "tiny.mv");
writeFileSync(file, tinySampled);
const other = join(folder, "another model.mv");
writeFileSync(other, tinyModel);
afterAll(() => rmSync(folder, { recursive: true }));

const { enter, leave, time, embed, decode } = tinyFlops;
const call = enter + leave + time;
/** With 16 channels in the middle, not 8. */
const wideCall = 2 * enter + 2 * leave + time;

async function told(...args: readonly string[]): Promise<string> {
  const { code, out, err } = await mvc(["report", ...args]);
  expect([code, err]).toEqual([0, ""]);
  return out;
}
const data = async (...args: readonly string[]) => JSON.parse(await told(...args, "--json"));

test("alone: a clip, and each cut of its graphs, as text and as data", async () => {
  const text = await told(file, "--by", "block");
  expect(text).toMatch(/^declared block +parameters +tensors +GFLOP\nMix +257 +5 +0\.00\nScale +6 +1 +0\.00\ndenoise, in all +272 +7 /m);
  expect(text).toContain("a clip\n323 parameters, 0.00 GFLOP in 10 steps, each 2 evaluations\n");
  expect(await told(file, "--by", "op")).toMatch(
    /^op +parameters +tensors +GFLOP\nconv2d +251 +4 +0\.00\nmul +6 +1 +0\.00\nlinear +15 +2 /m,
  );
  const { graphs, clip } = await data(file);
  expect(graphs.denoise).toMatchObject({
    flops: call,
    blocks: [{ path: "mix.enter" }, { path: "mix.leave" }, { path: "mix.scale" }, { path: "time" }],
    declaredBlocks: [{ name: "Mix" }, { name: "Scale" }],
    ops: [{ name: "conv2d" }, { name: "mul" }, { name: "linear" }],
    dependence: { F: "independent" },
  });
  expect(clip).toMatchObject({ steps: 10, evaluations: 2, flops: 20 * call + embed + decode, parameters: 323 });
});

test("against a preset of the same file: a call, a clip of its own steps and guidance, and the blocks that differ", async () => {
  const text = await told(file, "--against-preset", "Wide", "--by", "path");
  expect(text).toContain(`A  ${file}\nB  ${file} --preset Wide\n`);
  const rows = text.split("\n").map((line) => line.trim().split(/ {2,}/));
  const row = (name: string) => rows.filter(([first]) => first === name).map(([, ...cells]) => cells);
  expect(row("parameters")).toEqual([
    // 16 channels: 3 x 16 x 9 + 16 of the one, 16 x 3 + 3 of the other, 6 and 15 as before; a clip adds 39 and 12.
    ["272", "520", "0.52"],
    ["323", "571", "0.57"],
  ]);
  expect(row("steps")).toEqual([["10", "5", "2.00"]]);
  expect(row("evaluations a step")).toEqual([["2", "1", "2.00"]]);
  expect(row("mix.enter")).toEqual([["224", "448", "0.00", "0.00", "0.50"]]);
  expect(row("mix.leave")).toEqual([["27", "51", "0.00", "0.00", "0.50"]]);
  expect(row("equal in both: 2")).toEqual([["21", "21", "0.00", "0.00", "1.00"]]);
  expect(text.match(/^\w+: costs the same in both, block by block$/gm)).toEqual([
    "embed: costs the same in both, block by block",
    "decode: costs the same in both, block by block",
  ]);
});

test("the same as data, with ratios of A to B", async () => {
  const { a, b, ratios, graphs } = await data(file, "--against", file, "--against-preset", "Wide");
  expect([a.preset, a.call, a.clip.flops]).toEqual([null, "denoise", 20 * call + embed + decode]);
  expect([b.preset, b.call, b.clip.flops]).toEqual(["Wide", "denoise", 5 * wideCall + embed + decode]);
  expect(ratios.call).toMatchObject({ flops: call / wideCall, parameters: 272 / 520 });
  expect(ratios.clip).toMatchObject({ flops: (20 * call + embed + decode) / (5 * wideCall + embed + decode), parameters: 323 / 571 });
  expect(graphs[0]).toMatchObject({
    a: "denoise",
    b: "denoise",
    blocks: [{ name: "mix.enter", a: { flops: enter }, b: { flops: 2 * enter }, flopsRatio: 0.5 }, { name: "mix.leave" }],
    same: { rows: 2, parameters: 21, flops: time },
    ops: [
      { name: "conv2d", flopsRatio: 0.5 },
      { name: "mul", flopsRatio: null },
      { name: "linear", flopsRatio: 1 },
    ],
  });
});

test("without --by each cut; what only one side has is no number on the other, and B's choices are its own", async () => {
  const text = await told(file, "--set", "wide=16", "--against-ablation", "Plain");
  expect(text).toContain(`A  ${file} --set wide=16\nB  ${file} --ablation Plain\n`);
  expect(text).toMatch(/^mix\.scale +6 +- +0\.00 +-$/m);
  expect(text).toMatch(/^Scale +6 +- +0\.00 +-$/m);
  expect(text).toMatch(/^conv2d +499 +251 +0\.00 +0\.00 +2\.00$/m);
  expect(Math.max(...text.split("\n").map((line) => line.length))).toBeLessThanOrEqual(100);
});

test("against another file: what a call runs is compared whatever its name, a model without sampler has no clip", async () => {
  const text = await told(file, "--against", other);
  expect(text).toContain(`\nB  '${other}'\n`);
  expect(text).toMatch(/^denoise \/ run, in all +272 +148 /m);
  expect(text).toMatch(/^ {2}evaluations a step +2 +-$/m);
  expect(text).toContain("embed: only in A, 39 parameters, 0.00 GFLOP\n");
  expect((await data(other, "--against", file)).a).toMatchObject({ call: "run", clip: null });
});

test("what is wrong with a side says which, and the way out by that side's options", async () => {
  const refused = async (...args: readonly string[]) => {
    const { code, out, err } = await mvc(["report", file, ...args]);
    expect([code, out]).toEqual([1, ""]);
    return err;
  };
  const mistaken = await refused("--preset", "Wade", "--against-ablation", "Plane");
  expect(mistaken).toMatch(
    /^A, \S+ --preset Wade\nerror unknown-choice .*\n {2}there is no preset `Wade` .*\n {2}hint: choose one of: Wide$/m,
  );
  expect(mistaken).toMatch(/^B, \S+ --ablation Plane\nerror unknown-choice .*\n {2}there is no ablation `Plane`/m);
  expect(await refused("--against", other, "--against-preset", "Wide")).toContain(
    "hint: leave out `--against-preset`: the file declares none",
  );
  expect(await refused("--against", join(folder, "none.mv"))).toContain("the model to compare with is missing: there is no file");
  expect((await mvc(["report", file, "--against"])).code).toBe(2);
  expect((await mvc(["report", file, "--by", "layer"])).code).toBe(2);
});

test("training: what each stage trains and freezes, and the work of a step", async () => {
  const source = join(folder, "trained.mv");
  writeFileSync(source, trained({ weights: '[{ path: "unet.head" }, { path: "text", rate: 0 }]' }));
  const { stages, left } = await data(source, "--train");
  // Convolutions of 3x3 from 4 channels to 8 and back with biases, and a table of 9 by 4.
  const conv = 2 * 4 * 16 * (2 * 4 * 8 * 9);
  expect(left).toEqual([]);
  expect(stages).toMatchObject([
    {
      name: "denoiser",
      loss: "loss",
      trained: { parameters: 292, tensors: 2 },
      frozen: { parameters: 332, tensors: 3 },
      batch: 2,
      steps: 10,
    },
  ]);
  const [{ flops, forwardFlops, activationBytes, recomputed }] = stages;
  // Two convolutions are no blocks to speak of.
  expect(recomputed).toBe(null);
  // Of gradients only that of the second kernel is asked for.
  expect([forwardFlops, flops]).toEqual([2 * conv, 3 * conv]);
  // At least the second convolution's input is kept.
  expect(activationBytes).toBeGreaterThanOrEqual(4 * 2 * 4 * 8 * 16);
  expect(await told(source, "--train")).toMatch(/^training\nstage +trained .*\ndenoiser +292 +2 +332 +10 +2 /);
});

test("training: what blocks save that are computed again, and cost", async () => {
  const { stages } = await data("models/magicvideo.mv", "--preset", "Mini", "--train");
  const { flops, forwardFlops, activationBytes, recomputed } = stages.find((stage: { name: string }) => stage.name === "denoiser");
  expect(recomputed.activationBytes / activationBytes).toBeLessThan(0.3);
  expect(recomputed.flops).toBeGreaterThan(flops);
  expect(recomputed.flops).toBeLessThanOrEqual(flops + forwardFlops);
  const line = /^denoiser: [\d,.]+ MiB of activations if blocks are computed again, in [\d,.]+ GFLOP a step$/m;
  expect(await told("models/magicvideo.mv", "--preset", "Mini", "--train")).toMatch(line);
});

test("training that is not there, or beside another model", async () => {
  for (const [args, names] of [
    [[file, "--train"], "declares no training"],
    [[file, "--train", "--against", other], "beside --against"],
  ] as const) {
    const { code, err } = await mvc(["report", ...args]);
    expect([code, err.includes("--train must be left out"), err.includes(names)]).toEqual([1, true, true]);
  }
});

// `mvc eval`: judges that know real clips and nothing of shuffled captions, what a package's clips are held against, and all that is left out or refused.

import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Measurer } from "../../cli/ablate/measurer.ts";
import { movingShape, movingShapes } from "../../cli/data/moving-shapes.ts";
import { evaluate } from "../../cli/eval/evaluate.ts";
import { inOrder } from "../../cli/eval/in-order.ts";
import { type Judges, judgedSize, openJudges } from "../../cli/eval/judges.ts";
import { accuracies, measuresOf, type Observed, paceOf } from "../../cli/eval/measures.ts";
import { observe } from "../../cli/eval/observer.ts";
import { parallelRunner } from "../../cli/eval/parallel-runner.ts";
import { openPackage, packageFolder, writeSafetensors } from "../../runtime/index.ts";
import { normals } from "../../runtime/sampler/random.ts";
import { frechetDistance, gaussianOf } from "../../study/frechet.ts";
import type { Measure } from "../../study/measure.ts";
import type { Pixels } from "../../study/pixels.ts";
import { mvc, temporaryFolder } from "./mvc.ts";

const meanOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const named = (measures: readonly Measure[], name: string) => measures.find((one) => one.name === name)?.values ?? [];

describe("the judges, on clips that they were not trained on", () => {
  const count = 48;
  const draw = movingShape(77, "all");
  const clips = Array.from({ length: count }, (_, i) => draw(i));
  const pixelsOf = (pixels: Uint8Array): Pixels => ({ ...judgedSize, pixels });
  let judges: Judges;
  let seen: Observed[];

  beforeAll(async () => {
    judges = await openJudges();
    seen = [];
    for (const { pixels } of clips) seen.push(await observe(pixelsOf(pixels), judges));
  });
  afterAll(() => judges.dispose());

  const labels = clips.map(({ shape, colour, motion }) => ({ shape, colour, motion }));

  test("see what is there, and move as real clips do", () => {
    const measures = measuresOf(seen, { labels, pace: paceOf(seen), features: undefined }, { ofCaptions: true });
    // One of the 48 may be taken for another; tracking is exact.
    for (const name of ["shape", "colour", "motion"]) expect(meanOf(named(measures, name)), name).toBeGreaterThanOrEqual(47 / 48);
    expect(meanOf(named(measures, "direction"))).toBe(1);
    for (const name of ["jumps", "blank frames", "colour jumps"]) expect(meanOf(named(measures, name)), name).toBe(0);
    // moving-shapes goes 1.7 to 2.4 pixels a frame.
    expect(paceOf(seen)).toBeGreaterThan(1.7);
    expect(paceOf(seen)).toBeLessThan(2.4);
    expect(Math.max(...named(measures, "pace off"))).toBeLessThan(0.7);
    // Edges before the background, which is a little blue.
    expect(Math.max(...named(measures, "colour drift"))).toBeLessThan(5);
  });

  test("are at chance beside the captions of others", () => {
    const chance = accuracies(seen, labels, "others");
    // A sixth or an eighth of the pairs, of which each class has 4 to 14 clips.
    for (const [name, expected] of [
      ["shape", 1 / 6],
      ["colour", 1 / 6],
      ["motion", 1 / 8],
      ["direction", 1 / 8],
    ] as const)
      expect(Math.abs(meanOf(named(chance, name)) - expected), name).toBeLessThan(0.05);
    expect(meanOf(named(chance, "shape, colour and motion"))).toBeLessThan(0.02);
    // By hand: the first clip's shape is that of so many of the other 47.
    const like = labels.slice(1).filter(({ shape }) => shape === seen[0]?.thing?.labels.shape).length;
    expect(named(chance, "shape")[0]).toBeCloseTo(like / 47, 12);
  });

  test("have features that lie the further off the noisier clips are, and far off where nothing moves", async () => {
    const noise = normals(1, 0, 200_003);
    const features = async (first: number, changed: (pixels: Uint8Array, i: number) => Uint8Array) => {
      const all: Float32Array[] = [];
      for (let i = 0; i < 24; i++) all.push(await judges.features(pixelsOf(changed(draw(first + i).pixels, i))));
      return gaussianOf(all);
    };
    const noisy = (deviation: number) => (pixels: Uint8Array, i: number) =>
      pixels.map((value, at) => Math.min(255, Math.max(0, value + deviation * (noise[(at + 7919 * i) % noise.length] ?? 0))));
    const still = (pixels: Uint8Array) => pixels.map((_, at) => pixels[at % (3 * 64 * 64)] ?? 0);
    const wanted = await features(100, (pixels) => pixels);
    const distance = async (changed: (pixels: Uint8Array, i: number) => Uint8Array) =>
      frechetDistance(await features(200, changed), wanted);
    const distances: number[] = [];
    for (const deviation of [0, 40, 80]) distances.push(await distance(noisy(deviation)));
    expect(distances).toEqual([...distances].sort((a, b) => a - b));
    // Of 24 clips the distance of real ones is far from nothing itself.
    expect((await distance(still)) / (distances[0] ?? 0)).toBeGreaterThan(3);
  });
});

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const tiny = at("tiny");

/** The tiny model at 16 pixels, with an autoencoder that gives back what it is given. */
const source = readFileSync("golden/training/tiny.mv", "utf8")
  .replace("dim B = 4;", "dim B = 1;")
  .replace("<H = 8, W = 8>", "<H = 16, W = 16>")
  .replace('unguided: "" } },\n  }', 'unguided: "" } },\n    frames: decode, latents: encode,\n  }')
  .replace(
    "  graph denoise(",
    "  graph encode(x: Video<3, H, W>): Video<3, H, W> { return x * 0.5; }\n  graph decode(z: Video<3, H, W>): Video<3, H, W> { return z * 2.0; }\n  graph denoise(",
  );

beforeAll(async () => {
  cpSync("golden/training/tiny.tokenizer.json", at("tiny.tokenizer.json"));
  writeFileSync(at("tiny.mv"), source);
  expect(await mvc(["build", at("tiny.mv"), "--init", "0", "--target", "onnx", "-o", tiny])).toMatchObject({ code: 0, err: "" });
  const pixels = () => [...movingShapes(3, 4)].map((clip) => clip.pixels);
  const captions = JSON.stringify(["a red circle", "a blue star", "a green ring"]);
  await writeSafetensors(at("clips.safetensors"), [{ name: "clips", dtype: "U8", shape: [3, 16, 64, 64, 3], chunks: pixels }], {
    metadata: { captions },
  });
});
afterAll(() => rmSync(folder, { recursive: true }));

interface Report {
  readonly prompts: number;
  readonly sets: readonly { readonly set: string; readonly measures: readonly (Measure & { readonly mean: number })[] }[];
}
const reportAt = (name: string) => JSON.parse(readFileSync(at(name), "utf8")) as Report;
const evaluated = (...more: readonly string[]) => mvc(["eval", tiny, "--backend", "onnx", "--threads", "1", ...more]);

test("of moving-shapes it measures seen and held-out prompts beside real clips and chance", async () => {
  const { code, out, err } = await evaluated("--data", "moving-shapes", "--clips", "3", "--seeds", "2", "-o", at("shapes.json"));
  expect(code).toBe(0);
  expect(err).toContain("the judges look at 16 frames of 64x64: clips of 2 frames of 16x16 are cut about the middle and resized for them");
  expect(out).toMatch(/^Tiny: 3 prompts of moving-shapes, 2 clips each; .*\n +seen +held out +real clips +captions of others\n/);
  expect(out).toMatch(/\nshape, % +\d.* \(.*\) +\d/);
  const { sets } = reportAt("shapes.json");
  expect(sets.map(({ set }) => set)).toEqual(["seen", "real", "shuffled", "held-out"]);
  for (const { set, measures } of sets)
    for (const { name, values } of measures) {
      const isReal = set === "real" || name.endsWith("of reconstruction");
      const isOfAll = name.startsWith("Fréchet");
      expect(values.length, `${set}: ${name}`).toBe((isOfAll ? 1 : 3) * (isReal ? 1 : 2));
    }
  // Bytes come back from half of them as they were.
  const [seen, real] = sets;
  expect(seen?.measures.find(({ name }) => name.startsWith("SSIM"))?.values).toEqual([1, 1, 1].map((one) => expect.closeTo(one, 9)));
  expect(seen?.measures.find(({ name }) => name.startsWith("flicker of"))?.values).toEqual([0, 0, 0]);
  expect(real?.measures.map(({ name }) => name)).toContain("colour drift");
});

test("of several models of a study real clips are looked at once, and give each the figures that it has alone", async () => {
  const measurer = new Measurer({ data: "moving-shapes", clips: 3 }, () => {});
  const tasks: string[] = [];
  const progress = (task: string) => void (task !== tasks.at(-1) && tasks.push(task));
  const measure = () => measurer.measure(tiny, { progress, signal: new AbortController().signal });
  // Stopped among the reference clips, and gone on with.
  const stop = new AbortController();
  const stopping = (task: string, done: number) => void (task.startsWith("looking at more") && done === 2 && stop.abort());
  await expect(measurer.measure(tiny, { progress: stopping, signal: stop.signal })).rejects.toMatchObject({ code: "aborted" });
  const first = await measure();
  const looks = tasks.filter((task) => task.startsWith("looking"));
  expect(looks).toEqual(["seen", "held-out"].flatMap((set) => [`looking at real clips, ${set}`, `looking at more real clips, ${set}`]));
  tasks.length = 0;
  expect(await measure()).toEqual(first);
  expect(tasks).toEqual(["seen", "held-out"].flatMap((set) => [`sampling ${set}`, `reconstructing, ${set}`]));
  await measurer.dispose();
  const valuesOf = (sets: readonly { readonly set: string; readonly measures: readonly Measure[] }[]) =>
    JSON.stringify(sets.map(({ set, measures }) => [set, measures.map(({ values }) => values)]));
  expect(valuesOf(first)).toBe(valuesOf(reportAt("shapes.json").sets));
}, 120_000);

test("results come in the order of the work, of which as much is begun ahead as was asked for, and what fails waits for the rest", async () => {
  const heard: string[] = [];
  const work = async (piece: number) => {
    heard.push(`begins ${piece}`);
    // The first ends last.
    for (let turn = piece; turn < 4; turn++) await new Promise(setImmediate);
    heard.push(`ends ${piece}`);
    if (piece === 2) throw new Error("two");
    return piece;
  };
  const results: number[] = [];
  const all = async () => {
    for await (const result of inOrder([0, 1, 2, 3, 4], 2, work)) results.push(result);
  };
  await expect(all()).rejects.toThrow("two");
  expect(results).toEqual([0, 1]);
  expect(heard.slice(0, 3)).toEqual(["begins 0", "begins 1", "begins 2"]);
  expect(heard.filter((one) => one.startsWith("ends")).sort()).toEqual([0, 1, 2, 3, 4].map((piece) => `ends ${piece}`));
  heard.length = 0;
  for await (const result of inOrder([3, 1], 0, work)) heard.push(`takes ${result}`);
  expect(heard).toEqual(["begins 3", "ends 3", "takes 3", "begins 1", "ends 1", "takes 1"]);
});

test("what a worker refuses is the error that it would be here", async () => {
  const runner = await parallelRunner(await openPackage(packageFolder(tiny)), tiny);
  await expect(runner.run("none", {})).rejects.toMatchObject({ name: "MvcError", code: "graph-unknown", fields: { graph: "none" } });
  await runner.dispose();
});

test("of clips without labels it measures what needs none, says so, and gives the same figures twice", async () => {
  const asked = ["--data", at("clips.safetensors"), "--clips", "9", "--steps", "2"];
  const first = await evaluated(...asked, "-o", at("first.json"));
  expect(first.err).toContain("has 3 clips, fewer than the 9 that were asked for: all are taken");
  expect(first.err).toContain('has no labels "shape", "colour", "motion" of moving-shapes');
  await evaluated(...asked, "-o", at("second.json"));
  expect(reportAt("first.json").sets).toEqual(reportAt("second.json").sets);
  expect(reportAt("first.json").sets.map(({ set, measures }) => [set, measures.map(({ name }) => name)])).toEqual([
    ["seen", ["flicker", "PSNR of reconstruction", "SSIM of reconstruction", "flicker of reconstruction"]],
    ["real", ["flicker"]],
  ]);
  const guided = await evaluated(...asked, "--guidance", "5", "-o", at("guided.json"));
  expect(guided.code).toBe(0);
  expect(reportAt("guided.json").sets).not.toEqual(reportAt("first.json").sets);
});

test("what cannot be evaluated is one sentence, before the work", async () => {
  writeFileSync(
    at("still.mv"),
    source
      .replace("    frames: decode, latents: encode,\n", "")
      .replaceAll("Video<3, H, W>", "Video<4, H, W>")
      .replace("conv2d(3, kernel: 3) as leave", "conv2d(4, kernel: 3) as leave")
      .replace(/ {2}\/\/\/ The mean square(.|\n)*? {2}tokenizer/, "  tokenizer")
      .replace(/ {2}train tiny(.|\n)*?\n {2}}\n/, ""),
  );
  writeFileSync(
    at("paced.mv"),
    source
      .replace("conditions: {", 'conditions: { fps: { from: "number" },')
      .replace(
        "graph denoise(z: Video<3, H, W>, t: Tensor<f32, [B]>,",
        "graph denoise(z: Video<3, H, W>, t: Tensor<f32, [B]>, fps: Tensor<f32, [B]>,",
      )
      .replace("return Net(z, t, tokens) as net;", "return Net(z, t + fps, tokens) as net;"),
  );
  for (const name of ["still", "paced"])
    expect(await mvc(["build", at(`${name}.mv`), "--init", "0", "--target", "onnx", "-o", at(name)]), name).toMatchObject({ code: 0 });
  expect((await mvc(["build", "models/taef2.mv", "--init", "0", "--target", "onnx", "-o", at("taef2")])).code).toBe(0);
  const asked = (pack: string, ...more: readonly string[]) => ["eval", pack, "--data", "moving-shapes", ...more];
  const cases: readonly (readonly [readonly string[], string])[] = [
    [asked(at("taef2")), "it declares no sampler"],
    [asked(at("still")), "the model makes latents, and no pictures that could be measured"],
    [asked(at("paced")), 'the model takes `fps` from "number", and a data set gives captions alone'],
    [asked(at("none")), "is not a package"],
    [asked(tiny, "--clips", "0"), "--clips must be 1 to 1000000, found 0"],
    [asked(tiny, "--steps", "0"), "--steps must be"],
    [asked(tiny, "-o", at("none/eval.json")), "its folder does not exist"],
    [["eval", tiny, "--data", at("none")], "there is no such file or folder"],
  ];
  for (const [args, sentence] of cases) {
    const { code, out, err } = await mvc([...args]);
    expect(err).toContain(sentence);
    expect([err.match(/^error/gm)?.length, out, code], sentence).toEqual([1, "", 1]);
  }
});

test("an abort ends it between two clips", async () => {
  const stop = new AbortController();
  const sampled: number[] = [];
  const progress = (task: string, done: number) => {
    if (task !== "sampling seen") return;
    sampled.push(done);
    if (done === 2) stop.abort();
  };
  const options = { data: "moving-shapes", clips: 1000, seeds: 1, backend: "onnx", threads: 1 } as const;
  await expect(evaluate(tiny, { ...options, listening: { progress, signal: stop.signal } })).rejects.toMatchObject({ code: "aborted" });
  expect(sampled).toEqual([0, 1, 2]);
});

// What a prompt and a seed give to one graph of a package, beside what the tiny package's graphs compute by hand.

import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type GraphInputOptions, graphInputs } from "../../cli/graph-inputs.ts";
import { randomFeeds } from "../../cli/random-feeds.ts";
import {
  type GraphRunner,
  onnxRunner,
  openPackage,
  type Package,
  packageFolder,
  tensorSource,
  writeSafetensors,
} from "../../runtime/index.ts";
import { normals } from "../../runtime/sampler/random.ts";
import { embedding, sampler, type TinyPackage, tinyPackage } from "../runtime/tiny-package.ts";

let tiny: TinyPackage;
let pack: Package;
let runner: GraphRunner;

beforeAll(async () => {
  tiny = await tinyPackage(2);
  pack = await openPackage(packageFolder(tiny.folder));
  runner = onnxRunner(pack, tiny.folder, { threads: 1 });
});
afterAll(async () => {
  await runner.dispose();
  await tiny.remove();
});

const given = (graph: string, options: GraphInputOptions) => graphInputs(pack, graph, options, runner);
const red = [1, 4, 5, 6, 2, 0];
const empty = [1, 2, 0, 0, 0, 0];
const encoded = (ids: readonly number[]) => ids.flatMap((id) => embedding.slice(3 * id, 3 * id + 3));

test("a prompt: tokens for the encoder, the encoded text for the looped graph, both halves for what is prepared", async () => {
  const prompt = "a red circle.";
  expect(await given("encodeText", { prompt })).toEqual({ tokens: { dtype: "i32", shape: [1, 6], data: Int32Array.from(red) } });
  const looped = await given("denoise", { prompt, random: 5 });
  expect(Object.keys(looped)).toEqual(["z", "t", "text"]);
  expect(looped.text).toEqual({ dtype: "f32", shape: [2, 6, 3], data: Float32Array.from([...encoded(red), ...encoded(red)]) });
  expect(looped.z?.data).toEqual(normals(5, 0, 8));
  const halves = [red, red, empty, empty];
  expect((await given("denoise.prepare", { prompt })).text?.data).toEqual(Float32Array.from(halves.flatMap(encoded)));
  const step = await given("denoise.step", { prompt, random: 5 });
  expect(Object.keys(step).sort()).toEqual(["context", "t", "z"]);
  const mean = (ids: readonly number[]) => encoded(ids).reduce((sum, value) => sum + value, 0) / 18;
  // Sums of 18 numbers up to 12 in f32.
  halves.forEach((ids, i) => {
    expect(step.context?.data[i]).toBeCloseTo(mean(ids), 4);
  });
});

test("a seed: the same numbers for it, ids that a table has, a time that training saw; a file comes before both", async () => {
  const ids = { name: "ids", dtype: "i32", shape: [200], axes: [], ids: 3 } as const;
  const spec = { inputs: [ids, { ...ids, name: "t", dtype: "f32" as const }], outputs: [], flops: 0, parameters: 0 };
  const made = randomFeeds(spec, 9, sampler);
  expect(new Set(made.ids?.data)).toEqual(new Set([0, 1, 2]));
  expect(made.t?.data.every((time) => Number.isInteger(time) && time >= 0 && time < 1000)).toBe(true);
  expect(randomFeeds(spec, 9, sampler)).toEqual(made);
  expect(randomFeeds(spec, 10, sampler)).not.toEqual(made);
  const file = join(tiny.folder, "own.safetensors");
  await writeSafetensors(file, [tensorSource("t", { dtype: "f32", shape: [2], data: Float32Array.of(7, 8) })]);
  expect((await given("denoise", { inputs: file, random: 5, prompt: "a" })).t?.data).toEqual(Float32Array.of(7, 8));
});

test("nothing given, and a prompt for a graph that reads none", async () => {
  await expect(given("decode", {})).rejects.toMatchObject({
    code: "option-invalid",
    message: "--inputs must be given, or `--random SEED`, or `--prompt TEXT`, found nothing for z",
  });
  await expect(given("decode", { prompt: "a" })).rejects.toMatchObject({
    code: "option-invalid",
    message:
      "--prompt must be given for a graph that reads a text: encodeText, denoise, denoise.prepare, denoise.step, found one for decode",
  });
  await expect(given("denoise", { prompt: "a dog" })).rejects.toMatchObject({ code: "word-unknown" });
});

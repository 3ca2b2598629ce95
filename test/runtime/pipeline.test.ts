/** Sampling from a package whose graphs are affine, so that the whole loop can be computed by hand. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  createPipeline,
  frameOf,
  type GraphRunner,
  loadPipeline,
  onnxRunner,
  openPackage,
  type Pipeline,
  type Progress,
  packageFolder,
  type StepLatents,
} from "../../runtime/index.ts";
import { normals } from "../../runtime/sampler/random.ts";
import { alphaBars } from "../../runtime/sampler/schedule.ts";
import { sampler, type TinyPackage, tinyPackage, VOCABULARY } from "./tiny-package.ts";

let tiny: TinyPackage;
let pipeline: Pipeline;

beforeAll(async () => {
  tiny = await tinyPackage();
  pipeline = await loadPipeline(tiny.folder, { threads: 1 });
});
afterAll(async () => {
  await pipeline.dispose();
  await tiny.remove();
});

/** The mean of a prompt's embedded tokens: 37 t / 60 a token, over six tokens. */
function meanOf(words: readonly string[]): number {
  return words.reduce((sum, word) => sum + (37 * VOCABULARY.indexOf(word)) / 60, 0) / 6;
}

interface Wanted {
  readonly words: readonly string[];
  readonly seed: number;
  readonly steps: number;
  readonly guidance: number;
  readonly eta: number;
}

/** DDIM by the formulas of Song et al. (2021) for v-prediction, with what the tiny network computes written out. */
function byHand({ words, seed, steps, guidance, eta }: Wanted): number[] {
  const bars = alphaBars(sampler);
  const noise = (stream: number) => [...normals(seed, stream, 4)];
  let z = noise(0);
  for (let i = 0; i < steps; i++) {
    const t = 1000 - (i * 1000) / steps - 1;
    const a = bars[t] ?? 0;
    const p = i + 1 < steps ? (bars[1000 - ((i + 1) * 1000) / steps - 1] ?? 0) : 1;
    const sigma = eta * Math.sqrt((1 - p) / (1 - a)) * Math.sqrt(1 - a / p);
    const fresh = noise(1 + i);
    z = z.map((x, k) => {
      const prompt = x / 2 + t / 1000 + meanOf(["<start>", ...words, "<end>"]);
      const empty = x / 2 + t / 1000 + meanOf(["<start>", "<end>"]);
      const v = empty + guidance * (prompt - empty);
      const data = Math.sqrt(a) * x - Math.sqrt(1 - a) * v;
      const e = Math.sqrt(1 - a) * x + Math.sqrt(a) * v;
      return Math.sqrt(p) * data + Math.sqrt(1 - p - sigma ** 2) * e + sigma * (fresh[k] ?? 0);
    });
  }
  return z;
}

function expectNear(found: ArrayLike<number>, expected: readonly number[]): void {
  expect(found.length).toBe(expected.length);
  // Four steps in f32, values up to about 10: a few units in the last place of 10.
  expected.forEach((value, i) => {
    expect(found[i]).toBeCloseTo(value, 4);
  });
}

test("a clip is what the formulas give, and its pixels are the decoded frames as bytes", async () => {
  const clip = await pipeline.sample("a red circle", { seed: 7 });
  const z = byHand({ words: ["a", "red", "circle"], seed: 7, steps: 4, guidance: 3, eta: 0 });
  expectNear(clip.latent.data, z);
  expect(clip.latent.shape).toEqual([1, 2, 1, 1, 2]);
  expect(clip).toMatchObject({ width: 2, height: 1, frameCount: 2 });
  const byte = (x: number) => Math.max(0, Math.min(255, Math.round((x + 1) * 127.5)));
  const pixels = Array.from(clip.latent.data).flatMap((x) => [byte(x), byte(x / 2), byte(-x), 255]);
  expect([...clip.frames]).toEqual(pixels);
  expect([...frameOf(clip, 1)]).toEqual(pixels.slice(8));
});

test("options: steps, guidance, eta's noise, seeds; the defaults are the package's", async () => {
  const clip = await pipeline.sample("moves", { seed: 2 ** 40 + 3, steps: 5, guidance: -1, eta: 0.5 });
  expectNear(clip.latent.data, byHand({ words: ["moves"], seed: 2 ** 40 + 3, steps: 5, guidance: -1, eta: 0.5 }));
  const [one, other] = [await pipeline.sample("a"), await pipeline.sample("a", { seed: 0, steps: 4, guidance: 3, method: "ddim" })];
  expect(one).toEqual(other);
  expect((await pipeline.sample("a", { seed: 1 })).latent).not.toEqual(one.latent);
});

test("times one by one decide the number of steps, and another method leaves what is special to the model's", async () => {
  const four = await pipeline.sample("a");
  expect((await pipeline.sample("a", { timesteps: [999, 749, 499, 249] })).latent).toEqual(four.latent);
  const two = await pipeline.sample("a", { timesteps: [999, 499] });
  expect(two.latent).toEqual((await pipeline.sample("a", { steps: 2 })).latent);
  // Euler's method is DDIM's, but for rounding in the last place: its times are the same here.
  const euler = await pipeline.sample("a", { method: "euler" });
  expectNear(euler.latent.data, Array.from(four.latent.data));
});

test("guidance 1 runs the looped graph alone, at the plain batch, and no empty prompt", async () => {
  const pair = await tinyPackage(2);
  const pack = await openPackage(packageFolder(pair.folder));
  const runner = onnxRunner(pack, pair.folder, { threads: 1 });
  const ran: string[] = [];
  const run: GraphRunner["run"] = (graph, feeds) => {
    ran.push(graph);
    return runner.run(graph, feeds);
  };
  const watched = createPipeline(pack, { ...runner, run });
  const clips = await watched.sampleAll([{ prompt: "a red circle", seed: 7 }, { prompt: "moves" }], { guidance: 1 });
  expectNear(clips[0]?.latent.data ?? [], byHand({ words: ["a", "red", "circle"], seed: 7, steps: 4, guidance: 1, eta: 0 }));
  expectNear(clips[1]?.latent.data ?? [], byHand({ words: ["moves"], seed: 0, steps: 4, guidance: 1, eta: 0 }));
  expect(ran).toEqual([...Array(2).fill("encodeText"), ...Array(4).fill("denoise"), ...Array(2).fill("decode")]);
  await watched.dispose();
  await pair.remove();
});

test("a batch of prompts, and latents heard after each step: the last is the clip's", async () => {
  const pair = await tinyPackage(2);
  const two = await loadPipeline(pair.folder, { threads: 1 });
  const heard: StepLatents[] = [];
  const clips = await two.sampleAll(["a red circle", "moves", "red"], { onLatents: (made) => void heard.push(made) });
  expect(heard.map(({ step, steps, first, latents }) => [step, steps, first, latents.length])).toEqual([
    ...[1, 2, 3, 4].map((step) => [step, 4, 0, 2]),
    ...[1, 2, 3, 4].map((step) => [step, 4, 2, 1]),
  ]);
  expect([heard[3]?.latents[0], heard[3]?.latents[1], heard[7]?.latents[0]]).toEqual(clips.map(({ latent }) => latent));
  expectNear(clips[1]?.latent.data ?? [], byHand({ words: ["moves"], seed: 0, steps: 4, guidance: 3, eta: 0 }));
  await two.dispose();
  await pair.remove();
});

test("a latent of one's own is where the first step starts", async () => {
  const seeded = await pipeline.sample("a red circle", { seed: 7 });
  const start = { dtype: "f32", shape: [1, 2, 1, 1, 2], data: normals(7, 0, 4) } as const;
  expect((await pipeline.sample("a red circle", { latent: start })).latent).toEqual(seeded.latent);
  expect((await pipeline.sample({ prompt: "a red circle", latent: start })).latent).toEqual(seeded.latent);
  await expect(pipeline.sample("a", { latent: { ...start, shape: [2, 1, 1, 2] } })).rejects.toMatchObject({
    code: "tensor-shape",
    message: '"z" of the clip must have the shape [1, 2, 1, 1, 2], found [2, 1, 1, 2]',
  });
});

/** As JavaScript may call it. */
const called = (name: "sample" | "sampleAll" | "sampleLatents" | "run", ...given: readonly unknown[]): Promise<unknown> =>
  (pipeline[name] as (...given: readonly unknown[]) => Promise<unknown>)(...given);

test.each<[Parameters<typeof called>, string]>([
  [["sample", 42], "option-invalid: what `sample` is asked for must be a prompt, or an object of prompt, seed and inputs, found 42"],
  [
    ["sample", undefined],
    "option-invalid: what `sample` is asked for must be a prompt, or an object of prompt, seed and inputs, found undefined",
  ],
  [
    ["sample", ["a", "red"]],
    "option-invalid: what `sample` is asked for must be a prompt, or an object of prompt, seed and inputs, found a list of 2",
  ],
  [["sample", { promt: "a" }], 'option-unknown: there is no "promt" in what `sample` is asked for'],
  [["sample", { prompt: 3 }], "option-invalid: prompt must be a text, found 3"],
  [["sample", "a", { step: 3 }], 'option-unknown: there is no "step" in the options of `sample`'],
  [["sample", "a", 3], "option-invalid: the options of `sample` must be an object of options, found 3"],
  [["sample", "a", { steps: "10" }], "option-invalid: steps must be a whole number from 1 to 1000, found 10"],
  [["sample", "a", { seed: "1" }], 'option-invalid: seed must be a whole number from 0 to 9007199254740991, found "1"'],
  [["sample", "a", { onProgress: true }], "option-invalid: onProgress must be a function, found true"],
  [["sample", "a", { signal: {} }], "option-invalid: signal must be an AbortSignal, found an empty object"],
  [["sample", { inputs: { text: {} } }], 'input-invalid: "text" must be a text, found an empty object'],
  [
    ["sample", "a", { negative: "red", guidance: 1 }],
    "option-invalid: guidance must be another number than 1 for a negative prompt, which weighs nothing there, found 1",
  ],
  [["sampleAll", "a"], 'option-invalid: requests must be a list of prompts or requests, found "a"'],
  [["sampleLatents", ["a", 7]], "option-invalid: requests[1] must be a prompt, or an object of prompt, seed and inputs, found 7"],
  [["sampleAll", ["a"], { seed: 1 }], 'option-unknown: there is no "seed" in the options of `sampleAll`'],
  [["run", 3, {}], 'graph-unknown: there is no graph "3" in the package'],
  [["run", "double", [1, 2, 3]], 'option-invalid: the tensors of graph "double" must be an object of tensors by name, found a list of 3'],
  [
    ["run", "double", { h: [1, 2, 3] }],
    'tensor-dtype: "h" of graph "double" must be a tensor, { dtype: "f16", shape, data: Uint16Array }, found a list of 3',
  ],
  [
    ["run", "double", { h: { dtype: "f32", shape: [3], data: [1, 2, 3] } }],
    'tensor-dtype: "h" of graph "double" must be a tensor, { dtype: "f16", shape, data: Uint16Array }, found an object of dtype, shape, data',
  ],
])("what types would have told: %j", async (given, said) => {
  const failed = called(...given).then(
    () => "nothing was refused",
    (error) => `${error.name === "MvcError" ? error.code : error.name}: ${error.message}`,
  );
  expect(await failed).toBe(said);
});

test.each<[readonly unknown[], string]>([
  [[42], "option-invalid: the package must be the path of a folder, found 42"],
  [["out", { backend: "gpu" }], 'option-invalid: backend must be one of "auto", "webgpu", "onnx", found "gpu"'],
  [["out", { threads: 0 }], "option-invalid: threads must be a whole number from 1 to 9007199254740991, found 0"],
  [["out", { thread: 1 }], 'option-unknown: there is no "thread" in the options of `loadPipeline`'],
])("a package that is asked for wrongly: %j", async (given, said) => {
  const load = loadPipeline as (...given: readonly unknown[]) => Promise<unknown>;
  expect(await load(...given).catch((error) => `${error.code}: ${error.message}`)).toBe(said);
});

test("all methods come near the same clip with many steps", async () => {
  const clips = await Promise.all(
    (["ddim", "dpm++2m", "euler"] as const).map((method) => pipeline.sample("red", { method, steps: 200, guidance: 1 })),
  );
  const [first, second, third] = clips.map(({ latent }) => Array.from(latent.data));
  // DDIM and Euler take the same levels here; 2M differs by its order: both are within 1 % at 200 steps.
  first?.forEach((value, i) => {
    expect(Math.abs((third?.[i] ?? 0) - value)).toBeLessThan(1e-4 * Math.abs(value));
    expect(Math.abs((second?.[i] ?? 0) - value)).toBeLessThan(0.02);
  });
});

test("progress: text, each step from 0, decode", async () => {
  const seen: Progress[] = [];
  await pipeline.sample("a", { steps: 2, onProgress: (progress) => seen.push(progress) });
  expect(seen).toEqual([
    { phase: "text", step: 0, steps: 2 },
    { phase: "step", step: 0, steps: 2 },
    { phase: "step", step: 1, steps: 2 },
    { phase: "decode", step: 2, steps: 2 },
  ]);
});

test("after load() a clip needs nothing more of the files", async () => {
  const other = await tinyPackage();
  const loaded = await loadPipeline(other.folder, { threads: 1 });
  const stop = new AbortController();
  stop.abort();
  await expect(loaded.load({ signal: stop.signal })).rejects.toMatchObject({ code: "aborted", message: "stopped during loading" });
  await loaded.load();
  const read = [...Object.values(other.manifest.graphs).map(({ onnx }) => onnx?.file ?? ""), "tokenizer.json"];
  for (const file of read) await rm(join(other.folder, file));
  expect((await loaded.sample("a", { seed: 1 })).frameCount).toBe(2);
  await loaded.dispose();
  await expect(loaded.load()).rejects.toMatchObject({ code: "disposed" });
  await other.remove();
});

test("an abort is heard before the next step", async () => {
  const stop = new AbortController();
  const seen: number[] = [];
  const sampling = pipeline.sample("a", {
    signal: stop.signal,
    onProgress: ({ phase, step }) => {
      if (phase === "step") seen.push(step);
      if (phase === "step" && step === 1) stop.abort();
    },
  });
  await expect(sampling).rejects.toMatchObject({ code: "aborted", message: "stopped during step 3 of 4" });
  expect(seen).toEqual([0, 1]);
  await expect(pipeline.sample("a", { signal: stop.signal })).rejects.toMatchObject({ code: "aborted" });
});

test("a batch of two: each clip is the one that it would be alone, also in a batch that is not full", async () => {
  const pair = await tinyPackage(2);
  const two = await loadPipeline(pair.folder, { threads: 1 });
  const requests = [{ prompt: "a red circle", seed: 7 }, { prompt: "moves", seed: 8 }, { prompt: "red" }];
  const clips = await two.sampleAll(requests);
  expect(clips).toHaveLength(3);
  for (const [i, { prompt, seed = 0 }] of requests.entries()) {
    const alone = await pipeline.sample(prompt, { seed });
    expectNear(clips[i]?.latent.data ?? [], Array.from(alone.latent.data));
    expect(clips[i]?.frames).toEqual(alone.frames);
  }
  await two.dispose();
  await pair.remove();
});

test.each([
  [{ steps: 0 }, "steps must be a whole number from 1 to 1000, found 0"],
  [{ steps: 2.5 }, "steps must be a whole number from 1 to 1000, found 2.5"],
  [{ steps: 1001 }, "steps must be a whole number from 1 to 1000, found 1001"],
  [{ guidance: Number.NaN }, "guidance must be a finite number, found NaN"],
  [{ seed: -1 }, "seed must be a whole number from 0 to 9007199254740991, found -1"],
  [{ seed: 2 ** 53 }, "seed must be a whole number from 0 to 9007199254740991, found 9007199254740992"],
  [{ eta: 1.5 }, "eta must be a number from 0 to 1, found 1.5"],
  [{ timesteps: [999, 500], steps: 3 }, "steps must be 2, the number of its `timesteps`, found 3"],
  [{ timesteps: [500, 999] }, "timesteps must be a falling list of whole numbers from 0 to 999, found [500, 999]"],
  [{ sigmas: "karras" }, 'sigmas must be left out with "ddim", which goes by times, found karras'],
  [{ method: "euler", variance: "fixed-large" }, 'variance must be left out: "euler" of these levels does not read it, found fixed-large'],
  [{ shift: 3 }, 'shift must be left out: "ddim" of these levels does not read it, found 3'],
] as const)("refused: %j", async (options, message) => {
  await expect(pipeline.sample("a", options)).rejects.toMatchObject({ code: "option-invalid", message });
});

test("frames that are not numbers are an error, not a black clip", async () => {
  await expect(pipeline.sample("a", { guidance: 1e300 })).rejects.toMatchObject({
    code: "frames-not-finite",
    message: "12 of 12 values of the decoded frames are not finite numbers",
  });
});

test("a package without a sampler or a decoder says what is missing", async () => {
  const { graphs } = tiny.manifest;
  const { decode: _, ...rest } = graphs;
  const cases: readonly (readonly [{ readonly [field: string]: unknown }, string])[] = [
    [{ sampler: null }, "Tiny cannot be sampled: it declares no sampler"],
    [{ graphs: rest }, `Tiny cannot be sampled: it has no graph "decode"`],
    [{ tokenizer: null }, "Tiny cannot be sampled: the package has no tokenizer"],
    [{ sampler: { ...sampler, latents: "encode" } }, `Tiny cannot be sampled: it has no graph "encode"`],
    [{ sampler: { ...sampler, latents: "encodeText" } }, `Tiny cannot be sampled: graph "encodeText" takes no pictures`],
    [{ sampler: { ...sampler, latent: "y" } }, `Tiny cannot be sampled: graph "denoise.step" has no input "y"`],
  ];
  for (const [fields, message] of cases) {
    await tiny.change(fields);
    const other = await loadPipeline(tiny.folder);
    await expect(other.sample("a")).rejects.toMatchObject({ code: "not-samplable", message });
    await other.dispose();
  }
  await tiny.change({});
});

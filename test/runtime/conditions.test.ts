// Models with every kind of condition, and with none, sampled on each backend beside clips computed by hand; and what is refused before the work.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { referenceRunner } from "../../cli/reference-runner.ts";
import { type ClipRequest, createPipeline, openPackage, type Pipeline, packageFolder } from "../../runtime/index.ts";
import { normals } from "../../runtime/sampler/random.ts";
import { f32, i32 } from "../../runtime/tensor.ts";
import { noGpu, openRunnerOnGpu } from "../gpu.ts";
import {
  byHand,
  ddimByHand,
  direct,
  halves,
  many,
  type Network,
  none,
  one,
  oneByHand,
  other,
  otherByHand,
  seen,
  shiftOf,
  weights,
} from "./conditions-by-hand.ts";
import { type Backends, SmallPackages, backends as shipped } from "./small-packages.ts";

const packages = new SmallPackages("conditions", weights);
const backends: Backends = {
  reference: async (folder) => {
    const pack = await openPackage(packageFolder(folder));
    return createPipeline(pack, referenceRunner(pack, folder));
  },
  ...shipped,
};

/** The package of `many`. */
let folderOfMany = "";
const opened: { [package_: string]: { readonly [backend: string]: Pipeline } } = {};
beforeAll(async () => {
  const folders = {
    many: packages.of(many),
    half: packages.of(halves, {}, "f16"),
    two: packages.of(many, { B: 2 }),
    none: packages.of(none),
    direct: packages.of(direct),
    same: packages.of(direct.replace(', conditions: { bias: { from: "tensor", unguided: 0.5 } }', "")),
    unread: packages.of(direct.replaceAll("bias: {", "gain: {").replace("z * gain + bias + gain * 2.0", "z * gain")),
  };
  for (const [name, folder] of Object.entries(folders)) opened[name] = await packages.open(folder, backends);
  folderOfMany = folders.many;
}, 120_000);
afterAll(() => packages.close());

const near = (found: ArrayLike<number>, expected: readonly number[]) => {
  expect(found.length).toBe(expected.length);
  // Three steps in f32, values up to about 10.
  expected.forEach((value, i) => {
    expect(found[i]).toBeCloseTo(value, 4);
  });
};

describe.each(Object.keys(backends))("on %s", (backend) => {
  const of = (name: string) => opened[name]?.[backend] as Pipeline;

  test("each condition does in each half what the model declares, and its pictures are the latent's", async () => {
    const clip = await of("many").sample(one);
    near(clip.latent.data, oneByHand());
    expect(clip).toMatchObject({ width: 2, height: 1, frameCount: 2 });
    // The second frame's second pixel: the last of each of its three planes of two.
    const [red = 0, green = 0, blue = 0] = [7, 9, 11].map((i) =>
      Math.max(0, Math.min(255, Math.round((Number(clip.latent.data[i]) + 1) * 127.5))),
    );
    expect([...clip.frames.slice(12)]).toEqual([red, green, blue, 255]);
    near((await of("many").sample("moves red", { seed: 8, inputs: other.inputs ?? {} })).latent.data, otherByHand());
    const [latent] = await of("many").sampleLatents([one]);
    expect(latent).toEqual(clip.latent);
  });

  test("guidance 1 computes the guided half alone, between clips that are guided", async () => {
    const guided = { text: ["a", "red", "circle"], style: ["moves"], fps: 8, first: seen, label: 1 };
    const alone = byHand(7, shiftOf(guided), Number.NaN, [1, -2], "no unguided half");
    near((await of("many").sample(one, { guidance: 1 })).latent.data, alone);
    near((await of("many").sample(one)).latent.data, oneByHand());
    near((await of("many").sample(one, { guidance: 1 })).latent.data, alone);
    const [first, second] = await of("two").sampleAll([one, other], { guidance: 1 });
    near(first?.latent.data ?? [], alone);
    const [again] = await of("many").sampleLatents([other], { guidance: 1 });
    near(second?.latent.data ?? [], [...(again?.data ?? [])]);
    const { denoise, prepare, step } = of("many").package.manifest.graphs;
    expect(2 * (denoise?.flops ?? 0)).toBe((prepare?.flops ?? 0) + (step?.flops ?? 0));
  });

  test("a model without conditions, and one whose conditions are the same in both halves, loop at the plain batch", () => {
    expect(of("none").package.manifest.graphs["denoise.step"]?.inputs.map(({ shape }) => shape[0])).toEqual([1, 1]);
    expect(of("same").package.manifest.graphs.step?.inputs.map(({ shape }) => shape[0])).toEqual([1, 1, 1, 1, 1]);
  });

  test("conditions that are the same in both halves, one of them read by nothing", async () => {
    const [bias, gain] = [3, 4].map((seed) => normals(seed, 0, 12));
    if (bias === undefined || gain === undefined) throw new Error("no numbers");
    const inputs = { bias: f32([1, 2, 3, 1, 2], bias), gain: f32([1, 2, 3, 1, 2], gain) };
    const network: Network = (_, x, __, k) => x * (gain[k] ?? 0) + (bias[k] ?? 0) + 2 * (gain[k] ?? 0);
    near((await of("same").sample({ seed: 5, inputs })).latent.data, ddimByHand(5, network, 1));
    const { gain: own } = inputs;
    const unread: Network = (half, x, _, k) => x * (half === "guided" ? (gain[k] ?? 0) : 0.5);
    near((await of("unread").sample({ seed: 5, inputs: { gain: own } })).latent.data, ddimByHand(5, unread, 2));
    near((await of("unread").sample({ seed: 5, inputs: { gain: own } }, { guidance: 1 })).latent.data, ddimByHand(5, unread, 1));
  });

  test("conditions that the steps read themselves", async () => {
    const [bias, gain] = [3, 4].map((seed) => normals(seed, 0, 12));
    if (bias === undefined || gain === undefined) throw new Error("no numbers");
    const inputs = { bias: f32([1, 2, 3, 1, 2], bias), gain: f32([1, 2, 3, 1, 2], gain) };
    const network: Network = (half, x, _, k) => x * (gain[k] ?? 0) + (half === "guided" ? (bias[k] ?? 0) : 0.5) + 2 * (gain[k] ?? 0);
    near((await of("direct").sample({ seed: 5, inputs })).latent.data, ddimByHand(5, network, 2));
    expect(of("direct").package.manifest.graphs.prepare?.inputs.map(({ name }) => name)).toEqual(["gain"]);
    expect(of("direct").package.manifest.graphs.step?.inputs.map(({ name }) => name)).toEqual(["z", "t", "bias", "gain", "gain.2"]);
  });

  test("a negative prompt stands in the unguided half for the model's own text, clip by clip", async () => {
    const guided = { text: ["a", "red", "circle"], style: ["moves"], fps: 8, first: seen, label: 1 };
    const expected = byHand(7, shiftOf(guided), shiftOf({ ...guided, text: ["circle", "circle"], fps: 3, first: 0.25, label: 2 }), [1, -2]);
    near((await of("many").sample({ ...one, negative: "circle circle" })).latent.data, expected);
    const [first, second] = await of("two").sampleAll([one, { ...one, negative: "circle circle" }]);
    near(first?.latent.data ?? [], oneByHand());
    near(second?.latent.data ?? [], expected);
    await expect(of("none").sample({ negative: "a" })).rejects.toMatchObject({ code: "input-unknown" });
  });

  test("latents are heard after each step", async () => {
    const heard: number[][] = [];
    const clip = await of("many").sample(one, {
      onLatents: ({ latents }) => {
        heard.push([...(latents[0]?.data ?? [])]);
      },
    });
    expect(heard.length).toBe(3);
    expect(heard[2]).toEqual([...clip.latent.data]);
    expect(new Set(heard.map((values) => values.join())).size).toBe(3);
  });

  test("halves", async () => {
    const { latent } = await of("half").sample(one);
    const guided = { text: ["a", "red", "circle"], style: ["moves"], fps: 0, first: seen, label: 1 };
    const expected = byHand(7, shiftOf(guided), shiftOf({ ...guided, text: ["a"], first: 0.25, label: 2 }), [1, -2]);
    // Eleven bits of each stored value, of sums up to about 4, over three steps.
    for (const [i, value] of expected.entries()) expect(Math.abs(Number(latent.data[i]) - value)).toBeLessThan(2e-2);
  });

  test("clips of a batch have conditions of their own", async () => {
    const clips = await of("two").sampleAll([one, other, one]);
    expect(clips).toHaveLength(3);
    for (const [i, expected] of [oneByHand(), otherByHand(), oneByHand()].entries()) near(clips[i]?.latent.data ?? [], expected);
  });

  test("a model without conditions takes no prompt, and a graph called `step` of its own stays what it is", async () => {
    const pipeline = of("none");
    near((await pipeline.sample({ seed: 3 })).latent.data, byHand(3, 0, 0, [], 1));
    const { step } = await pipeline.run("step", { z: f32([1, 2], Float32Array.of(1, 2)) });
    expect([...(step?.data ?? [])]).toEqual([2, 4]);
    await expect(pipeline.sample("a red circle")).rejects.toMatchObject({ code: "input-unknown", message: 'the model takes no "prompt"' });
    await expect(pipeline.sample({}, { guidance: 3 })).rejects.toMatchObject({ code: "option-invalid" });
  });

  test.each<readonly [string, ClipRequest, string]>([
    ["no prompt", { inputs: one.inputs ?? {} }, 'input-missing: the model needs "prompt", a text, which was not given'],
    ["no number", without("fps"), 'input-missing: the model needs "fps", a number, which was not given'],
    ["no picture", without("first"), 'input-missing: the model needs "first", a picture of 2x1, which was not given'],
    ["no class", without("label"), 'input-missing: the model needs "label", a class, a whole number from 0 to 3, which was not given'],
    ["no tensor", without("mask"), 'input-missing: the model needs "mask", a tensor, f32 [1, 2], which was not given'],
    [
      "texts that are given twice",
      { ...one, inputs: { ...one.inputs, text: "a red circle", style: "moves" } },
      'input-invalid: "prompt" must be left out, as the model\'s texts are given by name ("style", "text"), found both',
    ],
    ["one that it has not", changed("fsp", 3), 'input-unknown: the model takes no "fsp"'],
    ["a number that is none", changed("fps", Number.NaN), 'input-invalid: "fps" must be a number, found NaN'],
    ["a text for a number", changed("fps", "8"), 'input-invalid: "fps" must be a number, found the text "8"'],
    ["half a class", changed("label", 1.5), 'input-invalid: "label" must be a class, a whole number from 0 to 3, found 1.5'],
    [
      "a class beyond the table",
      changed("label", 4),
      'id-out-of-range: "label" of the clip\'s inputs holds the id 4, but its table has 4 rows',
    ],
    [
      "a picture of another size",
      changed("first", { width: 1, height: 2, data: new Uint8Array(8).fill(255) }),
      'input-invalid: "first" must be a picture of 2x1, found a picture of 1x2',
    ],
    [
      "a picture that is seen through",
      changed("first", { width: 2, height: 1, data: new Uint8Array(8) }),
      'input-invalid: "first" must be a picture that is opaque everywhere, found transparent pixels',
    ],
    [
      "a tensor of another shape",
      changed("mask", f32([2], new Float32Array(2))),
      'tensor-shape: "mask" of the clip\'s inputs must have the shape [1, 2] (B, F), found [2]',
    ],
    [
      "a tensor of whole numbers",
      changed("mask", i32([1, 2], new Int32Array(2))),
      'tensor-dtype: "mask" of the clip\'s inputs must be f32, found i32',
    ],
    ["a word that it does not know", { ...one, prompt: "a dog" }, 'word-unknown: the model does not know the word "dog"'],
  ])("refused before the work: %s", async (_, request, said) => {
    const phases: string[] = [];
    // The second of two clips: nothing of the first is sampled either.
    const sampling = of("many").sampleAll([one, request], { onProgress: ({ phase }) => phases.push(phase) });
    await expect(sampling.catch(({ code, message }) => `${code}: ${message}`)).resolves.toBe(said);
    expect(phases).toEqual([]);
  });

  test("ids beyond a table are one error, in `run` too", async () => {
    for (const id of [8, -1]) {
      const tokens = i32([1, 6], Int32Array.of(0, 1, 2, 3, id, 7));
      await expect(of("many").run("encodeText", { tokens })).rejects.toMatchObject({
        code: "id-out-of-range",
        message: `"tokens" of graph "encodeText" holds the id ${id}, but its table has 8 rows`,
      });
    }
  });

  test("calls at once: each as if alone, and one that is stopped harms none", async () => {
    const pipeline = of("many");
    const abort = new AbortController();
    const stopped = pipeline.sample(other, { signal: abort.signal, steps: 50 });
    const [first, second] = [pipeline.sample(one), pipeline.sample(other)];
    const waiting = pipeline.sample(other, { signal: abort.signal });
    const tokens = i32([1, 6], Int32Array.of(1, 2, 3, 4, 5, 6));
    const ran = pipeline.run("encodeText", { tokens });
    abort.abort();
    await expect(stopped).rejects.toMatchObject({ code: "aborted" });
    await expect(waiting).rejects.toMatchObject({ code: "aborted" });
    near((await first).latent.data, oneByHand());
    near((await second).latent.data, otherByHand());
    near(
      (await ran).encodeText?.data ?? [],
      [1, 2, 3, 4, 5, 6].map((id) => id / 20),
    );
    // A graph that `run` has run before is still the loop's.
    near((await pipeline.sample(one)).latent.data, oneByHand());
  });
});

test.each(Object.entries(backends))("a graph of the loop may run before the first clip, on %s", async (_, open) => {
  const pipeline = await open(folderOfMany);
  const { inputs } = pipeline.package.manifest.graphs.step ?? { inputs: [] };
  await pipeline.run(
    "step",
    Object.fromEntries(
      inputs.map(({ name, shape }) => [
        name,
        f32(
          shape,
          normals(
            1,
            0,
            shape.reduce((a, b) => a * b, 1),
          ),
        ),
      ]),
    ),
  );
  near((await pipeline.sample(one)).latent.data, oneByHand());
  await pipeline.dispose();
});

/** On WebGPU a device of its own, which is destroyed. */
const alone = { ...backends, ...(noGpu === undefined ? { webgpu: openAlone } : {}) };
async function openAlone(folder: string): Promise<Pipeline> {
  return createPipeline(await openPackage(packageFolder(folder)), await openRunnerOnGpu(folder));
}

test.each(Object.entries(alone))("disposed on %s: what runs ends, and nothing runs after it", async (_, open) => {
  const gone = { code: "disposed", message: "the pipeline was used after it was disposed" };
  const early = await open(folderOfMany);
  const loading = expect(early.sample(one)).rejects.toMatchObject(gone);
  await early.dispose();
  await loading;
  const pipeline = await open(folderOfMany);
  let disposing: Promise<void> | undefined;
  const onProgress = ({ phase, step }: { phase: string; step: number }) => {
    if (phase === "step" && step === 1) disposing ??= pipeline.dispose();
  };
  const running = expect(pipeline.sample(one, { steps: 900, onProgress })).rejects.toMatchObject(gone);
  // Where calls take no turns either may come first, as the files are read that it asks for.
  const waiting = expect(pipeline.sample(other, { steps: 900, onProgress })).rejects.toMatchObject(gone);
  await Promise.all([running, waiting]);
  await disposing;
  await expect(pipeline.sample(one)).rejects.toMatchObject(gone);
  await expect(pipeline.run("encodeText", { tokens: i32([1, 6], new Int32Array(6)) })).rejects.toMatchObject(gone);
  await pipeline.dispose();
});

function without(name: string): ClipRequest {
  const { [name]: _, ...inputs } = one.inputs ?? {};
  return { ...one, inputs };
}

function changed(name: string, value: NonNullable<ClipRequest["inputs"]>[string]): ClipRequest {
  return { ...one, inputs: { ...one.inputs, [name]: value } };
}

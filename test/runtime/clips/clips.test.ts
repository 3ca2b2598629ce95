// Clips from more than text on each backend, beside clips worked out by hand; and what is refused before the work.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { methods } from "../../../dsl/sampling.ts";
import type { ClipRequest, Pipeline, SampleOptions } from "../../../runtime/index.ts";
import { normals } from "../../../runtime/sampler/random.ts";
import { f32 } from "../../../runtime/tensor.ts";
import { backends, SmallPackages } from "../small-packages.ts";
import { type Asked, barAt, blind, byHand, exact, meaning, pictureOf, places, size, undirected, weights } from "./clips-by-hand.ts";

const packages = new SmallPackages("clips", weights);
const opened: { [package_: string]: { readonly [backend: string]: Pipeline } } = {};
beforeAll(async () => {
  const folders = {
    places: packages.of(places),
    two: packages.of(places, { B: 2 }),
    short: packages.of(places, { F: 2 }),
    undirected: packages.of(undirected),
    blind: packages.of(blind),
  };
  for (const [name, folder] of Object.entries(folders)) opened[name] = await packages.open(folder);
}, 120_000);
afterAll(() => packages.close());

const near = (found: ArrayLike<number>, expected: readonly number[]) => {
  expect(found.length).toBe(expected.length);
  // Four steps in f32, values up to about 10.
  expected.forEach((value, i) => {
    expect(found[i]).toBeCloseTo(value, 4);
  });
};

/** Four frames whose places all differ, as pictures and as the latent that these encode to. */
const bytes = Array.from({ length: 4 * size }, (_, i) => 8 + 15 * i);
const clip = Array.from({ length: 4 }, (_, frame) => pictureOf(exact(...bytes.slice(frame * size, (frame + 1) * size))));
const latent = exact(...bytes);
const [first, , , last] = clip as [(typeof clip)[0], unknown, unknown, (typeof clip)[0]];
const nothing = (frames: number) => new Array<number>(frames * size).fill(0);
const frames = (...kept: readonly (0 | 1)[]) => kept.flatMap((keep) => new Array<number>(size).fill(keep));

describe.each(Object.keys(backends))("on %s", (backend) => {
  const of = (name: string) => opened[name]?.[backend] as Pipeline;
  const sampled = async (request: ClipRequest, options: SampleOptions = {}, name = "places") => {
    const [made] = await of(name).sampleLatents([{ prompt: "a", seed: 3, ...request }], options);
    return [...(made?.data ?? [])] as number[];
  };
  const hand = (asked: Partial<Asked> = {}) => byHand({ seed: 3, frames: 4, ...asked });

  test("from a first picture, a last one, or both: they are in the clip as they were given, and the rest follows them", async () => {
    const known = [...latent.slice(0, size), ...nothing(2), ...latent.slice(3 * size)];
    near(await sampled({}), hand());
    near(await sampled({ firstFrame: first }), hand({ known, keep: frames(1, 0, 0, 0) }));
    near(await sampled({ lastFrame: last }), hand({ known, keep: frames(0, 0, 0, 1) }));
    const both = await sampled({ firstFrame: first, lastFrame: last });
    near(both, hand({ known, keep: frames(1, 0, 0, 1) }));
    near(both.slice(0, size), latent.slice(0, size));
    near(both.slice(3 * size), latent.slice(3 * size));
    const named = { known: [{ clip: first }, { clip: last, at: 3 }] };
    expect(await sampled(named)).toEqual(both);
    const given = (from: number) => f32([1, 1, 1, 2, 2], Float32Array.from(latent.slice(from * size, (from + 1) * size)));
    near(await sampled({ firstFrame: given(0), lastFrame: given(3) }), both);
    // What kept a clip's frames keeps none of the next one's.
    near(await sampled({}), hand());
  });

  test("a mask keeps what is black, where all pixels of a place are, in space and in time", async () => {
    const white = (...pixels: readonly number[]) => {
      const data = new Uint8ClampedArray(4 * 4 * 4).fill(0);
      for (const pixel of pixels) data.fill(255, pixel * 4, pixel * 4 + 3);
      return { width: 4, height: 4, data };
    };
    // One pixel of the second place, and all of the fourth.
    const mask = white(2, 10, 11, 14, 15);
    near(await sampled({ known: { clip, mask } }), hand({ known: latent, keep: [0, 1, 2, 3].flatMap(() => [1, 0, 1, 0]) }));
    const eachFrame = [white(), white(0), white(...Array(16).keys()), white(15)];
    const keep = [1, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 0];
    near(await sampled({ known: { clip, mask: eachFrame } }), hand({ known: latent, keep }));
    const soft = f32([1, 1, 2, 2], Float32Array.of(0, 0.25, 0.5, 1));
    const half = [0, 1, 2, 3].flatMap(() => [1, 0.75, 0.5, 0]);
    near(await sampled({ known: { clip, mask: soft } }), hand({ known: latent, keep: half }));
  });

  test("from another clip, noised as far as its strength says", async () => {
    near(await sampled({ from: clip }, { strength: 0.5 }), hand({ skipped: 2, from: latent }));
    near(await sampled({ from: clip }, { strength: 0.3 }), hand({ skipped: 3, from: latent }));
    near(await sampled({ from: clip }, { strength: 0 }), latent);
    const given = f32([1, 4, 1, 2, 2], Float32Array.from(latent));
    near(await sampled({ from: given }, { strength: 0.5 }), hand({ skipped: 2, from: latent }));
    near(
      await sampled({ from: given, firstFrame: last }, { strength: 0.5 }),
      hand({ skipped: 2, from: latent, known: latent.slice(3 * size), keep: frames(1, 0, 0, 0) }),
    );
    // Of batches that are not full, and with requests that differ.
    const [one, other] = await of("two").sampleLatents(
      [
        { prompt: "a", seed: 3, from: clip },
        { prompt: "red", seed: 4, from: given },
      ],
      { strength: 0.5 },
    );
    near(one?.data ?? [], hand({ skipped: 2, from: latent }));
    near(other?.data ?? [], hand({ seed: 4, skipped: 2, from: latent, texts: [meaning("red")] }));
  });

  test("longer than the model: windows that share frames, joined at every step and when they are decoded", async () => {
    const long = hand({ frames: 8, starts: [0, 2, 4], ramp: 2 });
    near(await sampled({}, { length: 8 }), long);
    near(await sampled({}, { length: 7, overlap: 1 }), hand({ frames: 7, starts: [0, 3], ramp: 1 }));
    near(await sampled({}, { length: 6, overlap: 3 }), hand({ frames: 6, starts: [0, 1, 2], ramp: 3 }));
    const made = await of("places").sample("a", { seed: 3, length: 8 });
    expect([made.frameCount, made.latent.shape]).toEqual([8, [1, 8, 1, 2, 2]]);
    const red = (frame: number, place: number) => made.frames[(frame * 16 + (place >> 1) * 8 + (place & 1) * 2) * 4] ?? 0;
    const byte = (x: number) => Math.max(0, Math.min(255, Math.round((x + 1) * 127.5)));
    for (const [i, value] of long.entries()) expect(Math.abs(red(Math.floor(i / size), i % size) - byte(value))).toBeLessThanOrEqual(1);
    // A known frame and a start stand where they stand in the whole clip.
    near(
      await sampled({ lastFrame: last }, { length: 8 }),
      hand({
        frames: 8,
        starts: [0, 2, 4],
        ramp: 2,
        known: [...nothing(7), ...latent.slice(3 * size)],
        keep: frames(0, 0, 0, 0, 0, 0, 0, 1),
      }),
    );
    const twice = [...latent, ...latent];
    near(
      await sampled({ from: [...clip, ...clip] }, { length: 8, strength: 0.5 }),
      hand({ frames: 8, starts: [0, 2, 4], ramp: 2, skipped: 2, from: twice }),
    );
    const [, other] = await of("two").sampleLatents([{ prompt: "a" }, { prompt: "red", seed: 3 }], { length: 8 });
    near(other?.data ?? [], hand({ frames: 8, starts: [0, 2, 4], ramp: 2, texts: [meaning("red")] }));
  });

  test("a loop: windows go round, so that no frame is the first", async () => {
    near(await sampled({}, { loop: true }), hand({ starts: [0, 2], ramp: 2 }));
    near(await sampled({}, { loop: true, length: 7, overlap: 1 }), hand({ frames: 7, starts: [0, 2, 5], ramp: 1 }));
  });

  test("one window after the other, and a clip that goes on from another", async () => {
    const noise = [...normals(3, 0, 6 * size)];
    const begin = hand({ noise: noise.slice(0, 4 * size) });
    const shared = begin.slice(2 * size);
    const next = hand({ noise: noise.slice(2 * size), known: [...shared, ...nothing(2)], keep: frames(1, 1, 0, 0) });
    near(await sampled({}, { length: 6, windows: "autoregressive" }), [...begin, ...next.slice(2 * size)]);
    // What is known to the second window is in it at the level of each step, with the noise that it began as.
    const steps: number[][] = [];
    await of("places").sampleLatents([{ prompt: "a", seed: 3 }], {
      length: 6,
      windows: "autoregressive",
      onLatents: ({ latents }) => void steps.push([...(latents[0]?.data ?? [])] as number[]),
    });
    const level = barAt(1);
    near(
      (steps[4] ?? []).slice(2 * size, 4 * size),
      shared.map((x, k) => Math.sqrt(level) * x + Math.sqrt(1 - level) * (noise[2 * size + k] ?? 0)),
    );
    const onward = hand({ noise: noise.slice(2 * size), known: [...latent.slice(2 * size), ...nothing(2)], keep: frames(1, 1, 0, 0) });
    near(await sampled({ continues: clip }), [...latent, ...onward.slice(2 * size)]);
    const far = [...normals(3, 0, 7 * size)].slice(3 * size);
    const more = hand({ noise: far, known: [...latent.slice(3 * size), ...nothing(3)], keep: frames(1, 0, 0, 0) });
    near(await sampled({ continues: clip }, { overlap: 1 }), [...latent, ...more.slice(size)]);
    const made = await of("places").sample("a", { seed: 3, continues: clip, length: 5 });
    expect(made.frameCount).toBe(5);
    const heard: number[][] = [];
    await of("places").sampleLatents([{ prompt: "a", continues: clip }], {
      onLatents: ({ step, steps, latents }) => void heard.push([step, steps, ...(latents[0]?.shape ?? [])]),
    });
    expect(heard).toEqual([1, 2, 3, 4].map((step) => [step, 4, 1, 6, 1, 2, 2]));
  });

  test("prompts that change over time: a window's text is its middle's, between two prompts their encodings mixed", async () => {
    const [a, red, moves] = ["a", "red", "moves"].map(meaning) as [number, number, number];
    const prompts = [
      { frame: 7, prompt: "red" },
      { frame: 0, prompt: "a" },
    ];
    const along = [1.5, 3.5, 5.5].map((middle) => a + (middle / 7) * (red - a));
    const keyed = (more: ClipRequest, options: SampleOptions) => sampled({ ...more, prompt: undefined } as unknown as ClipRequest, options);
    near(await keyed({ prompts }, { length: 8 }), hand({ frames: 8, starts: [0, 2, 4], ramp: 2, texts: along }));
    const late = [
      { frame: 2, prompt: "a" },
      { frame: 3, prompt: "red" },
      { frame: 5, prompt: "moves" },
    ];
    const texts = [a, red + (moves - red) / 4, moves];
    near(await keyed({ prompts: late }, { length: 8 }), hand({ frames: 8, starts: [0, 2, 4], ramp: 2, texts }));
    // Round a loop of eight frames: from the last prompt at 7 to the first at 0, which is 8.
    const round = [1.5, 3.5, 5.5, 7.5].map((middle) => (middle < 7 ? a + (middle / 7) * (red - a) : red + (middle - 7) * (a - red)));
    near(await keyed({ prompts }, { length: 8, loop: true }), hand({ frames: 8, starts: [0, 2, 4, 6], ramp: 2, texts: round }));
    const noise = [...normals(3, 0, 6 * size)];
    const begin = hand({ noise: noise.slice(0, 4 * size), texts: [a + (1.5 / 5) * (red - a)] });
    const next = hand({
      noise: noise.slice(2 * size),
      texts: [a + (3.5 / 5) * (red - a)],
      known: [...begin.slice(2 * size), ...nothing(2)],
      keep: frames(1, 1, 0, 0),
    });
    const ends = [
      { frame: 0, prompt: "a" },
      { frame: 5, prompt: "red" },
    ];
    near(await keyed({ prompts: ends }, { length: 6, windows: "autoregressive" }), [...begin, ...next.slice(2 * size)]);
    const [, other] = await of("two").sampleLatents([{ prompt: "a" }, { prompts, seed: 3 }], { length: 8 });
    near(other?.data ?? [], hand({ frames: 8, starts: [0, 2, 4], ramp: 2, texts: along }));
  });

  test("fewer frames of a directed model are those of a build of fewer, byte for byte", async () => {
    const cut = await of("places").sample("a", { seed: 3, length: 2 });
    const built = await of("short").sample("a", { seed: 3 });
    expect([cut.frameCount, cut.latent, cut.frames]).toEqual([2, built.latent, built.frames]);
    near(
      await sampled({ from: clip.slice(0, 2) }, { length: 2, strength: 0.5 }),
      hand({ skipped: 2, from: [...latent.slice(0, 2 * size), ...nothing(2)] }).slice(0, 2 * size),
    );
    await expect(sampled({}, { length: 2 }, "undirected")).rejects.toMatchObject({
      code: "option-invalid",
      message: "length must be 4 or more, as each frame of this model hangs on later ones too (build it with fewer frames), found 2",
    });
  });
});

test.each(methods)("by %s too: what is known stays, and from a clip that is not noised comes the clip", async (method) => {
  const pipeline = opened.places?.onnx as Pipeline;
  const sampled = async (request: ClipRequest, options: SampleOptions) =>
    [
      ...((await pipeline.sampleLatents([{ prompt: "a", seed: 3, ...request }], { method, eta: undefined, ...options } as SampleOptions))[0]
        ?.data ?? []),
    ] as number[];
  const known = await sampled({ firstFrame: first }, {});
  near(known.slice(0, size), latent.slice(0, size));
  expect(known.every(Number.isFinite)).toBe(true);
  expect(known.slice(size)).not.toEqual(latent.slice(size));
  near(await sampled({ from: clip }, { strength: 0 }), latent);
  // The last step alone, from little noise, leads back to about the clip: its own prediction is half of what it is in.
  const little = await sampled({ from: clip }, { strength: 0.25 });
  const whole = await sampled({ from: clip }, { strength: 1 });
  const off = (made: readonly number[]) => made.reduce((sum, value, i) => sum + Math.abs(value - (latent[i] ?? 0)), 0);
  expect(off(little)).toBeLessThan(off(whole));
});

test("what does not go together, or is not what it must be, is refused before the work", async () => {
  const pipeline = opened.places?.onnx as Pipeline;
  const refused = (request: object, options: object = {}, asked = pipeline) =>
    asked.sampleLatents([{ prompt: "a", ...request }], options).then(
      () => "nothing",
      ({ code, message }) => `${code}: ${message}`,
    );
  const wide = { width: 5, height: 4, data: new Uint8ClampedArray(80).fill(255) };
  expect(await refused({ firstFrame: wide })).toBe(
    'input-invalid: "firstFrame" must be a picture or a clip of 4x4, or a tensor: pictures [1, n, 3, 4, 4] in -1..1, or latents, [1, n, 1, 2, 2], found a picture of 5x4',
  );
  expect(await refused({ firstFrame: clip })).toBe('input-invalid: "firstFrame" must be one picture, found 4 frames');
  expect(await refused({ firstFrame: first, lastFrame: first }, { length: 1 })).toMatch(
    /lastFrame must be left out of a clip of one frame/,
  );
  expect(await refused({ firstFrame: "a.png" })).toBe('option-invalid: firstFrame must be a picture, a clip or a tensor, found "a.png"');
  expect(await refused({ firstFrame: first }, {}, opened.blind?.onnx)).toBe(
    'latents-absent: "firstFrame" is given as pictures, but the model names no graph that makes latents of pictures',
  );
  expect(await refused({ known: { clip, at: 1 } })).toMatch(
    /"known" must be within the clip's 4 frames, which `length` may make more, found frames 1 to 4/,
  );
  expect(await refused({ known: { clip, mask: clip.slice(0, 2) } })).toBe(
    `input-invalid: "known's mask" must be one picture, or one for each of 4 frames, found 2`,
  );
  expect(await refused({ known: { clip, masks: first } })).toMatch(/option-unknown: there is no "masks" in known/);
  expect(await refused({ known: [{ mask: first }] })).toMatch(/known\[0\] must be an object of clip, at and mask/);
  expect(await refused({ from: clip })).toMatch(/strength must be a number from 0 to 1 where a clip is made `from` another, found none/);
  expect(await refused({ from: clip }, { strength: 1.5 })).toMatch(/strength must be a number from 0 to 1/);
  expect(await refused({}, { strength: 0.5 })).toMatch(/strength must be left out where no clip is given as `from`/);
  expect(await refused({ from: clip.slice(1) }, { strength: 0.5 })).toMatch(/"from" must be a clip of as many frames as are made, 4/);
  expect(await refused({ from: clip, latent: f32([1, 4, 1, 2, 2], new Float32Array(16)) }, { strength: 1 })).toMatch(
    /latent must be left out/,
  );
  expect(await refused({}, { length: 0 })).toMatch(/length must be a whole number from 1/);
  expect(await refused({}, { overlap: 1 })).toMatch(
    /overlap must be left out where the clip is one window: `length` makes it longer, `loop` has windows go round/,
  );
  expect(await refused({}, { length: 8, overlap: 4 })).toMatch(/overlap must be a whole number from 0 to 3, found 4/);
  expect(await refused({}, { length: 8, windows: "one" })).toMatch(/windows must be one of "joint", "autoregressive"/);
  expect(await refused({}, { length: 8, windows: "autoregressive", overlap: 0 })).toMatch(
    /overlap must be 1 or more for autoregressive windows/,
  );
  expect(await refused({}, { loop: true, length: 8, windows: "autoregressive" })).toMatch(/windows must be "joint" for a loop/);
  expect(await refused({}, { loop: true, overlap: 0 })).toMatch(
    /overlap must be 1 or more in a loop, whose windows else would not go round/,
  );
  expect(await refused({ continues: clip }, { loop: true })).toMatch(/loop must be left out where a clip is continued/);
  expect(await refused({ continues: clip }, { length: 4 })).toMatch(/length must be more than the 4 frames that the clip has already/);
  expect(await refused({ continues: clip, firstFrame: first })).toMatch(/firstFrame must be left out of a clip that continues another/);
  const keys = (...at: readonly number[]) => ({ prompt: undefined, prompts: at.map((frame) => ({ frame, prompt: "a" })) });
  expect(await refused(keys(0, 3))).toMatch(
    /"prompts" must be one, as a text holds for all frames of a window and the clip is one window: `length` makes it longer, found 2/,
  );
  expect(await refused(keys(0, 8), { length: 8 })).toMatch(/"prompts" must be at frames from 0 to 7, found 8/);
  expect(await refused(keys(3, 3), { length: 8 })).toMatch(/"prompts" must be at frames of their own, found two at one frame/);
  expect(await refused(keys(), { length: 8 })).toMatch(/"prompts" must be one prompt or more, found none/);
  expect(await refused({ prompts: [{ frame: 0, prompt: "a" }] }, { length: 8 })).toMatch(/"prompts" must be left out beside `prompt`/);
  expect(await refused({ prompts: ["a"] }, { length: 8 })).toMatch(/prompts must be a list of objects of frame and prompt/);
  await expect(pipeline.sampleLatents([{ prompt: "a", continues: clip }, "a"])).rejects.toThrow(
    /continues must be of as many frames in all clips of a call/,
  );
  await expect(pipeline.sampleLatents([{ prompt: "a", from: clip }, "a"], { strength: 1 })).rejects.toThrow(
    /from must be given for all clips of a call or for none/,
  );
});

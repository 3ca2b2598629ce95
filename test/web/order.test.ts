// What the form asks for to what the pipeline is asked for, by hand: boxes and masks over frames, prompts over time, clips of the visitor's own.

import { expect, test } from "vitest";
import type { ClipShape } from "../../runtime/clips/clip-shape.ts";
import type { Picture, SampledClip } from "../../runtime/web/index.ts";
import { boxBetween, isBox, keptUnder, maskOf, middleBox, partInWords } from "../../web/inpainting.ts";
import type { ModelEntry } from "../../web/models.ts";
import { aboutOf, lengthOf, ordersOf, promptInWords, requestOf, wordsOf } from "../../web/order.ts";
import type { Order, Part } from "../../web/wish.ts";

/** Pictures of 4x4, of which each place of the latent has 2x2; windows of three frames. */
const shape: ClipShape = {
  frames: 3,
  frame: [2, 2, 2],
  latent: { height: 2, width: 2 },
  picture: { height: 4, width: 4 },
  pace: { per: 1, firstAlone: false },
};
const model = { name: "Small", path: "packages/small", shape, directed: true } as ModelEntry;
const box = { left: 2, top: 0, width: 2, height: 2 };
const part = (given: Partial<Part>): Part => ({ where: "inside", box, first: 1, last: undefined, ...given });

/** Each picture's rows, 1 where it is made anew. */
const rows = (values: Float32Array, width: number) =>
  Array.from(values)
    .join("")
    .match(new RegExp(`.{${width}}`, "g"));
const grey = (value: number, width = 4, height = 4): Picture => ({
  width,
  height,
  data: Uint8ClampedArray.from({ length: width * height * 4 }, (_, i) => (i % 4 === 3 ? 255 : value)),
});

const plain: Order = {
  model,
  prompt: "a",
  later: [],
  seed: 1,
  steps: 2,
  guidance: 3,
  frames: undefined,
  loop: false,
  start: { with: "noise" },
  beside: [],
  given: {},
};

test("models side by side are asked for the same, each with the others beside it", () => {
  const [a, b, c] = ["a", "b", "c"].map((name) => ({ ...model, name })) as [typeof model, typeof model, typeof model];
  const orders = ordersOf({ ...plain, model: a, beside: [b, c] });
  expect(orders.map(({ model: own, beside }) => [own.name, beside.map(({ name }) => name)])).toEqual([
    ["a", ["b", "c"]],
    ["b", ["a", "c"]],
    ["c", ["a", "b"]],
  ]);
  expect(orders.map(requestOf)).toEqual([{ prompt: "a" }, { prompt: "a" }, { prompt: "a" }]);
});

test("a box over some frames is a mask there, and the pipeline keeps what it does not touch", () => {
  const blank = ["0000", "0000", "0000", "0000"];
  const boxed = ["0011", "0011", "0000", "0000"];
  const mask = maskOf(part({ first: 2, last: 2 }), { width: 4, height: 4 }, 3);
  expect(rows(mask, 4)).toEqual([...blank, ...boxed, ...blank]);
  expect(rows(keptUnder(mask, 3, shape), 2)).toEqual(["11", "11", "10", "11", "11", "11"]);
  expect(rows(maskOf(part({ where: "outside", first: 3 }), { width: 4, height: 4 }, 3), 4)).toEqual([
    ...blank,
    ...blank,
    ...["1100", "1100", "1111", "1111"],
  ]);
  // One white pixel of four has its place made anew; a frame of the latent that stands for two pictures is kept where both are.
  const white: Picture = { ...grey(0), data: grey(0).data.map((value, i) => (i < 3 ? 255 : value)) };
  const drawn = maskOf(part({ where: "mask" }), { width: 4, height: 4 }, 1, white);
  expect(rows(drawn, 4)).toEqual(["1000", "0000", "0000", "0000"]);
  expect(rows(keptUnder(drawn, 1, shape), 2)).toEqual(["01", "11"]);
  const pairs = { ...shape, pace: { per: 2, firstAlone: false } };
  expect(rows(keptUnder(maskOf(part({ last: 1 }), { width: 4, height: 4 }, 4), 4, pairs), 2)).toEqual([
    "10",
    "11",
    "10",
    "11",
    "11",
    "11",
    "11",
    "11",
  ]);
});

test("what is drawn goes by whole places of the latent, within the picture", () => {
  expect(boxBetween({ x: 3.5, y: 0.2 }, { x: 2.1, y: 1.9 }, shape)).toEqual(box);
  expect(boxBetween({ x: -5, y: 1 }, { x: 9, y: 2 }, shape)).toEqual({ left: 0, top: 0, width: 4, height: 4 });
  expect(middleBox({ ...shape, latent: { height: 4, width: 4 } })).toEqual({ left: 1, top: 1, width: 2, height: 2 });
  expect(isBox(box, shape)).toBe(true);
  for (const wrong of [{ left: 1 }, { width: 4 }, { height: 0 }, { top: -2 }, { left: Number.NaN }])
    expect(isBox({ ...box, ...wrong }, shape), JSON.stringify(wrong)).toBe(false);
  expect(partInWords(part({}), 3)).toBe("2×2 pixels at (2, 0)");
  expect(partInWords(part({ where: "outside", first: 2, last: 9 }), 3)).toBe("all but 2×2 pixels at (2, 0), frames 2 to 3");
});

test("a part of a clip is known but for its mask: a picture stands still, and another model's latent is not taken", () => {
  const start = { with: "part", part: part({ first: 2 }) } as const;
  const still = requestOf({ ...plain, start, frames: 2, given: { clip: { from: "file", pictures: [grey(9, 8, 8)] } } });
  expect(still).toMatchObject({
    prompt: "a",
    length: 2,
    known: { clip: [grey(9), grey(9)], mask: { dtype: "f32", shape: [1, 2, 1, 4, 4] } },
  });
  const { mask } = still.known as { readonly mask: { readonly data: Float32Array } };
  expect(rows(mask.data, 4)).toEqual(["0000", "0000", "0000", "0000", "0011", "0011", "0000", "0000"]);

  const latent = { dtype: "f32", shape: [1, 3, 2, 2, 2], data: new Float32Array(24) } as const;
  const frames = new Uint8ClampedArray([grey(1), grey(2), grey(3)].flatMap(({ data }) => [...data]));
  const clip: SampledClip = { width: 4, height: 4, frameCount: 3, frames, latent };
  const shown = (by: ModelEntry) => requestOf({ ...plain, start, given: { clip: { from: "shown", clip, model: by } } });
  expect(shown(model)).toMatchObject({ length: 3, known: { clip: latent } });
  expect(shown({ ...model, path: "packages/other" })).toMatchObject({ length: 3, known: { clip: [grey(1), grey(2), grey(3)] } });
  const file = { clip: { from: "file", pictures: [grey(1), grey(2)] } } as const;
  expect(requestOf({ ...plain, start: { with: "clip", strength: 0.5 }, given: file })).toMatchObject({
    strength: 0.5,
    length: 2,
    from: [grey(1), grey(2)],
  });
  expect(requestOf({ ...plain, start: { with: "end" }, given: file })).toEqual({ prompt: "a", continues: [grey(1), grey(2)] });
});

test("what a clip begins with and is not given is asked for", () => {
  const refused = (order: Partial<Order>, words: string) => expect(() => requestOf({ ...plain, ...order })).toThrow(words);
  for (const start of [{ with: "clip", strength: 1 }, { with: "end" }, { with: "part", part: part({}) }] as const)
    refused({ start }, 'needs "clip", a GIF, a picture or the clip that is shown');
  const given = { clip: { from: "file", pictures: [grey(0)] } } as const;
  refused({ start: { with: "part", part: part({ where: "mask" }) }, given }, 'needs "mask"');
  refused({ start: { with: "pictures", which: [] } }, 'needs "picture"');
});

test("prompts over time count from 1 for people, and from 0 for the pipeline and in the file that is saved", () => {
  const order: Order = { ...plain, later: [{ frame: 6, prompt: "b" }], frames: 6 };
  const prompts = [
    { frame: 0, prompt: "a" },
    { frame: 5, prompt: "b" },
  ];
  expect(requestOf(order)).toEqual({ prompts, length: 6 });
  expect(promptInWords(order)).toBe("“a”, at frame 6 “b”");
  expect(aboutOf(order)).toEqual({
    software: "mvc",
    model: "Small",
    "prompt-at": '["0=a","5=b"]',
    seed: "1",
    steps: "2",
    guidance: "3",
    begins: "6 frames",
  });
  const start = { with: "part", part: part({ first: 2, last: 2 }) } as const;
  const given = { clip: { from: "file", pictures: [grey(0)] } } as const;
  expect(wordsOf({ ...plain, start, given })).toEqual(["of a picture made anew: 2×2 pixels at (2, 0), frame 2"]);
});

test("how long a clip becomes is what the pipeline plans", () => {
  const clip = { from: "file", pictures: Array(5).fill(grey(0)) } as const;
  const asked = (order: Partial<Order>, given?: typeof clip) => lengthOf({ ...plain, ...order }, given);
  expect(asked({})).toEqual({ frames: 3, oneWindow: true });
  expect(asked({ frames: 4 })).toEqual({ frames: 4, oneWindow: false });
  expect(asked({ loop: true })).toEqual({ frames: 3, oneWindow: false });
  expect(asked({ start: { with: "part", part: part({}) } }, clip)).toEqual({ frames: 5, oneWindow: false });
  // Windows of three that share one: two frames more.
  expect(asked({ start: { with: "end" } }, clip)).toEqual({ frames: 7, oneWindow: false });
  expect(asked({ frames: 2, model: { ...model, directed: false } })).toBeUndefined();
  expect(asked({ frames: Number.NaN })).toBeUndefined();
});

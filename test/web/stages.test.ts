// What a visitor is told: stages, problems, names of files; and models.json, sound and broken.

import { expect, test } from "vitest";
import { mvcError } from "../../runtime/errors.ts";
import { fragmentOf, uncarried, wishOf } from "../../web/link.ts";
import { parseSite } from "../../web/models.ts";
import { cutOf, problemOf } from "../../web/problem.ts";
import { fileName } from "../../web/save.ts";
import { duration, secondsLeft, show } from "../../web/stages.ts";
import type { Start, Wish } from "../../web/wish.ts";

test("each stage has its words and its share", () => {
  expect(show({ at: "download", loaded: 1_550_000, total: 15_500_000 })).toMatchObject({
    text: "Downloading the model: 1.6 of 15.5 MB",
    done: 0.1,
  });
  expect(show({ at: "compile", done: 30, of: 120, what: "kernels" })).toMatchObject({
    text: "Preparing the graphics card: 30 of 120 kernels",
    done: 0.25,
  });
  expect(show({ at: "compile", done: 1, of: 4, what: "graphs" }).text).toBe("Preparing the processor: 1 of 4 graphs");
  expect(show({ at: "step", step: 4, steps: 16 }, 71.6)).toMatchObject({ text: "Step 5 of 16, about 1 min 12 s left", done: 0.25 });
  expect(show({ at: "step", step: 0, steps: 16 }).text).toBe("Step 1 of 16");
  expect(show({ at: "decode", step: 16, steps: 16 }).done).toBe(1);
  expect([duration(0.2), duration(59.4), duration(59.6)]).toEqual(["1 s", "59 s", "1 min 0 s"]);
});

test("a listener hears of a hundred steps four times", () => {
  const milestones = Array.from({ length: 100 }, (_, step) => show({ at: "step", step, steps: 100 }).milestone);
  expect(new Set(milestones).size).toBe(4);
});

test("the time left is that of the steps from the second on", () => {
  // A first step of 9 s, then one each 2 s, of which 7 are left.
  expect([0, 1].map((step) => secondsLeft(step, 10, 9000, 9000))).toEqual([undefined, undefined]);
  expect(secondsLeft(3, 10, 9000, 13_000)).toBe(14);
});

test("problems are told to a visitor, not to a programmer", () => {
  expect(problemOf(mvcError("device-lost", { reason: "the driver gave no reason" }), true)).toEqual({
    what: "The graphics device was lost: the driver gave no reason.",
    hint: "Try again; if it happens again, close other tabs and programs that use the graphics card.",
  });
  expect(problemOf(mvcError("plan-invalid", { file: "webgpu/step.json", reason: "it ends early" }), false).what).toBe(
    "webgpu/step.json: it ends early.",
  );
  expect(problemOf(new TypeError("x is undefined\n  at y"), true)).toEqual({
    what: "The page failed: x is undefined.",
    hint: "Reload the page; if it happens again, please report it with the prompt and the browser's name.",
  });
});

test("a file of the visitor's own is never taken for one that the server lacks", () => {
  const error = mvcError("file-unreadable", { file: "a.txt", reason: "it is no picture", way: "choose a PNG" });
  for (const online of [true, false])
    expect(problemOf(error, online)).toEqual({ what: "a.txt cannot be read: it is no picture.", hint: "Choose a PNG." });
});

test("of a prompt's end that was left out no more is told than a line", () => {
  expect(cutOf({ dropped: Array(30).fill("word") })).toMatch(/left out: “(word ){12}…”\.$/);
});

test("a file is named by prompt and seed", () => {
  expect(fileName("A red circle, moves right!", 3, "gif")).toBe("a-red-circle-moves-right-3.gif");
  expect(fileName("../..", 0, "mp4")).toBe("clip-0.mp4");
});

const entry = {
  name: "Mini",
  note: "Small.",
  path: "packages/mini",
  bytes: 1,
  onnxBytes: null,
  parameters: 1,
  shape: {
    frames: 16,
    frame: [4, 8, 8],
    latent: { height: 8, width: 8 },
    picture: { height: 64, width: 64 },
    pace: { per: 1, firstAlone: false },
  },
  directed: true,
  steps: 25,
  guidance: 2,
  trainSteps: 1000,
  examples: ["a red circle"],
  vocabulary: [["red"]],
  training: null,
};

const plain = { later: [], frames: undefined, loop: false, start: { with: "noise" }, beside: [] } as const;

test("a link carries what the form holds, and says what it cannot carry", () => {
  const other = { ...entry, path: "packages/undirected", trainSteps: 100 };
  const wish: Wish = { model: other, prompt: "a red & blue circle, 50 %", seed: 3, steps: 25, guidance: 2.5, ...plain };
  const fragment = fragmentOf(wish);
  expect(fragment).toBe("prompt=a+red+%26+blue+circle%2C+50+%25&seed=3&steps=25&guidance=2.5&model=undirected");
  expect(wishOf(fragment, [entry, other])).toEqual({ ...wish, faults: [] });
  const beside = { ...wish, model: entry, beside: [{ ...entry, path: "packages/undirected" }] };
  expect(fragmentOf(beside)).toBe(`${fragment.replace("=undirected", "=mini")}&beside=undirected`);
  expect(wishOf(fragmentOf(beside), [entry, ...beside.beside])).toEqual({ ...beside, faults: [] });
  // Another number of steps, itself, and nobody.
  expect(wishOf("beside=undirected", [entry, other]).faults).toEqual(["beside=undirected"]);
  expect(wishOf("beside=mini", [entry]).faults).toEqual(["beside=mini"]);
  expect(wishOf("beside=none", [entry]).faults).toEqual(["beside=none"]);
  expect(wishOf("", [entry])).toEqual({ faults: [] });
  expect(wishOf("seed=7", [entry])).toEqual({ seed: 7, ...plain, faults: [] });
  const bad = "model=none&seed=-1&steps=1001&guidance=31&prompt=";
  expect(wishOf(bad + "x".repeat(501), [entry]).faults).toEqual([
    "model=none",
    `prompt=${"x".repeat(40)}…`,
    "seed=-1",
    "steps=1001",
    "guidance=31",
  ]);
  expect(wishOf("steps=0&guidance=&seed=1e3", [entry]).faults).toEqual(["seed=1e3", "steps=0", "guidance="]);
  expect(wishOf("model=undirected&steps=101", [entry, other]).faults).toEqual(["steps=101"]);
});

test("a link carries prompts over time, the length, and what a clip begins with, less the clips and pictures themselves", () => {
  const wish: Wish = { model: entry, prompt: "a red circle", seed: 1, steps: 6, guidance: 2, ...plain };
  const box = { left: 16, top: 0, width: 8, height: 64 };
  const later = [
    { frame: 9, prompt: "a ring: blue" },
    { frame: 32, prompt: "a star" },
  ];
  const starts: readonly (readonly [Start, tail: string, left: readonly string[]])[] = [
    [{ with: "noise" }, "", []],
    [{ with: "clip", strength: 0.5 }, "&start=clip&strength=0.5", ["clip"]],
    [{ with: "end" }, "&start=end", ["clip"]],
    [{ with: "pictures", which: [] }, "&start=pictures", []],
    [{ with: "pictures", which: ["last"] }, "&start=pictures&pictures=last", ["last frame"]],
    [{ with: "pictures", which: ["first", "last"] }, "&start=pictures&pictures=first%2Clast", ["first frame", "last frame"]],
    [
      { with: "part", part: { where: "outside", box, first: 3, last: undefined } },
      "&start=part&made=outside&box=16%2C0%2C8%2C64&range=3-",
      ["clip"],
    ],
    [
      { with: "part", part: { where: "mask", box: { left: 16, top: 16, width: 32, height: 32 }, first: 1, last: 4 } },
      "&start=part&made=mask&range=1-4",
      ["clip", "mask"],
    ],
  ];
  for (const [start, tail, left] of starts) {
    const round = start.with === "end" ? {} : { frames: 32, loop: true };
    const asked: Wish = { ...wish, later, ...round, start };
    const fragment = fragmentOf(asked);
    const head = "prompt=a+red+circle&seed=1&steps=6&guidance=2&model=mini&at=9%3Aa+ring%3A+blue&at=32%3Aa+star";
    expect(fragment).toBe(`${head}${start.with === "end" ? "" : "&frames=32&loop=yes"}${tail}`);
    expect(wishOf(fragment, [entry])).toEqual({ ...asked, faults: [] });
    expect(uncarried(start)).toEqual(left);
  }
  const faults = (fragment: string, model: typeof entry = entry) => wishOf(fragment, [model]).faults;
  // Half a block, beyond the edge, a range that ends before it begins, a box that no mask has, and what a link of another page may say.
  expect(faults("start=part&box=4,0,8,8&range=5-3")).toEqual(["box=4,0,8,8", "range=5-3"]);
  expect(faults("start=part&box=32,0,40,8")).toEqual(["box=32,0,40,8"]);
  expect(faults("start=part&made=mask&box=0,0,8,8")).toEqual(["box=0,0,8,8"]);
  expect(faults("strength=0.5&start=noise&tempo=2")).toEqual(["strength=0.5", "tempo=2"]);
  expect(faults("at=1:a&at=x&frames=0&loop=no&start=all&pictures=first")).toEqual([
    "at=1:a",
    "at=x",
    "start=all",
    "frames=0",
    "loop=no",
    "pictures=first",
  ]);
  expect(faults("start=end&frames=20&loop=yes")).toEqual(["frames=20", "loop=yes"]);
  expect(faults("start=pictures&pictures=last,first")).toEqual(["pictures=last,first"]);
  expect(faults("frames=8", { ...entry, directed: false })).toEqual(["frames=8"]);
});

test("models.json is checked", () => {
  const engine = { script: "a.mjs", binary: "a.wasm", bytes: 1, sha256: "00" };
  expect(parseSite(JSON.stringify({ models: [entry], engine }))).toEqual({ models: [entry], engine });
  expect(parseSite(JSON.stringify({ models: [entry] }))).toEqual({ models: [entry], engine: null });
  const refused = (value: unknown, reason: string) =>
    expect(() => parseSite(typeof value === "string" ? value : JSON.stringify(value))).toThrow(reason);
  refused("{", "models.json cannot be read: it is not JSON");
  refused([], "it has no list of models");
  refused({ models: {} }, "it has no list of models");
  refused({ models: [] }, "it lists no model");
  refused({ models: [entry, { ...entry, steps: "25" }] }, "its entry 2 lacks a field, or has one of another type");
  refused({ models: [{ ...entry, vocabulary: ["red"] }] }, "its entry 1");
  refused({ models: [{ ...entry, shape: { ...entry.shape, picture: { height: 64 } } }] }, "its entry 1");
  refused({ models: [null] }, "its entry 1");
  const sheet = { step: 100, path: "training/a.gif" };
  const training = { prompts: ["a red circle"], frames: 8, sheets: [sheet, { step: 1200, path: "training/b.gif" }] };
  expect(parseSite(JSON.stringify({ models: [{ ...entry, training }] })).models[0].training).toEqual(training);
  const broken = [
    ...[
      undefined,
      {},
      { ...training, prompts: [] },
      { ...training, prompts: [1] },
      { ...training, frames: 0 },
      { ...training, frames: 1.5 },
    ],
    ...[
      { ...training, sheets: [] },
      { ...training, sheets: [{ step: 100 }] },
      { ...training, sheets: [{ ...sheet, step: "100" }] },
    ],
    { ...training, sheets: [sheet, sheet] },
  ];
  for (const one of broken) refused({ models: [{ ...entry, training: one }] }, "its entry 1");
  refused({ models: [entry], engine: { ...engine, bytes: "1" } }, "its engine lacks a field, or has one of another type");
});

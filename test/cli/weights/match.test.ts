// A checkpoint's keys and shapes to where each weight lies: prefixes, parts by themselves, thirds, frames, and what has no counterpart.

import { describe, expect, test } from "vitest";
import { type Match, matchBest, matchIn, ownLayout } from "../../../cli/weights/match.ts";
import type { Layout } from "../../../compiler/module/layout.ts";
import { checkpointOf, layoutOf, weightsOf } from "./by-hand.ts";

const weights = weightsOf({
  "unet.stem.weight": [8, 4, 3, 3],
  "unet.mid.weight": [8, 8],
  "unet.mid.bias": [8],
  "decoder.in.weight": [6, 4],
  "decoder.out.weight": [3, 6],
  "text.query.weight": [4, 4],
  "text.key.weight": [4, 4],
});
const third = (index: number) => [{ key: "te/in_proj_weight", part: { index, of: 2 } }];
const folder = layoutOf(
  "folder",
  {
    "unet.stem.weight": "unet/conv_in.weight",
    "unet.mid.weight": [{ key: "unet/mid.proj.weight", shape: [8, 8, 1, 1] }],
    "unet.mid.bias": "unet/mid.proj.bias",
    "decoder.in.weight": [{ key: "vae/decoder.to_q.weight" }, { key: "vae/decoder.query.weight" }],
    "decoder.out.weight": "vae/decoder.conv_out.weight",
    "text.query.weight": third(0),
    "text.key.weight": third(1),
  },
  ["te/position_ids", "loss."],
);
const whole = {
  "unet/conv_in.weight": [8, 4, 3, 3],
  "unet/mid.proj.weight": [8, 8, 1, 1],
  "unet/mid.proj.bias": [8],
  "vae/decoder.query.weight": [6, 4],
  "vae/decoder.conv_out.weight": [3, 6],
  "te/in_proj_weight": [8, 4],
  "te/position_ids": [1, 4],
};
type Shapes = { readonly [key: string]: readonly number[] };
const matched = (shapes: Shapes) => matchIn(folder, weights, checkpointOf(shapes).tensors, "x.ckpt");
const renamed = (shapes: Shapes, rename: (key: string) => string) =>
  Object.fromEntries(Object.entries(shapes).map(([key, shape]) => [rename(key), shape]));
const keysOf = ({ places }: Match) => Object.fromEntries([...places].map(([path, { key }]) => [path, key]));
const paths = (some: readonly { readonly path: string }[]) => some.map(({ path }) => path);

test("a whole checkpoint: other spellings, a stored shape, and parts of rows", () => {
  const match = matched(whole);
  expect(keysOf(match)).toEqual({
    "unet.stem.weight": "unet/conv_in.weight",
    "unet.mid.weight": "unet/mid.proj.weight",
    "unet.mid.bias": "unet/mid.proj.bias",
    "decoder.in.weight": "vae/decoder.query.weight",
    "decoder.out.weight": "vae/decoder.conv_out.weight",
    "text.query.weight": "te/in_proj_weight",
    "text.key.weight": "te/in_proj_weight",
  });
  expect(match.places.get("text.key.weight")?.window).toEqual({ period: 32, start: 16, length: 16 });
  expect([match.missing, match.added, match.misshapen, match.unused]).toEqual([[], [], [], []]);
});

describe("keys under other heads", () => {
  test.each<[string, (key: string) => string]>([
    ["module.", (key) => `module.${key}`],
    ["a prefix and dots for the folders", (key) => `state.${key.replace("/", ".")}`],
    ["dots for the folders, one part under a name of its own", (key) => key.replace("vae/", "first_stage_model.").replace("/", ".")],
  ])("%s", (_, rename) => {
    const match = matched(renamed(whole, rename));
    const plain = Object.entries(keysOf(matched(whole)));
    expect(keysOf(match)).toEqual(Object.fromEntries(plain.map(([path, key]) => [path, rename(key)])));
    expect(match.unused).toEqual([]);
  });

  test("a part by itself: the others are missing", () => {
    const bare = { "conv_in.weight": [8, 4, 3, 3], "mid.proj.weight": [8, 8, 1, 1], "mid.proj.bias": [8] };
    const match = matched(bare);
    expect(keysOf(match)).toEqual({
      "unet.stem.weight": "conv_in.weight",
      "unet.mid.weight": "mid.proj.weight",
      "unet.mid.bias": "mid.proj.bias",
    });
    expect(paths(match.missing)).toEqual(["decoder.in.weight", "decoder.out.weight", "text.query.weight", "text.key.weight"]);
  });

  test("a few names that are alike are no part", () => {
    const match = matched({ ...whole, "other/decoder.conv_out.weight": [3, 6], "x.y.bias": [8], "z.mid.proj.bias": [8] });
    expect(match.unused).toEqual(["other/decoder.conv_out.weight", "x.y.bias", "z.mid.proj.bias"]);
  });

  test("half of a part must be there: one name of three is chance", () => {
    const { "vae/decoder.conv_out.weight": _, "vae/decoder.query.weight": __, ...rest } = whole;
    const beside = { "other/decoder.conv_out.weight": [3, 6], "other/a.b": [1], "other/c.d": [1] };
    const match = matched({ ...rest, ...beside });
    expect(match.unused).toEqual(Object.keys(beside));
    expect(paths(match.missing)).toEqual(["decoder.in.weight", "decoder.out.weight"]);
  });

  test("numbered layers that lie alone in another model's file are chance where their shapes differ", () => {
    const numbered = layoutOf("numbered", Object.fromEntries(["0", "2", "4", "6", "8"].map((n) => [n, `encoder/${n}.weight`])));
    const here = weightsOf(Object.fromEntries(["0", "2", "4", "6", "8"].map((n) => [n, [4, 4]])));
    const layers = (shape: readonly number[]) => ({
      "a.time_embed.0.weight": shape,
      "a.time_embed.2.weight": shape,
      "a.out.0.weight": [4, 3],
    });
    const match = (shape: readonly number[]) =>
      matchIn(numbered, here, checkpointOf({ ...layers(shape), "a.out.2.weight": [3] }).tensors, "x");
    expect([match([9, 3]).places.size, match([9, 3]).misshapen, match([9, 3]).unused.length]).toEqual([0, [], 4]);
    expect(keysOf(match([4, 4]))).toEqual({ "0": "a.time_embed.0.weight", "2": "a.time_embed.2.weight" });
  });

  test("blocks within a part are like blocks of another: they are not looked for", () => {
    const names = ["down.0", "down.1", "up.0", "up.1"];
    const blocks = names.map((name) => [`${name}.q.weight`, `unet/${name}.attn.q.weight`] as const);
    const layout = layoutOf("blocks", Object.fromEntries(blocks));
    const here = weightsOf(Object.fromEntries(blocks.map(([path]) => [path, [2, 2]])));
    const other = checkpointOf({ "model.in.1.attn.q.weight": [2, 2], "model.in.2.attn.q.weight": [2, 2] }).tensors;
    const match = matchIn(layout, here, other, "x");
    expect([match.places.size, match.unused.length]).toEqual([0, 2]);
  });

  const taesd = layoutOf("taesd", { "a.weight": "encoder/1.weight", "b.weight": "decoder/1.weight" });
  const pair = (a: readonly number[], b: readonly number[]) => weightsOf({ "a.weight": a, "b.weight": b });
  test("equal names are told apart by shapes, and refused where these are equal too", () => {
    const tensors = checkpointOf({ "1.weight": [4, 2] }).tensors;
    expect(keysOf(matchIn(taesd, pair([2, 4], [4, 2]), tensors, "x.pth"))).toEqual({ "b.weight": "1.weight" });
    expect(() => matchIn(taesd, pair([4, 2], [4, 2]), tensors, "x.pth")).toThrow(
      "x.pth can be read in several ways: `…` as `encoder/…` or `…` as `decoder/…`",
    );
  });
});

test("missing, added, of another shape, unused", () => {
  const more = new Map([...weights, ...weightsOf({ "unet.adaptor.scale": [16, 8] })]);
  const { "unet/mid.proj.bias": _, ...rest } = whole;
  const match = matchIn(folder, more, checkpointOf({ ...rest, "vae/decoder.conv_out.weight": [3, 7], betas: [1000] }).tensors, "x.ckpt");
  expect(paths(match.missing)).toEqual(["unet.mid.bias"]);
  expect(paths(match.added)).toEqual(["unet.adaptor.scale"]);
  expect(match.misshapen.map(({ key, expected, found }) => [key, expected, found])).toEqual([
    ["vae/decoder.conv_out.weight", [3, 6], [3, 7]],
  ]);
  expect(match.unused).toEqual(["betas"]);
});

test("what begins as the layout drops it, under the same head as the rest", () => {
  const more = { ...whole, "loss.a": [1], "loss.b.c": [2], "other.loss.a": [1] };
  expect(matched(more).unused).toEqual(["other.loss.a"]);
  expect(matched(renamed(more, (key) => `module.${key}`)).unused).toEqual(["module.other.loss.a"]);
});

test("a folder's part that the layout drops", () => {
  const layout = layoutOf("parts", { "a.weight": "unet/a.weight" }, ["vae/"]);
  const { tensors } = checkpointOf({ "unet/a.weight": [2], "vae/conv.weight": [2], "vaes/conv.weight": [2] });
  expect(matchIn(layout, weightsOf({ "a.weight": [2] }), tensors, "x").unused).toEqual(["vaes/conv.weight"]);
});

test("two shapes under one key: the one that is stored", () => {
  const layout = layoutOf("two", { "a.weight": [{ key: "a", shape: [2, 2, 1, 1] }, { key: "a" }] });
  const place = (shape: readonly number[]) =>
    matchIn(layout, weightsOf({ "a.weight": [2, 2] }), checkpointOf({ a: shape }).tensors, "x").places;
  for (const shape of [
    [2, 2],
    [2, 2, 1, 1],
  ])
    expect(place(shape).get("a.weight")).toEqual({ key: "a" });
});

test("both spellings of one weight are refused", () => {
  expect(() => matched({ ...whole, "vae/decoder.to_q.weight": [6, 4] })).toThrow('"vae/decoder.to_q.weight" or "vae/decoder.query.weight"');
});

test("axes of 1 that the layout does not speak of", () => {
  const match = matched({ ...whole, "unet/mid.proj.weight": [8, 8] });
  expect(match.places.get("unet.mid.weight")).toEqual({ key: "unet/mid.proj.weight", squeezed: true });
  expect(matched({ ...whole, "unet/mid.proj.weight": [4, 16] }).misshapen).toHaveLength(1);
});

describe("frames", () => {
  const own = weightsOf({ "a.scale": { shape: [8, 3], axes: ["F", "C"] }, "b.table": { shape: [1, 8, 3], axes: ["1", "F", "C"] } });
  const match = (shapes: Shapes) => matchIn(ownLayout(own), own, checkpointOf(shapes).tensors, "x");
  test("the first of more that are stored", () => {
    const { places } = match({ "a.scale": [16, 3], "b.table": [1, 24, 3] });
    expect(places.get("a.scale")).toEqual({ key: "a.scale", window: { period: 48, start: 0, length: 24 }, frames: 16 });
    expect(places.get("b.table")).toEqual({ key: "b.table", window: { period: 72, start: 0, length: 24 }, frames: 24 });
  });
  test("not where fewer are stored, or another axis is longer", () => {
    expect(match({ "a.scale": [4, 3], "b.table": [1, 8, 6] }).misshapen).toHaveLength(2);
  });
});

describe("which layout", () => {
  const dotted = layoutOf("dotted", { "unet.stem.weight": "model.stem", "unet.mid.weight": "model.mid", "decoder.in.weight": "model.in" });
  const best = (shapes: Shapes) =>
    matchBest(weights, [dotted, folder, ownLayout(weights)], checkpointOf(shapes).tensors, "x.ckpt").layout.name;
  test("that of most keys, own paths among them", () => {
    expect(best(whole)).toBe("folder");
    expect(best({ "model.stem": [8, 4, 3, 3], "model.mid": [8, 8] })).toBe("dotted");
    expect(best({ "unet.mid.bias": [8] })).toBe("own");
  });
  test("of those that part only in axes of 1, the one that has them as they are stored", () => {
    const [one, other] = [
      [8, 8],
      [8, 8, 1, 1],
    ].map((shape) => layoutOf(`of ${shape.length} axes`, { "unet.mid.weight": [{ key: "mid", shape }] }));
    for (const [shape, name] of [
      [[8, 8], "of 2 axes"],
      [[8, 8, 1, 1], "of 4 axes"],
    ] as const) {
      const { tensors } = checkpointOf({ mid: shape });
      expect(matchBest(weights, [one as Layout, other as Layout], tensors, "x.ckpt").layout.name).toBe(name);
      expect(matchBest(weights, [other as Layout, one as Layout], tensors, "x.ckpt").layout.name).toBe(name);
    }
  });
  test("refused where two say different things of as many", () => {
    expect(() => best({ "model.stem": [8, 4, 3, 3], "unet/conv_in.weight": [8, 4, 3, 3] })).toThrow(
      "`--layout dotted` or `--layout folder`",
    );
  });
});

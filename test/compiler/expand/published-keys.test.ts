// The layouts of models/layouts.mv against the keys of Stable Diffusion's released files: every key and shape, and no others.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { layoutsOf } from "../../../compiler/compile.ts";
import type { KeyPlace, Layout } from "../../../compiler/module/layout.ts";
import { graphsOf, magicVideo, named, programOfFile, weightsOf } from "./expanded.ts";

type Part = "unet" | "vae" | "clip";

/** CompVis's key, diffusers' within its folder, the shape that CompVis stores, and of CLIP OpenAI's key with the third that it is. */
type Row = readonly [compvis: string, diffusers: string, shape: string, openai?: string];

const published: { readonly [P in Part]: readonly Row[] } = JSON.parse(readFileSync("golden/sd-v1-keys.json", "utf8"));
const folders: { readonly [P in Part]: string } = { unet: "unet", vae: "vae", clip: "text_encoder" };
const rows = (Object.keys(folders) as Part[]).flatMap((part) => published[part].map((row) => ({ part, row })));

const program = magicVideo();
const own = Object.assign({}, ...[...graphsOf(program).values()].map(weightsOf)) as { readonly [path: string]: readonly number[] };
const layouts = layoutsOf(program, { precision: "f32" });

function layout(name: string): Layout {
  const found = layouts.ok ? layouts.value.find((one) => one.name === name) : undefined;
  if (found === undefined) throw new Error(`there is no layout ${name}`);
  return found;
}

const shapeOf = (path: string, place: KeyPlace) => (place.shape ?? own[path] ?? []).join("x");

/** `key shape` of the spelling that is written, as a part `key[0]`, by our path. */
function written(name: string): ReadonlyMap<string, string> {
  const line = (path: string, place: KeyPlace) =>
    `${place.key}${place.part === undefined ? "" : `[${place.part.index}]`} ${shapeOf(path, place)}`;
  return new Map([...layout(name).places].map(([path, [first]]) => [path, first === undefined ? "" : line(path, first)]));
}

const sorted = (lines: Iterable<string>) => [...lines].sort();

/** Diffusers projects by linear layers where CompVis does by 1x1 convolutions: those of the autoencoder's two attentions. */
const linear = (key: string, shape: string) => (/attentions.*\.to_\w/.test(key) ? shape.replace(/x1x1$/, "") : shape);

test("all 1,130 keys and shapes of CompVis's file", () => {
  expect(sorted(written("compvis").values())).toEqual(sorted(rows.map(({ row: [key, , shape] }) => `${key} ${shape}`)));
  expect(written("compvis").size).toBe(1130);
});

test("all 1,130 of diffusers' folder", () => {
  const expected = rows.map(({ part, row: [, key, shape] }) => `${folders[part]}/${key} ${part === "vae" ? linear(key, shape) : shape}`);
  expect(sorted(written("diffusers").values())).toEqual(sorted(expected));
});

test("all 196 of OpenAI's CLIP, its projections in thirds", () => {
  expect(sorted(written("openai").values())).toEqual(sorted(published.clip.map(([, , shape, openai]) => `${openai} ${shape}`)));
});

test("a weight has the keys of one tensor in all of them", () => {
  const [compvis, diffusers, openai] = ["compvis", "diffusers", "openai"].map(written) as [Keys, Keys, Keys];
  const key = (keys: Keys, path: string) => keys.get(path)?.split(" ")[0];
  const byKey = new Map([...compvis.keys()].map((path) => [key(compvis, path), path]));
  for (const { part, row } of rows) {
    const path = byKey.get(row[0]) ?? "";
    expect([key(diffusers, path), key(openai, path)]).toEqual([`${folders[part]}/${row[1]}`, row[3]]);
  }
});
type Keys = ReadonlyMap<string, string>;

test("what makes it video is in none of them, and all else is", () => {
  const without = Object.keys(own).filter((path) => !layout("compvis").places.has(path));
  expect(
    without.filter((path) => !/\.adaptor\.(scale|shift)$|\.time[12]?\.(norm|attention\.(query|key|value|project))\./.test(path)),
  ).toEqual([]);
  const image = layoutsOf(program, { precision: "f32", ablations: ["ImageModel"] });
  const places = image.ok ? Object.fromEntries(image.value.map((one) => [one.name, one.places.size])) : {};
  expect(places).toEqual({ compvis: 1130, compvis2: 1130, diffusers: 1130, diffusers2: 1130, openai: 196 });
});

// Diffusers' deprecated names, which the files of Stable Diffusion 1 have: `query`, `key`, `value`, `proj_attn`.
test("the autoencoder's attention is read by its older names too", () => {
  const spellings = [...layout("diffusers").places.values()]
    .filter((places) => places.length > 1)
    .map((places) => places.map(({ key }) => key));
  expect(spellings).toHaveLength(16);
  const old: { readonly [name: string]: string } = { to_q: "query", to_k: "key", to_v: "value", "to_out.0": "proj_attn" };
  for (const [today, before] of spellings) expect(before).toBe(today?.replace(/to_[qkv]|to_out\.0/, (name) => old[name] ?? ""));
});

test("what the files hold beside is dropped by name", () => {
  expect(layout("compvis").dropped).toContain("cond_stage_model.transformer.text_model.embeddings.position_ids");
  expect(layout("diffusers").dropped).toEqual(["text_encoder/text_model.embeddings.position_ids"]);
  expect(layout("openai").dropped).toEqual(expect.arrayContaining(["text_projection", "logit_scale", "visual."]));
});

/** By our path, the keys of a family's U-Net in one of its layouts. */
function keysOf(file: string, name: string): Keys {
  const read = layoutsOf(programOfFile(file), { precision: "f32" });
  const found = read.ok ? read.value.find((one) => one.name === name) : undefined;
  return new Map([...(found?.places ?? [])].map(([path, [first]]) => [path, first?.key ?? ""]));
}

// The three U-Nets differ in what is called and projected within, not in the names of what there is.
test.each(["models/stable-diffusion-2/unet.mv", "models/animatediff/unet.mv"])(
  "%s: CompVis's and diffusers' keys are of one tensor",
  (file) => {
    const [compvis, diffusers] = [keysOf(file, "compvis"), keysOf(file, "diffusers")];
    const pairs = [...compvis].map(([path, key]) => [key, diffusers.get(path)]);
    expect(new Map(pairs as [string, string][])).toEqual(new Map(published.unet.map(([key, other]) => [key, `unet/${other}`])));
    expect([compvis.size, diffusers.size]).toEqual([686, 686]);
    for (const [path, key] of diffusers) expect(key).toBe(path.replace("unet.", "unet/"));
  },
);

/** Read in VanillaTemporalModule, version 1: below each module, and what our blocks call it. */
const motion: { readonly [key: string]: string } = {
  norm: "norm",
  proj_in: "proj_in",
  "transformer_blocks.0.attention_blocks.0.to_q": "transformer_blocks.0.attn1.to_q",
  "transformer_blocks.0.attention_blocks.0.to_k": "transformer_blocks.0.attn1.to_k",
  "transformer_blocks.0.attention_blocks.0.to_v": "transformer_blocks.0.attn1.to_v",
  "transformer_blocks.0.attention_blocks.0.to_out.0": "transformer_blocks.0.attn1.to_out.0",
  "transformer_blocks.0.attention_blocks.1.to_q": "transformer_blocks.0.attn2.to_q",
  "transformer_blocks.0.attention_blocks.1.to_k": "transformer_blocks.0.attn2.to_k",
  "transformer_blocks.0.attention_blocks.1.to_v": "transformer_blocks.0.attn2.to_v",
  "transformer_blocks.0.attention_blocks.1.to_out.0": "transformer_blocks.0.attn2.to_out.0",
  "transformer_blocks.0.norms.0": "transformer_blocks.0.norm1",
  "transformer_blocks.0.norms.1": "transformer_blocks.0.norm2",
  "transformer_blocks.0.ff.net.0.proj": "transformer_blocks.0.ff.net.0.proj",
  "transformer_blocks.0.ff.net.2": "transformer_blocks.0.ff.net.2",
  "transformer_blocks.0.ff_norm": "transformer_blocks.0.norm3",
  proj_out: "proj_out",
};

test("AnimateDiff's motion modules have their authors' keys, all 417,137,600 parameters", () => {
  const file = "models/animatediff/unet.mv";
  const modules = [0, 1, 2, 3].flatMap((level) => [
    ...[0, 1].map((unit) => `down_blocks.${level}.motion_modules.${unit}`),
    ...[0, 1, 2].map((unit) => `up_blocks.${level}.motion_modules.${unit}`),
  ]);
  const expected = modules.flatMap((module) =>
    Object.entries(motion).flatMap(([key, ours]) =>
      (/to_[qkv]$/.test(key) ? ["weight"] : ["weight", "bias"]).map((name) => [
        `unet.${module}.${ours}.${name}`,
        `${module}.temporal_transformer.${key}.${name}`,
      ]),
    ),
  );
  const found = keysOf(file, "motion");
  expect(Object.fromEntries(found)).toEqual(Object.fromEntries(expected));
  const weights = weightsOf(named(graphsOf(programOfFile(file)), "denoise"));
  const sizes = [...found.keys()].map((path) => (weights[path] ?? []).reduce((product, size) => product * size, 1));
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(417_137_600);
  // Diffusers' MotionAdapter calls the same as ours.
  expect([...keysOf(file, "adapter")].every(([path, key]) => found.has(path) && path === `unet.${key}`)).toBe(true);
  expect(keysOf(file, "adapter").size).toBe(found.size);
});

interface KeyList {
  readonly tensors: number;
  /** SHA-256 of the sorted lines `key shape`. */
  readonly keys: string;
}

const second: { readonly [layout: string]: KeyList } = JSON.parse(readFileSync("golden/stable-diffusion/v2-keys.json", "utf8"));

test.each(Object.entries(second))("%s is Stable Diffusion 2's, at full size", (name, { tensors, keys }) => {
  const choices = { preset: "StableDiffusion2", precision: "f32" } as const;
  const shapes = Object.assign({}, ...[...graphsOf(program, choices).values()].map(weightsOf)) as {
    readonly [path: string]: readonly number[];
  };
  const found = layoutsOf(program, choices);
  const places = found.ok ? (found.value.find((one) => one.name === name)?.places ?? new Map<string, readonly KeyPlace[]>()) : new Map();
  // Thirds of one tensor are one line.
  const lines = new Set(
    [...places].map(([path, [place]]) => {
      const [rows = 1, ...rest] = place?.shape ?? shapes[path] ?? [];
      return `${place?.key} ${[rows * (place?.part?.of ?? 1), ...rest].join("x")}\n`;
    }),
  );
  expect(lines.size).toBe(tensors);
  expect(createHash("sha256").update(sorted(lines).join("")).digest("hex")).toBe(keys);
});

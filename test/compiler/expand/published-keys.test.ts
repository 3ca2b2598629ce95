// The layouts of models/layouts.mv against the keys of Stable Diffusion 1's released files: every key and shape, and no others.

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { layoutsOf } from "../../../compiler/compile.ts";
import type { KeyPlace, Layout } from "../../../compiler/module/layout.ts";
import { graphsOf, magicVideo, weightsOf } from "./expanded.ts";

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
  const places = image.ok ? image.value.map((one) => one.places.size) : [];
  expect(places).toEqual([1130, 1130, 196]);
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

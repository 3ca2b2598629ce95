// Files, shards and folders as users have them: which tensors come out under which keys, what was chosen is said, what is missing is named.

import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, expect, test } from "vitest";
import { openCheckpoint } from "../../../cli/checkpoint/open-checkpoint.ts";
import { bytesOf, readAll, refusal, write, writeVectors } from "./written.ts";

const root = mkdtempSync(join(tmpdir(), "mvc-checkpoint-"));
let count = 0;
let folder = root;
const at = (name: string) => join(folder, name);
const index = (map: { readonly [key: string]: string }) => JSON.stringify({ metadata: { total_size: 8 }, weight_map: map });

beforeEach(() => {
  folder = join(root, `case ${count++}`);
  mkdirSync(folder);
});
afterAll(() => rmSync(root, { recursive: true }));

test("one file, whatever its name: tensors, types and what it says of itself", async () => {
  writeVectors(at("weights.bin"), { "a.weight": [1, 2, 3], b: [] }, { format: "pt" });
  const checkpoint = await openCheckpoint(at("weights.bin"));
  expect(checkpoint.tensors.get("a.weight")).toMatchObject({ dtype: "F32", shape: [3] });
  expect(checkpoint.metadata).toEqual({ format: "pt" });
  checkpoint.close();
  expect(await readAll(at("weights.bin"))).toEqual({ tensors: { "a.weight": [1, 2, 3], b: [] }, notes: [] });
});

test("a large tensor comes in pieces, in order and whole", async () => {
  const values = Float32Array.from({ length: 5 << 17 }, (_, i) => i);
  writeVectors(at("large.safetensors"), { first: [7], large: [...values] });
  const checkpoint = await openCheckpoint(at("large.safetensors"));
  const pieces = [...(checkpoint.tensors.get("large")?.chunks() ?? [])].map(({ length }) => length);
  expect(pieces).toEqual(Array(20).fill(2 ** 17));
  expect(bytesOf(checkpoint, "large").equals(Buffer.from(values.buffer))).toBe(true);
  checkpoint.close();
});

test("shards by their index: the index, its folder or one of them named; those that are not listed are said", async () => {
  const names = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"] as const;
  writeVectors(at(names[0]), { a: [1] });
  writeVectors(at(names[1]), { b: [2] });
  write(at("model.safetensors.index.json"), index({ a: names[0], b: names[1] }));
  write(at("config.json"), "{}");
  const tensors = { a: [1], b: [2] };
  expect(await readAll(folder)).toEqual({ tensors, notes: [] });
  expect(await readAll(at("model.safetensors.index.json"))).toEqual({ tensors, notes: [] });
  expect((await readAll(at(names[1]))).tensors).toEqual(tensors);
  writeVectors(at("model-00003-of-00003.safetensors"), { c: [3] });
  expect(await readAll(at("model.safetensors.index.json"))).toEqual({
    tensors,
    notes: [expect.stringContaining("model-00003-of-00003.safetensors lies beside the shards")],
  });
});

test("an index that promises what is not there, leaves its folder or is none", async () => {
  const path = at("model.safetensors.index.json");
  writeVectors(at("one.safetensors"), { a: [1], extra: [5] });
  write(path, index({ a: "one.safetensors", b: "two.safetensors", c: "three.safetensors" }));
  expect(await refusal(path)).toMatch(/^checkpoint-incomplete: .*three\.safetensors, two\.safetensors \| download what is missing/);
  write(path, index({ a: "one.safetensors", b: "one.safetensors" }));
  expect(await refusal(path)).toContain('its index has "b" in one.safetensors, which does not hold it');
  write(path, index({ a: "one.safetensors" }));
  expect((await readAll(path)).notes).toEqual([expect.stringContaining("1 tensor that the index does not list there: extra")]);
  for (const name of ["../secret.safetensors", "/etc/passwd", "a\\b", ""]) {
    write(path, index({ a: name }));
    expect(await refusal(path)).toContain("which is no file's name");
  }
  for (const text of ["{", "[]", '{"weight_map":{}}', '{"weight_map":{"a":1}}']) {
    write(path, text);
    expect(await refusal(path)).toMatch(/^checkpoint-invalid: /);
  }
});

test("shards without an index: all of them, or those that are missing by name; no key twice", async () => {
  for (const i of [1, 3]) writeVectors(at(`w-0000${i}-of-00003.safetensors`), { [`t${i}`]: [i] });
  expect(await refusal(folder)).toMatch(/^checkpoint-incomplete: .*: w-00002-of-00003\.safetensors \|/);
  expect(await refusal(at("w-00001-of-00003.safetensors"))).toMatch(/w-00002-of-00003/);
  writeVectors(at("w-00002-of-00003.safetensors"), { t2: [2] });
  expect(await readAll(folder)).toEqual({ tensors: { t1: [1], t2: [2], t3: [3] }, notes: [] });
  writeVectors(at("w-00002-of-00003.safetensors"), { t3: [2] });
  expect(await refusal(folder)).toContain('"t3" is in w-00002-of-00003.safetensors and in w-00003-of-00003.safetensors');
});

test("a diffusers folder: its components, full precision first, averaged weights as they are asked for", async () => {
  write(
    at("model_index.json"),
    JSON.stringify({ _class_name: "StableDiffusionPipeline", unet: ["diffusers", "U"], vae: [], text_encoder: [] }),
  );
  writeVectors(at("v1-5-pruned.safetensors"), { whole: [0] });
  writeVectors(at("unet/diffusion_pytorch_model.safetensors"), { "conv_in.weight": [1] });
  writeVectors(at("unet/diffusion_pytorch_model.fp16.safetensors"), { "conv_in.weight": [2] });
  writeVectors(at("unet/diffusion_pytorch_model.non_ema.safetensors"), { "conv_in.weight": [3] });
  writeVectors(at("unet_ema/diffusion_pytorch_model.safetensors"), { "conv_in.weight": [4] });
  writeVectors(at("vae/diffusion_pytorch_model.fp16.safetensors"), { "conv_in.weight": [5] });
  writeVectors(at("vae/diffusion_pytorch_model.bin"), { "conv_in.weight": [6] });
  writeVectors(at("text_encoder/model.fp16-00001-of-00001.safetensors"), { w: [7] });
  write(at("text_encoder/model.safetensors.index.fp16.json"), index({ w: "model.fp16-00001-of-00001.safetensors" }));
  write(at("tokenizer/vocab.json"), "{}");
  writeVectors(at("loose/model.safetensors"), { w: [8] });
  const plain = await readAll(folder);
  expect(plain.tensors).toEqual({ "unet/conv_in.weight": [1], "vae/conv_in.weight": [6], "text_encoder/w": [7] });
  expect(plain.notes.map((note) => note.replaceAll(`${folder}/`, ""))).toEqual([
    `${folder} is a diffusers folder: its subfolders were read, and not v1-5-pruned.safetensors beside them`,
    "loose was not read: model_index.json does not list it",
    "of unet diffusion_pytorch_model.safetensors was read, and not diffusion_pytorch_model.fp16.safetensors, diffusion_pytorch_model.non_ema.safetensors",
    expect.stringMatching(/^unet_ema holds averaged weights \(EMA\).*`--ema`/),
    "of vae diffusion_pytorch_model.bin was read, and not diffusion_pytorch_model.fp16.safetensors",
  ]);
  expect(await readAll(at("model_index.json"))).toEqual({ ...plain, notes: expect.anything() });
  const averaged = await readAll(folder, { ema: true });
  expect(averaged.tensors).toEqual({ ...plain.tensors, "unet/conv_in.weight": [4] });
  expect(averaged.notes.join("\n")).toContain("unet was not read: unet_ema/ beside it");
});

test("a component that lacks a shard is named; a folder of folders needs no list; links are followed", async () => {
  writeVectors(at("blobs/x"), { w: [1] });
  mkdirSync(at("snapshot/unet"), { recursive: true });
  symlinkSync(at("blobs/x"), at("snapshot/unet/diffusion_pytorch_model.safetensors"));
  expect((await readAll(at("snapshot"))).tensors).toEqual({ "unet/w": [1] });
  writeVectors(at("snapshot/vae/diffusion_pytorch_model-00001-of-00002.safetensors"), { w: [1] });
  expect(await refusal(at("snapshot"))).toMatch(/checkpoint-incomplete: .*vae lacks files of the checkpoint: .*-00002-of-00002/);
});

test("a plain folder: unrelated files are parts, the same weights in two formats are one, a trainer's state is none", async () => {
  writeVectors(at("encoder.pth"), { "1.weight": [1] });
  writeVectors(at("encoder.safetensors"), { "1.weight": [2] });
  writeVectors(at("decoder.pth"), { "1.weight": [3] });
  writeVectors(at("optimizer.pt"), { moments: [9] });
  write(at("README.md"), "");
  writeVectors(at("other/model.safetensors"), { w: [4] });
  const { tensors, notes } = await readAll(folder);
  expect(tensors).toEqual({ "decoder/1.weight": [3], "encoder/1.weight": [2] });
  expect(notes).toEqual([
    `${folder} holds several sets of weights: their keys begin with decoder/, encoder/`,
    `of ${folder} encoder.safetensors was read, and not encoder.pth`,
    `the weights in other/ of ${folder} were not read: it has weights of its own`,
  ]);
  rmSync(at("decoder.pth"));
  expect((await readAll(folder)).tensors).toEqual({ "1.weight": [2] });
});

test("what is not read, and the way out", async () => {
  expect(await refusal(folder)).toMatch(/^checkpoint-kind: .* is a folder without weights/);
  write(at("model_index.json"), "{}");
  expect(await refusal(folder)).toContain("a diffusers folder without any weights");
  expect(await refusal(at("absent.ckpt"))).toMatch(/^file-missing: /);
  const head = [0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e];
  const tar = Buffer.alloc(1024);
  tar.write("sys_info");
  tar.write("ustar", 257);
  for (const [content, kind, way] of [
    ["GGUF\x03\0\0\0\x10\0\0\0", "a GGUF file", "safetensors file that it was made of"],
    ["version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "a Git LFS pointer", "git lfs pull"],
    ["\n<!DOCTYPE html><html><body>Sign in</body></html>", "a web page", "direct address"],
    [Buffer.from(head), "a PyTorch checkpoint of before 1.6 (raw pickles)", "torch.save(torch.load("],
    [tar, "a tar archive, as PyTorch's first checkpoints were", "torch.save(torch.load("],
    [Buffer.from([0x80, 4, 0x4e, 0x2e]), "a Python pickle", "in Python"],
    ['{\n  "_class_name": "UNet2DConditionModel"\n}', "a JSON file", "their folder"],
    ["\x1f\x8b\x08\0\0\0\0\0", "a gzipped file", "gunzip"],
  ] as const) {
    write(at("model.ckpt"), typeof content === "string" ? Buffer.from(content, "latin1") : content);
    const said = await refusal(at("model.ckpt"));
    expect(said).toContain(`checkpoint-kind: ${at("model.ckpt")} is ${kind}`);
    expect(said).toContain(way);
  }
  write(at("model.ckpt"), "tiny");
  expect(await refusal(at("model.ckpt"))).toMatch(/^weights-invalid: /);
});

test("weights of 8 bits are refused by name", async () => {
  const json = JSON.stringify({ "blocks.0.weight": { dtype: "F8_E4M3", shape: [4], data_offsets: [0, 4] } });
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  write(at("fp8.safetensors"), Buffer.concat([length, Buffer.from(json), Buffer.alloc(4)]));
  expect(await refusal(at("fp8.safetensors"))).toMatch(
    /^weights-float8: .*"blocks\.0\.weight" is F8_E4M3.*\| get the file in f32, f16 or bf16/,
  );
});

test("whatever was refused, no descriptor stays open", async () => {
  writeVectors(at("a.safetensors"), { a: [1] });
  write(at("b.safetensors"), "broken");
  const before = readdirSync("/proc/self/fd").length;
  for (let i = 0; i < 20; i++) expect(await refusal(folder)).toMatch(/^weights-invalid/);
  expect(readdirSync("/proc/self/fd").length).toBeLessThan(before + 5);
});

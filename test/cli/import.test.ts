// `mvc import` and `mvc export` there and back: the same bytes of every tensor, and what is said of what is not.

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openCheckpoint } from "../../cli/checkpoint/open-checkpoint.ts";
import type { FloatType } from "../../cli/weights/streams.ts";
import { readSafetensors, readSafetensorsHeader, type TensorSource, writeSafetensors } from "../../runtime/index.ts";
import { bytesOf as stored } from "./checkpoint/written.ts";
import { filesBelow, mvc, temporaryFolder } from "./mvc.ts";
import { bytesOf } from "./weights/by-hand.ts";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);

/** An image model, and what makes it video: a scale for each frame, and a layer that starts at zero. */
const source = `
dim F = 4;
param video: bool = true;
param text: int = 6;
model Net<C = 4> {
  graph run(x: Tensor<float, [F, C]>, words: Tensor<float, [F, text]>): Tensor<float, [F, C]> {
    const h = (x |> linear(C) as mid) + (words |> linear(C, bias: false) as query) * (words |> linear(C, bias: false) as key);
    const y = h |> linear(C) as out;
    if (!video) { return y; }
    weight scale: Tensor<float, [F, C]> = ones;
    return y * scale + (y |> linear(C, bias: false, init: "zeros") as time);
  }
}
layout diffusers of Net {
  mid: "unet/proj_in" as [_, _, 1, 1],
  query: "text_encoder/attn.in_proj_" rows 0 of 2, key: "text_encoder/attn.in_proj_" rows 1 of 2,
  out: "unet/conv_out", drop: ["text_encoder/position_ids"],
}
layout compvis of Net { mid: "model.proj" as [_, _, 1, 1], query: "cond.q", key: "cond.k", out: "model.out" }
preset Wide of Net { C: 8 }
ablation Image of Net { video: false }
`;

/** Numbers that are no halves, so that a detour by another type would show. */
const values = (count: number, first: number) => Float32Array.from({ length: count }, (_, i) => first + i / 3);
function tensor(name: string, shape: readonly number[], first: number, dtype: FloatType = "F32"): TensorSource {
  const count = shape.reduce((product, size) => product * size, 1);
  return { name, dtype, shape, chunks: () => [bytesOf[dtype](values(count, first))] };
}

async function writeFolder(name: string, dtype: FloatType): Promise<string> {
  for (const part of ["unet", "text_encoder"]) mkdirSync(at(`${name}/${part}`), { recursive: true });
  await writeSafetensors(at(`${name}/unet/diffusion_pytorch_model.safetensors`), [
    tensor("proj_in.weight", [4, 4, 1, 1], 1, dtype),
    tensor("proj_in.bias", [4], 2, dtype),
    tensor("conv_out.weight", [4, 4], 3),
    tensor("conv_out.bias", [4], 4, "BF16"),
  ]);
  const text = [tensor("attn.in_proj_weight", [8, 6], 5, dtype), tensor("position_ids", [1, 6], 0)];
  await writeSafetensors(at(`${name}/text_encoder/model.safetensors`), text);
  return at(name);
}

let checkpoint = "";
beforeAll(async () => {
  writeFileSync(at("net.mv"), source);
  checkpoint = await writeFolder("checkpoint", "F16");
  expect(await mvc(["import", checkpoint, at("net.mv"), "-o", at("own.safetensors")])).toMatchObject({ code: 0 });
});
afterAll(() => rmSync(folder, { recursive: true }));

const exported = (weights: string, layout: string, output: string) =>
  mvc(["export", at("net.mv"), "--weights", weights, "--layout", layout, "-o", output]);

async function tensorsOf(path: string): Promise<{ readonly [key: string]: string }> {
  const opened = await openCheckpoint(path);
  const found = [...opened.tensors].map(
    ([key, { dtype, shape }]) => [key, `${dtype} [${shape}] ${stored(opened, key).toString("hex")}`] as const,
  );
  opened.close();
  return Object.fromEntries(found);
}

describe("a folder of image weights in a video model", () => {
  test("what is said", async () => {
    const { code, out, err } = await mvc(["import", checkpoint, at("net.mv"), "-o", at("again.safetensors")]);
    expect([code, out, err]).toEqual([
      0,
      `${at("again.safetensors")}: 6 of 8 tensors from ${checkpoint} (layout diffusers), 0.0 MB\n`,
      "note the model adds 2 tensors (scale, time.weight) to what the layout diffusers has: they start as training does, with the seed 0\n",
    ]);
  });

  test("each tensor keeps its type and its bits; what the model adds is neutral", async () => {
    const { tensors, metadata } = await readSafetensorsHeader(at("own.safetensors"));
    expect([...tensors].map(([path, { dtype, shape }]) => `${path} ${dtype} [${shape}]`)).toEqual([
      "mid.weight F16 [4,4]",
      "mid.bias F16 [4]",
      "query.weight F16 [4,6]",
      "key.weight F16 [4,6]",
      "out.weight F32 [4,4]",
      "out.bias BF16 [4]",
      "scale F32 [4,4]",
      "time.weight F32 [4,4]",
    ]);
    expect(Object.fromEntries(metadata)).toMatchObject({ format: "mvc", model: "Net", ablations: "[]" });
    const own = await readSafetensors(at("own.safetensors"));
    const [scale, time] = [own.scale?.data ?? [], own["time.weight"]?.data ?? []];
    expect([new Set(scale), new Set(time)]).toEqual([new Set([1]), new Set([0])]);
    const given = await openCheckpoint(checkpoint);
    const both = stored(given, "text_encoder/attn.in_proj_weight");
    given.close();
    const taken = await openCheckpoint(at("own.safetensors"));
    expect(Buffer.concat([stored(taken, "query.weight"), stored(taken, "key.weight")]).equals(both)).toBe(true);
    taken.close();
  });

  test("there and back, and by way of another layout: the same bytes of every tensor", async () => {
    const { code, out, err } = await exported(at("own.safetensors"), "diffusers", at("back"));
    const files = "text_encoder/model.safetensors, unet/diffusion_pytorch_model.safetensors";
    expect([code, out.replace(/ in unet.*model.safetensors,/, ` in ${files},`), err]).toEqual([
      0,
      `${at("back")}: 5 tensors in the layout diffusers in ${files}, 0.0 MB\n`,
      "note the layout diffusers does not have 2 tensors (scale, time.weight): they are left out\n",
    ]);
    const { "text_encoder/position_ids": dropped, ...given } = await tensorsOf(checkpoint);
    expect(dropped).toBeDefined();
    expect(await tensorsOf(at("back"))).toEqual(given);

    expect((await exported(checkpoint, "compvis", at("compvis.safetensors"))).code).toBe(0);
    expect((await exported(at("compvis.safetensors"), "diffusers", at("round"))).code).toBe(0);
    expect(await tensorsOf(at("round"))).toEqual(given);
  });

  test("its parts one by one are the same", async () => {
    const [unet, text] = [at("checkpoint/unet/diffusion_pytorch_model.safetensors"), at("checkpoint/text_encoder/model.safetensors")];
    const { code, out } = await mvc(["import", unet, at("net.mv"), "--weights", text, "-o", at("parts.safetensors")]);
    expect([code, out]).toEqual([
      0,
      expect.stringContaining(`: 4 of 8 tensors from ${unet} (layout diffusers), 2 from ${text} (layout diffusers), `),
    ]);
    expect(readFileSync(at("parts.safetensors")).equals(readFileSync(at("own.safetensors")))).toBe(true);
  });

  test("build takes what import takes", async () => {
    const built = (weights: string, output: string) => mvc(["build", at("net.mv"), "--weights", weights, "--target", "onnx", "-o", output]);
    expect((await built(checkpoint, at("direct"))).code).toBe(0);
    expect((await built(at("own.safetensors"), at("imported"))).code).toBe(0);
    expect(readFileSync(at("direct/weights.safetensors")).equals(readFileSync(at("imported/weights.safetensors")))).toBe(true);
    const { "mid.weight": mid } = await readSafetensors(at("direct/weights.safetensors"));
    // The halves next to 1, 4/3 and 5/3.
    expect([...(mid?.data ?? [])].slice(0, 3)).toEqual([1, 1.3330078125, 1.6669921875]);
  });
});

test("fewer frames than the weights were trained on: the first, and that is said", async () => {
  const { code, err } = await mvc(["import", at("own.safetensors"), at("net.mv"), "--set", "F=3", "-o", at("three.safetensors")]);
  expect([code, err]).toEqual([
    0,
    expect.stringContaining(`note of 1 tensor (scale) the first frames were taken, of 4 that ${at("own.safetensors")} has\n`),
  ]);
  expect((await readSafetensorsHeader(at("three.safetensors"))).tensors.get("scale")?.shape).toEqual([3, 4]);
});

test("a LoRA at a strength", async () => {
  const factors = (name: string, first: number, shape: readonly number[]) => tensor(`unet.proj_in.lora_${name}.weight`, shape, first);
  await writeSafetensors(at("style.safetensors"), [factors("A", 1, [1, 4]), factors("B", 2, [4, 1])]);
  const lora = `${at("style.safetensors")}:0.5`;
  const { code, err } = await mvc([
    "import",
    await writeFolder("floats", "F32"),
    at("net.mv"),
    "--ablation",
    "Image",
    "--lora",
    lora,
    "-o",
    at("style"),
  ]);
  expect([code, err]).toEqual([0, `note ${at("style.safetensors")} changes 1 of the model's layers, at strength 0.5\n`]);
  const { "mid.weight": changed } = await readSafetensors(at("style"));
  const [a, b, w] = [values(4, 1), values(4, 2), values(16, 1)];
  const expected = w.map((value, i) => Math.fround(value + 0.5 * (b[Math.floor(i / 4)] ?? 0) * (a[i % 4] ?? 0)));
  expect(changed?.data).toEqual(expected);
});

describe("refused before the work, with nothing left behind", () => {
  const image = (...options: readonly string[]) => ["import", checkpoint, at("net.mv"), "-o", at("refused"), ...options];
  test.each<[string, () => readonly string[], string]>([
    [
      "a part that is missing",
      () => ["import", at("checkpoint/unet/diffusion_pytorch_model.safetensors"), at("net.mv"), "-o", at("refused")],
      "it is without `text_encoder/`: give what else there is beside it",
    ],
    ["another preset", () => image("--preset", "Wide"), "hint: its tensors are those of no --preset and no --ablation"],
    ["a layout that is not there", () => image("--layout", "kohya"), 'there is no "kohya" in the model\'s layouts'],
    [
      "a layout that is another's",
      () => ["import", at("checkpoint/unet"), at("net.mv"), "--layout", "compvis", "-o", at("refused")],
      "its keys are those of the layout diffusers: leave `--layout` out",
    ],
    ...[at("checkpoint/text_encoder/model.safetensors"), at("own.safetensors")].map((file): [string, () => readonly string[], string] => [
      `an output that is read, ${basename(file)}`,
      () => ["import", checkpoint, at("net.mv"), "--weights", at("own.safetensors"), "-o", file],
      "is not written: it is read",
    ]),
    [
      "a checkpoint that is written over itself",
      () => ["export", at("net.mv"), "--weights", at("own.safetensors"), "--layout", "compvis", "-o", at("own.safetensors")],
      "is not written: it is read",
    ],
    ["no averages", () => image("--ema"), "--ema"],
    ["no LoRA", () => image("--lora", at("own.safetensors")), "cannot be merged as a LoRA"],
    ["a strength that is no number", () => image("--lora", "x.safetensors:high"), "must be a decimal number"],
    ["no checkpoint", () => ["import", at("none.ckpt"), at("net.mv"), "-o", at("refused")], "there is no file"],
    ["no folder for the output", () => ["import", checkpoint, at("net.mv"), "-o", at("no/such/file")], "its folder does not exist"],
    [
      "a layer of layouts without a checkpoint",
      () => ["build", at("net.mv"), "--layout", "diffusers", "-o", at("refused")],
      "--layout must be given with --weights",
    ],
    [
      "a file in the place of a folder",
      () => ["export", at("net.mv"), "--weights", checkpoint, "--layout", "diffusers", "-o", at("net.mv")],
      "it is a file, and the layout has parts: a folder",
    ],
    [
      "a folder that is not empty",
      () => ["export", at("net.mv"), "--weights", checkpoint, "--layout", "diffusers", "-o", checkpoint],
      "the folder is not empty",
    ],
    [
      "what image weights do not have",
      () => ["export", at("net.mv"), "--weights", checkpoint, "--layout", "own", "-o", at("refused")],
      'the layout own needs the tensor "scale"',
    ],
  ])("%s", async (_, args, said) => {
    const before = readdirSync(folder);
    const { code, err } = await mvc(args());
    expect(err).toContain(said);
    expect([code === 1 || code === 2, existsSync(at("refused")), readdirSync(folder)]).toEqual([true, false, before]);
    expect(filesBelow(folder).filter((file) => file.includes(".mvc-"))).toEqual([]);
  });
});

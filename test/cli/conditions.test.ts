// Models that take pictures, numbers, classes and tensors, or nothing at all, built and sampled from the command line.

import { copyFileSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { encode } from "fast-png";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readPng } from "../../cli/media/read-png.ts";
import { readSafetensors, tensorSource, writeSafetensors } from "../../runtime/index.ts";
import { f32 } from "../../runtime/tensor.ts";
import { mvc, temporaryFolder } from "./mvc.ts";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const figures = 'method: "ddim", steps: 2, guidance: 1.0, predicts: "v", schedule: "cosine", betas: [0.1, 0.2], trainSteps: 1000';

/** Pixels with nothing to decode. */
const plain = `
dim B = 1; dim F = 2;
model Plain<H = 8, W = 16> {
  graph denoise(z: Tensor<float, [B, F, 3, H, W]>, t: Tensor<f32, [B]>): Tensor<float, [B, F, 3, H, W]> { return z |> conv2d(3, kernel: 3) as c; }
  sampler denoise(z, t) { ${figures} }
}`;
/** One decoded picture a clip; the latent is the picture that is fed, the mask and the number. */
const fed = `
dim B = 3;
model Fed {
  tokenizer { file: "unused.json", pad: "<pad>" }
  graph denoise(z: Tensor<float, [B, 4]>, t: Tensor<f32, [B]>, fps: Tensor<f32, [B]>, first: Tensor<float, [B, 3, 2, 2]>, label: Tensor<i32, [B]>,
    mask: Tensor<float, [B, 4]>, ignored: Tensor<float, [B, 4]>): Tensor<float, [B, 4]> {
    return z + (label |> embedding(10, 4) as label) + mask + view(fps, [B, 1]) + (view(first, [B, 12]) |> linear(4) as first);
  }
  graph decode(z: Tensor<float, [1, 4]>): Tensor<float, [1, 3, 2, 2]> { return view(z |> linear(12) as out, [1, 3, 2, 2]); }
  sampler denoise(z, t) {
    ${figures},
    conditions: { fps: { from: "number" }, first: { from: "image" }, label: { from: "class" }, ignored: { from: "number" } }, frames: decode,
  }
}`.replace("ignored: Tensor<float, [B, 4]>", "ignored: Tensor<f32, [B]>");
const bare = plain.replaceAll("[B, F, 3, H, W]", "[B, F, 4, H, W]").replace("conv2d(3,", "conv2d(4,");

beforeAll(async () => {
  for (const [name, source] of Object.entries({ plain, fed, bare })) {
    writeFileSync(at(`${name}.mv`), source);
    const built = await mvc(["build", at(`${name}.mv`), "--init", "1", "-o", at(name)]);
    expect([built.code, name === "fed" ? "" : built.err]).toEqual([0, ""]);
    if (name === "fed") {
      expect(built.err).toBe(
        "note nothing in `denoise` reads `ignored`, so no clip depends on it\n" +
          "note no condition comes from text, so the tokenizer is not used\n",
      );
    }
  }
  const data = Uint8Array.from({ length: 12 }, (_, i) => 20 * i);
  writeFileSync(at("first.png"), encode({ width: 2, height: 2, data, channels: 3 }));
  writeFileSync(at("large.png"), encode({ width: 4, height: 2, data: new Uint8Array(24), channels: 3 }));
  await writeSafetensors(at("mask.safetensors"), [tensorSource("m", f32([1, 4], Float32Array.of(1, 2, 3, 4)))]);
  await writeSafetensors(at("two.safetensors"), [
    tensorSource("a", f32([1], Float32Array.of(1))),
    tensorSource("b", f32([1], Float32Array.of(1))),
  ]);
  copyFileSync(at("first.png"), at("first.PNG"));
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true }));

const inputs = (more: { readonly [name: string]: string } = {}) => {
  const all = { fps: "8", first: at("first.png"), label: "3", mask: at("mask.safetensors"), ...more };
  return Object.entries(all).flatMap(([name, value]) => (value === "" ? [] : ["--input", `${name}=${value}`]));
};

test("no condition: no prompt, and a clip of the latent itself", async () => {
  const { code, out } = await mvc(["sample", at("plain"), "--seed", "4", "-o", at("plain.gif")]);
  expect([code, out]).toEqual([0, expect.stringContaining("2 frames of 16x8, seed 4")]);
  expect(readFileSync(at("plain.gif")).subarray(0, 6).toString()).toBe("GIF89a");
  expect(await mvc(["sample", at("plain"), "a red circle", "-o", at("no.gif")])).toMatchObject({
    code: 1,
    err: expect.stringContaining('input-unknown\n  the model takes no "prompt"'),
  });
});

test("a latent that is no picture is written as a tensor, and no clip is begun", async () => {
  expect(await mvc(["sample", at("bare"), "-o", at("bare.gif")])).toMatchObject({
    code: 1,
    err: expect.stringContaining("--output must be a file that ends in .safetensors"),
  });
  const { code, out } = await mvc(["sample", at("bare"), "-o", at("bare.safetensors")]);
  expect([code, out]).toEqual([0, expect.stringContaining("latent f32 [1, 2, 4, 8, 16], seed 0")]);
  const { latent } = await readSafetensors(at("bare.safetensors"));
  expect(latent?.shape).toEqual([1, 2, 4, 8, 16]);
  expect(latent?.data.every((value) => Number.isFinite(value))).toBe(true);
});

test("pictures, numbers, classes and tensors from files; clips of a batch are those that each would be alone", async () => {
  const { code, out, err } = await mvc(["sample", at("fed"), ...inputs(), "--count", "4", "-o", at("four.safetensors")]);
  expect([code, err, out.match(/latent f32 \[1, 4\], seed \d/g)]).toEqual([
    0,
    "",
    [0, 1, 2, 3].map((seed) => `latent f32 [1, 4], seed ${seed}`),
  ]);
  expect((await mvc(["sample", at("fed"), ...inputs({ first: at("first.PNG") }), "--seed", "3", "-o", at("one.safetensors")])).code).toBe(
    0,
  );
  // What the files say of themselves names the picture as it was typed.
  const latentOf = async (name: string) => (await readSafetensors(at(name))).latent;
  expect(await latentOf("one.safetensors")).toEqual(await latentOf("four-3.safetensors"));
  expect((await mvc(["sample", at("fed"), ...inputs({ fps: "9" }), "--seed", "3", "-o", at("other.safetensors")])).code).toBe(0);
  expect(await latentOf("other.safetensors")).not.toEqual(await latentOf("one.safetensors"));
  expect(await mvc(["sample", at("fed"), ...inputs(), "-o", at("fed.png")])).toMatchObject({
    code: 0,
    out: expect.stringContaining("1 frame of 2x2"),
  });
});

test.each<[string, { readonly [name: string]: string }, string]>([
  ["nothing for a picture", { first: "" }, 'input-missing\n  the model needs "first", a picture of 2x2'],
  ["a picture of another size", { first: at("large.png") }, 'input-invalid\n  "first" must be a picture of 2x2, found a picture of 4x2'],
  ["a file that is no picture", { first: at("fed.mv") }, '"first" must be a file that ends in .png or .safetensors'],
  ["a picture that is not there", { first: at("none.png") }, "file-missing\n  the picture is missing"],
  ["a word for a number", { fps: "many" }, '"fps" must be a number, found "many"'],
  ["a class beyond the table", { label: "10" }, "id-out-of-range"],
  ["one of two tensors", { mask: at("two.safetensors") }, 'a file with one tensor, or with one named "mask"'],
  ["what the model does not read", { ignored: "3" }, 'the model takes no "ignored"'],
])("refused: %s", async (_, more, said) => {
  const { code, err, out } = await mvc(["sample", at("fed"), ...inputs(more), "-o", at("no.png")]);
  expect([code, out]).toEqual([1, ""]);
  expect(err).toContain(said);
});

test("PNGs of grey, of colour, of sixteen bits and with opacity become the same pixels", () => {
  const wanted = [10, 10, 10, 255, 200, 200, 200, 255];
  const forms = {
    grey: { width: 2, height: 1, channels: 1, data: Uint8Array.of(10, 200) },
    colour: { width: 2, height: 1, channels: 3, data: Uint8Array.of(10, 10, 10, 200, 200, 200) },
    opacity: { width: 2, height: 1, channels: 2, data: Uint8Array.of(10, 255, 200, 255) },
    deep: { width: 2, height: 1, channels: 3, depth: 16 as const, data: Uint16Array.of(2570, 2570, 2570, 51400, 51400, 51400) },
  };
  for (const [name, image] of Object.entries(forms)) expect([name, ...readPng(encode(image), name).data]).toEqual([name, ...wanted]);
  expect(() => readPng(Uint8Array.of(1, 2, 3), "x.png")).toThrow("x.png cannot be read: it is no PNG that can be read");
});

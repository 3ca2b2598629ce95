// Clips from pictures, clips and masks, as the command line reads, fits and records them.

import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { decode, encode } from "fast-png";
import { afterAll, beforeAll, expect, test } from "vitest";
import { encodeGif, readSafetensors } from "../../runtime/index.ts";
import { readGif } from "../runtime/media/read-gif.ts";
import { mvc, temporaryFolder } from "./mvc.ts";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);

/** Two frames of 4x2 pixels, two pixels each way for a place of the latent. */
const source = `
dim B = 1; dim F = 2;
type Latent = Tensor<float, [B, F, 1, 1, 2]>;
type Clip = Tensor<float, [B, F, 3, 2, 4]>;
model Small {
  graph encode(x: Clip): Latent { return x |> slice(axis: 2, start: 0, size: 1) |> averagePool2d(2); }
  graph decode(z: Latent): Clip { return concat([z, z, z], axis: 2) |> upsample(2); }
  graph denoise(z: Latent, t: Tensor<f32, [B]>): Latent { return z * 0.5; }
  sampler denoise(z, t) {
    method: "ddim", steps: 4, guidance: 1.0, predicts: "v", schedule: "cosine", betas: [0.1, 0.2], trainSteps: 1000,
    frames: decode, latents: encode,
  }
}`;

const grey = (width: number, height: number, value: (x: number, y: number) => number) => ({
  width,
  height,
  data: Uint8ClampedArray.from({ length: width * height * 4 }, (_, i) =>
    i % 4 === 3 ? 255 : value((i >> 2) % width, Math.floor((i >> 2) / width)),
  ),
});
const png = (picture: ReturnType<typeof grey>) => encode({ ...picture, channels: 4 });

beforeAll(async () => {
  writeFileSync(at("small.mv"), source);
  expect(await mvc(["build", at("small.mv"), "--init", "1", "-o", at("small")])).toMatchObject({ code: 0, err: "" });
  // 12x2, of which the middle 4x2 is the model's own size once nothing is resized: 8 wide and 4 high, by halves.
  writeFileSync(at("wide.png"), png(grey(12, 4, (x) => (x < 2 || x >= 10 ? 0 : x < 6 ? 51 : 204))));
  writeFileSync(at("mask.png"), png(grey(4, 2, (x) => (x < 2 ? 0 : 255))));
  mkdirSync(at("frames"));
  for (const [name, value] of [
    ["2.png", 51],
    ["10.png", 102],
    ["1.png", 0],
  ] as const)
    writeFileSync(at(`frames/${name}`), png(grey(4, 2, () => value)));
  const frames = Uint8ClampedArray.from([51, 204].flatMap((value) => [...grey(4, 2, () => value).data]));
  writeFileSync(at("clip.gif"), encodeGif({ width: 4, height: 2, frameCount: 2, frames }, { scale: 2 }));
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true }));

const latentOf = async (...options: readonly string[]) => {
  const { code, err } = await mvc(["sample", at("small"), ...options, "-o", at("made.safetensors")]);
  const { latent } = code === 0 ? await readSafetensors(at("made.safetensors")) : {};
  return { code, err, latent: [...(latent?.data ?? [])] };
};
const value = (byte: number) => expect.closeTo(byte / 127.5 - 1, 5);

test("a first and a last picture stand in the clip; one of another size is cut about its middle, resized, and that is said", async () => {
  const { err, latent } = await latentOf("--first-frame", at("wide.png"), "--last-frame", at("frames/2.png"));
  expect(err).toBe(`note ${at("wide.png")} is 12x4: its middle, 8x4, is resized to the model's 4x2\n`);
  // Of the four pixels of the triangle's filter one, an eighth of it, is across the edge from 51 to 204; a place is the mean of two such pixels.
  const soft = 153 / 16;
  expect(latent).toEqual([expect.closeTo((51 + soft) / 127.5 - 1, 2), expect.closeTo((204 - soft) / 127.5 - 1, 2), value(51), value(51)]);
});

test("what a clip was made from is in its file, so that it can be made again; a folder's pictures are in the order of their numbers", async () => {
  const all = ["--from", at("frames"), "--strength", "0.5", "--known", at("clip.gif"), "--mask", at("mask.png"), "--seed", "3"];
  const made = await mvc(["sample", at("small"), ...all, "-o", at("made.gif")]);
  expect(made).toMatchObject({
    code: 0,
    err: expect.stringContaining(`note ${at("frames")} has 3 frames, of which the first 2 are taken; \`--length 3\` takes all`),
  });
  expect(made.err).toContain(`note ${at("clip.gif")} is 8x4: resized to the model's 4x2`);
  const about = JSON.parse(readGif(readFileSync(at("made.gif"))).comment);
  expect(about).toMatchObject({ seed: "3", strength: "0.5", from: at("frames"), known: at("clip.gif"), mask: at("mask.png") });
  const named = ["from", "strength", "known", "mask", "seed"].flatMap((name) => [`--${name}`, about[name]]);
  expect((await mvc(["sample", at("small"), ...named, "-o", at("again.gif")])).code).toBe(0);
  expect(readFileSync(at("again.gif")).equals(readFileSync(at("made.gif")))).toBe(true);
  const { latent } = await latentOf(...all);
  // The left place is known, from the GIF; of the right one, which is white, nothing is.
  expect([latent[0], latent[2]]).toEqual([value(51), value(204)]);
  expect([latent[1], latent[3]]).not.toEqual([value(51), value(204)]);
});

test("longer clips, loops, and clips that go on", async () => {
  const sheet = await mvc(["sample", at("small"), "--continue", at("clip.gif"), "--length", "5", "-o", at("on.png")]);
  expect(sheet).toMatchObject({ code: 0, out: expect.stringContaining("5 frames of 4x2") });
  expect(decode(readFileSync(at("on.png"))).text).toMatchObject({ continue: at("clip.gif"), length: "5" });
  expect((await latentOf("--length", "5", "--overlap", "1", "--loop")).latent).toHaveLength(10);
});

test("what cannot be read or does not go together is one error, and nothing is written", async () => {
  mkdirSync(at("empty"));
  const refused = async (...options: readonly string[]) => {
    const { code, err, latent } = await latentOf(...options);
    expect([code, latent]).toEqual([1, []]);
    expect(err).not.toMatch(/^\s+at /m);
    return err;
  };
  expect(await refused("--from", at("none.gif"), "--strength", "1")).toContain(
    `file-missing\n  the clip of --from is missing: there is no file ${at("none.gif")}`,
  );
  const over = await mvc(["sample", at("small"), "--from", at("clip.gif"), "--strength", "1", "-o", at("clip.gif")]);
  expect(over).toMatchObject({ code: 1, err: expect.stringContaining("clip.gif is not written: it is read") });
  const within = await mvc(["sample", at("small"), "--from", at("frames"), "--strength", "1", "-o", at("frames/2.png")]);
  expect(within).toMatchObject({ code: 1, err: expect.stringContaining("2.png is not written: it is read") });
  expect(await refused("--mask", at("none.png"))).toContain("hint: check the path\n");
  expect(await refused("--from", at("clip.gif"))).toContain("hint: give --strength\n");
  expect(await refused("--from", at("small.mv"), "--strength", "1")).toContain(
    '"--from" must be a .png, several of them or a folder of them, a .gif',
  );
  expect(await refused("--known", at("empty"))).toContain("which has no .png");
  expect(await refused("--guidance", "image=1.5,text=7.5")).toContain(
    "must be 1 for a model whose conditions are the same in both halves, found an object of image, text",
  );
  expect(await refused("--mask", at("mask.png"))).toContain("--mask must be left out where no --known says");
});

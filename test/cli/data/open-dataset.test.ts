// Data sets that are made or lie in one file, opened at the sizes of models.

import { closeSync, mkdtempSync, openSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { movingShapes } from "../../../cli/data/moving-shapes.ts";
import { openDataset } from "../../../cli/data/open-dataset.ts";
import { safetensorsHeader, writeSafetensors } from "../../../runtime/node/safetensors-file.ts";

/** Comparing so many bytes one by one in the assertion takes seconds. */
const same = (a: Uint8Array, b: ArrayLike<number>) => Buffer.compare(a, Uint8Array.from(b)) === 0;

const own = { frames: 16, height: 64, width: 64 };
const folder = mkdtempSync(join(tmpdir(), "mvc-dataset-"));

/** Clips of two frames of 2x2: byte i of clip n is 10 n + i. */
const small = (clips: number) => Array.from({ length: clips }, (_, n) => Uint8Array.from({ length: 24 }, (__, i) => 10 * n + i));

async function clipsFile(name: string, clips: readonly Uint8Array[], captions: readonly string[]): Promise<string> {
  const path = join(folder, name);
  const tensor = { name: "clips", dtype: "U8" as const, shape: [clips.length, 2, 2, 2, 3], chunks: () => clips };
  await writeSafetensors(path, [tensor], { metadata: { captions: JSON.stringify(captions) } });
  return path;
}

test("moving shapes are the generator's own, each by its number", async () => {
  const set = await openDataset("moving-shapes", own, { clips: 40, seed: 3 });
  expect([set.name, set.count, set.size]).toEqual(["moving-shapes", 40, own]);
  const made = [...movingShapes(40, 3, { combinations: "seen" })];
  for (const i of [39, 0, 7]) {
    const { pixels, caption } = await set.clip(i);
    expect([same(pixels, made[i]?.pixels ?? []), caption]).toEqual([true, made[i]?.caption]);
  }
  expect((await openDataset("moving-shapes", own, {})).count).toBe(12_000);
});

test("moving shapes of fewer frames are their middle ones, or every so many; of another size, resized", async () => {
  const [clip] = movingShapes(1, 3, { combinations: "seen" });
  const frame = (i: number) => [...(clip?.pixels.subarray(i * 64 * 64 * 3, (i + 1) * 64 * 64 * 3) ?? [])];
  const middle = await openDataset("moving-shapes", { ...own, frames: 4 }, { clips: 1, seed: 3 });
  expect(same((await middle.clip(0)).pixels, [6, 7, 8, 9].flatMap(frame))).toBe(true);
  const strided = await openDataset("moving-shapes", { ...own, frames: 4 }, { clips: 1, seed: 3, stride: 5 });
  expect(same((await strided.clip(0)).pixels, [0, 5, 10, 15].flatMap(frame))).toBe(true);
  const two = await openDataset("moving-shapes", { ...own, frames: 8 }, { clips: 3, seed: 3, windows: 2 });
  expect(two.count).toBe(6);
  expect(same((await two.clip(1)).pixels, [8, 9, 10, 11, 12, 13, 14, 15].flatMap(frame))).toBe(true);
  const half = await openDataset("moving-shapes", { frames: 1, height: 32, width: 32 }, { clips: 1, seed: 3 });
  const pixels = (await half.clip(0)).pixels;
  expect(pixels.length).toBe(32 * 32 * 3);
  // The background away from the shape; a triangle over two pixels leaves it as it is.
  expect([...pixels.subarray(0, 3)]).toEqual([12, 12, 16]);
});

test("what changes a clip changes the hash", async () => {
  const hash = async (options: object, size = own) => (await openDataset("moving-shapes", size, { clips: 4, ...options })).hash;
  const first = await hash({ seed: 1 });
  expect(await hash({ seed: 1 })).toBe(first);
  const others = [
    await hash({ seed: 2 }),
    await hash({ seed: 1, clips: 5 }),
    await hash({ seed: 1, combinations: "held-out" }),
    await hash({ seed: 1 }, { ...own, frames: 8 }),
    await hash({ seed: 1, stride: 2 }, { ...own, frames: 8 }),
    await hash({ seed: 1 }, { ...own, width: 32 }),
  ];
  expect(new Set([first, ...others]).size).toBe(7);
});

test("a file of clips gives each where it lies, and is held to what it was", async () => {
  const path = await clipsFile("a.safetensors", small(3), ["a", "b", "ü"]);
  const size = { frames: 2, height: 2, width: 2 };
  const set = await openDataset(path, size);
  expect([set.count, await set.clip(2)]).toEqual([3, { pixels: small(3)[2], caption: "ü" }]);
  const other = await clipsFile("b.safetensors", small(3), ["a", "b", "c"]);
  const third = await clipsFile("c.safetensors", [...small(2), new Uint8Array(24)], ["a", "b", "ü"]);
  expect(new Set([set.hash, (await openDataset(other, size)).hash, (await openDataset(third, size)).hash]).size).toBe(3);
  const descriptor = openSync(path, "r+");
  writeSync(
    descriptor,
    Uint8Array.of(99),
    0,
    1,
    safetensorsHeader([{ name: "clips", dtype: "U8", shape: [3, 2, 2, 2, 3] }], { captions: '["a","b","ü"]' }).length,
  );
  closeSync(descriptor);
  await expect(set.clip(0)).rejects.toThrow(`${path} cannot be read: clip 0 is another than when it was opened`);
  expect((await set.clip(1)).caption).toBe("b");
});

test.each([
  [{ windows: 0 }, "--windows must be a whole number from 1 to 1000000, found 0"],
  [{ fps: 0 }, "--fps must be a number from 0.01 to 1000, found 0"],
  [{ fps: 8 }, "--fps must be left out with moving-shapes, whose clips have no rate of their own, found 8"],
  [{ fps: 8, stride: 2 }, "--stride must be left out beside --fps, which says how frames are taken, found 2"],
  [{ stride: 2 }, "moving-shapes: its clips have 16 frames, too few for 16 at every 2 of its own"],
])("%j is refused", async (options, message) => {
  await expect(openDataset("moving-shapes", own, options)).rejects.toThrow(message);
});

test("what is no data set is named", async () => {
  const text = join(folder, "a.txt");
  writeFileSync(text, "a");
  await expect(openDataset("nowhere", own)).rejects.toThrow("nowhere: there is no such file or folder");
  await expect(openDataset(text, own)).rejects.toThrow(`${text}: it is no data set`);
  const path = await clipsFile("few.safetensors", small(2), ["a"]);
  await expect(openDataset(path, own)).rejects.toThrow(`${path}: it has 1 captions for 2 clips`);
  await expect(openDataset(await clipsFile("two.safetensors", small(1), ["a"]), own)).rejects.toThrow(/too few for 16/);
  expect((await openDataset(join(folder, "two.safetensors"), { ...own, frames: 3 }, { short: "hold" })).count).toBe(1);
});

// Latents on the disk: each clip is encoded once, by whatever run; what was not written whole is encoded again.

import { closeSync, mkdtempSync, openSync, rmSync, statSync, truncateSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { LatentCache } from "../../training/node/latent-cache.ts";

const folder = mkdtempSync(join(tmpdir(), "mvc-latents-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const file = join(folder, "encode.latents");
const bytesOfClip = 4 * (6 + 1);

/** Clip i is six times i / 3. */
function opened(made: number[]): LatentCache {
  return new LatentCache(file, { length: 6, frameLength: 3 }, async (clip) => {
    made.push(clip);
    return new Float32Array(6).fill(clip / 3);
  });
}

test("a clip is encoded when it is first asked for, and never again", async () => {
  const made: number[] = [];
  const cache = opened(made);
  const [first, same] = await Promise.all([cache.of(5), cache.of(5)]);
  expect([...first]).toEqual([...same]);
  expect([...(await cache.of(0))]).toEqual([0, 0, 0, 0, 0, 0]);
  // A place between two that were written is a hole, and no clip of zeros.
  expect([...(await cache.of(3))]).toEqual([1, 1, 1, 1, 1, 1]);
  expect(made).toEqual([5, 0, 3]);
  cache.close();
  const again = opened(made);
  for (const clip of [0, 3, 5]) expect([...(await again.of(clip))]).toEqual(new Array(6).fill(Math.fround(clip / 3)));
  expect(made).toEqual([5, 0, 3]);
  expect(statSync(file).size).toBe(6 * bytesOfClip);
  again.close();
});

test("what is cut short or damaged is encoded again", async () => {
  truncateSync(file, 6 * bytesOfClip - 3);
  const descriptor = openSync(file, "r+");
  writeSync(descriptor, Buffer.of(7), 0, 1, 3 * bytesOfClip + 2);
  closeSync(descriptor);
  const made: number[] = [];
  const cache = opened(made);
  for (const clip of [0, 3, 5]) expect([...(await cache.of(clip))]).toEqual(new Array(6).fill(Math.fround(clip / 3)));
  expect(made).toEqual([3, 5]);
  cache.close();
});

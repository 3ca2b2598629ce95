// What is decoded once is kept, and never taken for what a file has become since.

import { cpSync, existsSync, readFileSync, statSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { DatasetOptions } from "../../../cli/data/dataset-options.ts";
import { defaultCache } from "../../../cli/data/folder/clip-store.ts";
import { openDataset } from "../../../cli/data/open-dataset.ts";
import { filesBelow } from "../mvc.ts";
import { folderOf, greyGif, temporary } from "./small-films.ts";

const two = { frames: 2, height: 4, width: 4 };
let cache = "";
let folder = "";
beforeEach(() => {
  cache = temporary();
  folder = folderOf({ "a.gif": greyGif([1, 2]), "a.txt": "a", "b.gif": greyGif([3, 4, 5]), "b.txt": "b" });
});
afterEach(() => {
  vi.restoreAllMocks();
});

const open = (options: DatasetOptions = {}, size = two, place = folder) => openDataset(place, size, { cache, ...options });
const kept = () => filesBelow(cache).filter((name) => name.endsWith(".safetensors"));
const made = () => kept().map((name) => statSync(join(cache, name), { bigint: true }).mtimeNs);
const first = async (set: Awaited<ReturnType<typeof open>>, index: number) => (await set.clip(index)).pixels[0];

test("a film is decoded once for each way in which clips are taken", async () => {
  const { hash } = await open();
  const times = made();
  expect(times.length).toBe(2);
  expect((await open()).hash).toBe(hash);
  expect(made()).toEqual(times);
  await open({}, { ...two, width: 2 });
  await open({ fps: 10 });
  await open({ short: "hold" });
  expect(kept().length).toBe(8);
});

test("another copy of the same films is the same data set, and is not decoded again", async () => {
  const { hash } = await open();
  const times = made();
  const copy = temporary();
  cpSync(folder, copy, { recursive: true });
  expect((await open({}, two, copy)).hash).toBe(hash);
  expect(made()).toEqual(times);
  cache = temporary();
  expect((await open()).hash).toBe(hash);
});

test("what changes a clip, a caption or their order changes the hash", async () => {
  const { hash } = await open();
  writeFileSync(join(folder, "a.txt"), "A");
  const caption = (await open()).hash;
  writeFileSync(join(folder, "a.txt"), "a");
  expect((await open()).hash).toBe(hash);
  writeFileSync(join(folder, "a.gif"), greyGif([1, 3]));
  const pixel = (await open()).hash;
  const [a, b] = [greyGif([1, 2]), greyGif([3, 4, 5])];
  const other = folderOf({ "a.gif": b, "a.txt": "b", "b.gif": a, "b.txt": "a" });
  const order = (await open({}, two, other)).hash;
  expect(new Set([hash, caption, pixel, order]).size).toBe(4);
});

test("a file that changes in place is read again, though it has its size and its time of before", async () => {
  // As if the files had been there for a while.
  const now = Date.now();
  vi.spyOn(Date, "now").mockReturnValue(now + 60_000);
  const file = join(folder, "a.gif");
  utimesSync(file, 1000, 1000);
  const { mtimeNs, size, ino } = statSync(file, { bigint: true });
  expect(await first(await open(), 0)).toBe(1);
  writeFileSync(file, greyGif([9, 2]));
  utimesSync(file, 1000, 1000);
  expect(statSync(file, { bigint: true })).toMatchObject({ mtimeNs, size, ino });
  expect(await first(await open(), 0)).toBe(9);
});

test("a film that changes between being looked at and being decoded is named, and not kept", async () => {
  const file = join(folder, "b.gif");
  const progress = (task: string, done: number) => {
    if (task === "looking at films" && done === 2) writeFileSync(file, greyGif([6, 7, 8]));
  };
  const opened = openDataset(folder, two, { cache }, { progress });
  await expect(opened).rejects.toThrow("1 of 2 clips cannot be read, such as b.gif (it changes while it is read)");
  expect(kept().length).toBe(1);
  expect(await first(await open(), 1)).toBe(6);
});

test("digests of files that have been the same for a while are not made again", async () => {
  await open();
  const list = () => join(cache, filesBelow(cache).find((name) => name.startsWith("files/")) ?? "");
  // Times of files are ticks: those that were just written may change within theirs.
  expect(filesBelow(cache).filter((name) => name.startsWith("files/"))).toEqual([]);
  const now = Date.now();
  vi.spyOn(Date, "now").mockReturnValue(now + 60_000);
  await open();
  const known = JSON.parse(readFileSync(list(), "utf8"));
  expect(Object.keys(known).sort()).toEqual([join(folder, "a.gif"), join(folder, "b.gif")]);
  // Were the file read, this digest would be seen to be none of it: the film would be found in the cache.
  known[join(folder, "a.gif")][1] = "0".repeat(64);
  writeFileSync(list(), JSON.stringify(known));
  await open();
  expect(kept().length).toBe(3);
});

test("a list or a file of the cache that is not whole is made again; a clip that was changed is an error", async () => {
  const { hash } = await open();
  for (const name of filesBelow(cache)) truncateSync(join(cache, name), 100);
  const set = await open();
  expect(set.hash).toBe(hash);
  const file = join(cache, kept()[0] ?? "");
  const bytes = readFileSync(file);
  // The last bytes are digests, 64 those of the two films at most; before them lie pixels.
  bytes[bytes.length - 32 - 5] = 200;
  writeFileSync(file, bytes);
  const read = Promise.all([set.clip(0), set.clip(1)]);
  await expect(read).rejects.toMatchObject({ code: "file-unreadable", message: `${file} cannot be read: clip 0 in it has been changed` });
});

test("what was decoded before an interruption is kept, and nothing half", async () => {
  const controller = new AbortController();
  const progress = (task: string, done: number) => {
    if (task === "decoding films" && done === 1) controller.abort();
  };
  const stopped = openDataset(folder, two, { cache }, { progress, signal: controller.signal });
  await expect(stopped).rejects.toMatchObject({ code: "aborted" });
  const times = made();
  expect(times.length).toBe(1);
  expect(filesBelow(cache).filter((name) => name.includes(".mvc-"))).toEqual([]);
  await open();
  expect(made()).toEqual(expect.arrayContaining(times));
  expect(kept().length).toBe(2);
});

test("a cache that cannot be written is one error", async () => {
  const file = join(folder, "notes.md");
  writeFileSync(file, "");
  await expect(openDataset(folder, two, { cache: file })).rejects.toMatchObject({ code: "write-failed" });
});

test("the cache lies where the system keeps such things", () => {
  if (process.platform !== "linux") return;
  vi.stubEnv("XDG_CACHE_HOME", "/elsewhere");
  expect(defaultCache()).toBe("/elsewhere/mvc");
  vi.unstubAllEnvs();
  expect(existsSync(cache)).toBe(true);
});

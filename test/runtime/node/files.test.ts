/** Files that are written whole or not at all, and safetensors files there and back. */
import fs from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { readSafetensors, readSafetensorsHeader, tensorSource, writeAtomically, writeSafetensors } from "../../../runtime/index.ts";
import { f32, i32 } from "../../../runtime/tensor.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "mvc-files-"));
});
afterEach(async () => {
  vi.restoreAllMocks();
  syncBuiltinESMExports();
  await rm(folder, { recursive: true, force: true });
});

const bytes = (text: string) => new TextEncoder().encode(text);

/** What writes to a file do from here on, so that one can be made to fail as a full disk does. */
function writing(behave: (real: typeof fs.writeSync, ...args: [number, Uint8Array, number, number]) => number): () => number {
  const real = fs.writeSync;
  const spy = vi
    .spyOn(fs, "writeSync")
    .mockImplementation(((...args: [number, Uint8Array, number, number]) => behave(real, ...args)) as never);
  syncBuiltinESMExports();
  return () => spy.mock.calls.length;
}

test("chunks arrive in order and replace what was there", async () => {
  const path = join(folder, "a.txt");
  await writeFile(path, "old");
  await writeAtomically(path, [bytes("one "), bytes("two")]);
  expect(await readFile(path, "utf8")).toBe("one two");
  expect(await readdir(folder)).toEqual(["a.txt"]);
});

test("disk full in the middle: one error, the old file stays, nothing else is left", async () => {
  const path = join(folder, "a.txt");
  await writeFile(path, "old");
  let calls = 0;
  writing((real, descriptor, data, from) => {
    if (calls++ === 0) return real(descriptor, data, from, 3);
    throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC", syscall: "write" });
  });
  await expect(writeAtomically(path, [bytes("one"), bytes("two")])).rejects.toMatchObject({
    code: "disk-full",
    message: `${path} was not written: the disk is full`,
  });
  expect(await readFile(path, "utf8")).toBe("old");
  expect(await readdir(folder)).toEqual(["a.txt"]);
});

test("a write that takes only a part is continued", async () => {
  const calls = writing((real, descriptor, data, from, length) => real(descriptor, data, from, Math.min(2, length)));
  await writeAtomically(join(folder, "a.txt"), [bytes("seven!!")]);
  expect(calls()).toBe(4);
  expect(await readFile(join(folder, "a.txt"), "utf8")).toBe("seven!!");
});

test("chunks of all lengths, in memory that each fills again, between small ones and the blocks that are written", async () => {
  const lengths = [1, 2 ** 17 - 1, 2 ** 17, 3, 0, 2 ** 17 + 1, 5 * 2 ** 17, 7];
  const memory = new Uint8Array(Math.max(...lengths));
  function* chunks() {
    for (const [i, length] of lengths.entries()) yield memory.fill(i + 1).subarray(0, length);
  }
  await writeAtomically(join(folder, "a.bin"), chunks());
  const expected = Buffer.concat(lengths.map((length, i) => Buffer.alloc(length, i + 1)));
  expect((await readFile(join(folder, "a.bin"))).equals(expected)).toBe(true);
});

test("an abort in the middle, a missing folder and a source that fails leave nothing", async () => {
  const stop = new AbortController();
  async function* slow() {
    yield bytes("one");
    stop.abort();
    yield bytes("two");
  }
  await expect(writeAtomically(join(folder, "a.txt"), slow(), stop.signal)).rejects.toMatchObject({ code: "aborted" });
  await expect(writeAtomically(join(folder, "no", "a.txt"), [])).rejects.toMatchObject({ code: "write-failed" });
  const sick = { name: "x", dtype: "U8", shape: [3], chunks: () => [Uint8Array.of(1)] } as const;
  await expect(writeSafetensors(join(folder, "x.safetensors"), [sick])).rejects.toThrow('"x" gave 1 bytes instead of 3');
  expect(await readdir(folder)).toEqual([]);
});

test("tensors come back as they were; the data begin at a multiple of 64; the same input gives the same bytes", async () => {
  const tensors = {
    odd: { dtype: "f16", shape: [3], data: Uint16Array.of(1, 2, 3) },
    z: f32([2, 2], Float32Array.of(1, -0.5, 3e38, 0)),
    tokens: i32([1, 2], Int32Array.of(-7, 9)),
  } as const;
  const sources = Object.entries(tensors).map(([name, tensor]) => tensorSource(name, tensor));
  const c = join(folder, "c.safetensors");
  const [a, b] = [join(folder, "a.safetensors"), join(folder, "b.safetensors")];
  await writeSafetensors(a, sources, { metadata: { made: "by a test" } });
  await writeSafetensors(b, sources, { metadata: { made: "by a test" } });
  expect(await readSafetensors(a)).toEqual(tensors);
  const header = await readSafetensorsHeader(a);
  expect(header.headerBytes % 64).toBe(0);
  expect(header.metadata.get("made")).toBe("by a test");
  expect(await readFile(a)).toEqual(await readFile(b));
  await writeSafetensors(c, await readSafetensors(a), { metadata: { made: "by a test" } });
  expect(await readFile(c)).toEqual(await readFile(a));
});

test("a tensor file that is missing or broken", async () => {
  const path = join(folder, "a.safetensors");
  await expect(readSafetensors(path)).rejects.toMatchObject({
    code: "file-missing",
    message: `the tensor file is missing: there is no file ${path}`,
  });
  await writeFile(path, "PK\x03\x04 not tensors at all");
  await expect(readSafetensors(path)).rejects.toMatchObject({ code: "weights-invalid" });
  await expect(readSafetensors(folder)).rejects.toMatchObject({ code: "file-unreadable" });
});

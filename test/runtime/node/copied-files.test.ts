// Files that are written of ranges of other files, by two threads: the same bytes whichever of them does what, and nothing where one cannot.

import { EventEmitter } from "node:events";
import fs from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import threads from "node:worker_threads";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { writeAtomically } from "../../../runtime/node/atomic-file.ts";
import type { Extent } from "../../../runtime/node/extents.ts";

let folder: string;
let source: string;
let descriptor: number;
let expected: Buffer;
/** More than what a second thread starts for, by a tail that no piece ends with. */
const LENGTH = 2 ** 27 + 2 ** 20 + 5;
const HEAD = Buffer.from("head");

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "mvc-copied-"));
  source = join(folder, "source");
  const bytes = Buffer.alloc(LENGTH);
  for (let i = 0; i < LENGTH - 4; i += 4096) bytes.writeUInt32LE(i, i);
  fs.writeFileSync(source, bytes);
  descriptor = fs.openSync(source, "r");
  // The end of the source before its beginning, and bytes around both.
  expected = Buffer.concat([HEAD, bytes.subarray(5_000_001), HEAD, bytes.subarray(0, 5_000_001), HEAD]);
});
const { Worker } = threads;
afterEach(() => {
  vi.restoreAllMocks();
  threads.Worker = Worker;
  syncBuiltinESMExports();
});
afterAll(async () => {
  fs.closeSync(descriptor);
  await rm(folder, { recursive: true, force: true });
});

const extent = (start: number, end: number): Extent => ({ descriptor, start, end, file: "source" });
const chunks = () => [HEAD, extent(5_000_001, LENGTH), HEAD, extent(0, 5_000_001), HEAD];

async function copied(): Promise<void> {
  const path = join(folder, "copy");
  const told: number[] = [];
  await writeAtomically(path, chunks(), undefined, (bytes) => told.push(bytes));
  expect(fs.readFileSync(path).equals(expected)).toBe(true);
  expect([told.every((bytes, i) => bytes >= (told[i - 1] ?? 0)), told.at(-1)]).toEqual([true, expected.length]);
  await rm(path);
}

/** What this thread's own writes do from here on. */
function writing(before: () => void): () => number {
  const real = fs.writeSync as (...args: readonly unknown[]) => number;
  let bytes = 0;
  vi.spyOn(fs, "writeSync").mockImplementation(((...args: readonly unknown[]) => {
    before();
    const taken = real(...args);
    bytes += taken;
    return taken;
  }) as never);
  syncBuiltinESMExports();
  return () => bytes;
}

/** In place of the second thread, one that does so much to what both share and ends. */
function secondThread(start: (state: Int32Array) => unknown): void {
  class Ending extends EventEmitter {
    constructor(_: string, { workerData }: { readonly workerData: { readonly state: Int32Array } }) {
      super();
      start(workerData.state);
      setImmediate(() => this.emit("exit", 1));
    }
  }
  threads.Worker = Ending as never;
  syncBuiltinESMExports();
}

test("the second thread copies what this one has not come to", async () => {
  const pause = new Int32Array(new SharedArrayBuffer(4));
  // A hundredth of the speed: by itself this thread would take five seconds.
  const here = writing(() => Atomics.wait(pause, 0, 0, 5));
  await copied();
  expect(here()).toBeLessThan(expected.length / 2);
});

test("without a second thread, or after one that ended in the middle, this one copies what is left", async () => {
  secondThread(() => {
    throw new Error("no threads here");
  });
  await copied();
  const took = vi.fn((state: Int32Array) => Atomics.add(state, 0, 3));
  secondThread(took);
  await copied();
  expect(took).toHaveBeenCalledOnce();
});

test.each<[string, string, () => Parameters<typeof writeAtomically>[1], AbortSignal | undefined]>([
  ["a source that is cut short", "weights-invalid", () => [extent(0, LENGTH), extent(LENGTH - 1, LENGTH + 1)], undefined],
  ["an abort", "aborted", chunks, AbortSignal.abort()],
])("%s: one error, and nothing is left", async (_, code, some, signal) => {
  await expect(writeAtomically(join(folder, "none"), some(), signal)).rejects.toMatchObject({ code });
  expect(await readdir(folder)).toEqual(["source"]);
});

test("a full disk while both copy: one error, once the second thread is through, and nothing is left", async () => {
  let left = 100;
  writing(() => {
    if (left-- === 0) throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC", syscall: "write" });
  });
  await expect(writeAtomically(join(folder, "none"), chunks())).rejects.toMatchObject({ code: "disk-full" });
  expect(await readdir(folder)).toEqual(["source"]);
});

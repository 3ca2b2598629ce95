/** Tensors to safetensors files, whole or not at all, with their progress on the terminal. */

import { lstatSync, mkdirSync, readdirSync, renameSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { throwIfAborted } from "../../runtime/errors.ts";
import { type Written, writeAtomically, writeNew } from "../../runtime/node/atomic-file.ts";
import { attempt, refused, requirePath, requireRoom, tryOutput } from "../../runtime/node/output-file.ts";
import { safetensorsChunks, safetensorsHeader, type TensorSource } from "../../runtime/node/safetensors-file.ts";
import { kindOf } from "../../runtime/node/system-errors.ts";
import { claimTemporary } from "../../runtime/node/temporary.ts";
import { DTYPE_BYTES } from "../../runtime/safetensors.ts";
import { elements } from "../../runtime/tensor.ts";
import { startProgress } from "../progress.ts";

export type Metadata = { readonly [key: string]: string };

/** Of a whole file. */
function bytesOf(tensors: readonly TensorSource[], metadata: Metadata): number {
  return tensors.reduce((sum, { dtype, shape }) => sum + elements(shape) * DTYPE_BYTES[dtype], safetensorsHeader(tensors, metadata).length);
}

/** Writes one file. Throws MvcError as `tryOutput`, before anything is read, and as `writeAtomically`. Returns its length. */
export async function writeTensors(
  output: string,
  tensors: readonly TensorSource[],
  metadata: Metadata,
  signal: AbortSignal,
): Promise<number> {
  const bytes = bytesOf(tensors, metadata);
  await tryOutput(output, bytes);
  await withProgress(bytes, (written) => writeAtomically(output, safetensorsChunks(tensors, metadata), signal, written));
  return bytes;
}

/**
 * Writes a folder of files, by their paths in it; where it is to go nothing stands, or an empty folder. Returns the length of all.
 * @throws MvcError `output-refused`, `disk-full`, `write-failed`, `aborted`; then nothing is left of it.
 */
export async function writeTensorFolder(
  output: string,
  files: ReadonlyMap<string, readonly TensorSource[]>,
  metadata: Metadata,
  signal: AbortSignal,
): Promise<number> {
  requireFree(output);
  const sizes = [...files.values()].map((tensors) => bytesOf(tensors, metadata));
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  const place = resolve(output);
  const temporary = await claimTemporary(dirname(place));
  try {
    requireRoom(temporary.path, output, bytes, Math.max(...sizes));
    attempt(output, () => mkdirSync(temporary.path));
    await withProgress(bytes, async (written) => {
      let before = 0;
      for (const [path, tensors] of files) {
        const file = join(temporary.path, path);
        attempt(output, () => mkdirSync(dirname(file), { recursive: true }));
        await writeNew(file, output, safetensorsChunks(tensors, metadata), { signal, written: (some) => written(before + some) });
        before += bytesOf(tensors, metadata);
      }
    });
    throwIfAborted(signal, `writing ${output}`);
    attempt(output, () => renameSync(temporary.path, place));
  } finally {
    temporary.release();
  }
  return bytes;
}

/** Throws MvcError `output-refused`, `option-invalid`, `write-failed`. */
export function requireFree(output: string): void {
  requirePath(output);
  const place = resolve(output);
  const found = attempt(output, () => lstatSync(place, { throwIfNoEntry: false }));
  const way = "give -o another folder";
  if (found !== undefined && !found.isDirectory()) throw refused(output, `it is ${kindOf(found)}, and the layout has parts: a folder`, way);
  if (found !== undefined && attempt(output, () => readdirSync(place)).length > 0) throw refused(output, "the folder is not empty", way);
}

/** Has `write` write so many bytes, with a line on the terminal. */
export async function withProgress(bytes: number, write: (written: Written) => Promise<void>): Promise<void> {
  const progress = startProgress("weights", bytes, "bytes");
  try {
    await write((done) => progress.to(done));
  } finally {
    progress.stop();
  }
}

/** A data set to a file: its clips with their captions as safetensors, or some of them as a contact sheet, a row each. */

import { throwIfAborted } from "../../runtime/errors.ts";
import { contactSheet } from "../../runtime/media/contact-sheet.ts";
import { writeAtomically } from "../../runtime/node/atomic-file.ts";
import { type TensorSource, writeSafetensors } from "../../runtime/node/safetensors-file.ts";
import type { Dataset } from "../../training/dataset.ts";
import type { Listening } from "./dataset-options.ts";

/** What else a file of clips has, made of their captions. */
export interface Beside {
  readonly tensors: readonly TensorSource[];
  readonly metadata: { readonly [key: string]: string };
}

/**
 * Tensor `clips` u8 [N, F, H, W, 3]; the captions as JSON in the metadata; labels as u8 [N] by their names; and what `beside` makes of the
 * captions.
 * @throws MvcError as `writeSafetensors`, `Dataset.clip` and `beside`
 */
export async function writeClips(
  path: string,
  { count, size, clip, labels = new Map() }: Dataset,
  { progress, signal }: Listening,
  beside?: (captions: readonly string[]) => Beside,
): Promise<void> {
  // The captions stand in the header, before any pixel.
  const captions: string[] = [];
  const classes = new Map([...labels.keys()].map((label) => [label, new Uint8Array(count)]));
  for (let i = 0; i < count; i++) {
    throwIfAborted(signal, "reading captions");
    const { caption, labels: own = {} } = await clip(i);
    captions.push(caption);
    for (const [label, all] of classes) all[i] = own[label] ?? 0;
    // Clips that are made on the spot never wait, and Ctrl-C must be heard.
    if (i % 16 === 15) await new Promise(setImmediate);
  }
  async function* pixels() {
    for (let i = 0; i < count; i++) {
      yield (await clip(i)).pixels;
      progress?.("writing clips", i + 1, count);
    }
  }
  const shape = [count, size.frames, size.height, size.width, 3];
  const { tensors = [], metadata = {} } = beside?.(captions) ?? {};
  const options = { metadata: { captions: JSON.stringify(captions), ...metadata }, ...(signal === undefined ? {} : { signal }) };
  // Numbers of four bytes lie first, where they are aligned.
  const labelled = [...classes].map(([name, all]) => ({ name, dtype: "U8" as const, shape: [count], chunks: () => [all] }));
  await writeSafetensors(path, [...tensors, { name: "clips", dtype: "U8", shape, chunks: pixels }, ...labelled], options);
}

/** Clips and frames that a sheet shows at most, evenly from first to last. */
const MOST = 8;

/** Returns the captions of the rows. Throws MvcError as `writeAtomically` and `Dataset.clip`. */
export async function writeSheet(path: string, { count, size, clip }: Dataset, signal?: AbortSignal): Promise<readonly string[]> {
  const { width, height } = size;
  const rows = evenly(count);
  const columns = evenly(size.frames);
  const frames = new Uint8ClampedArray(rows.length * columns.length * width * height * 4).fill(255);
  const captions: string[] = [];
  let put = 0;
  for (const row of rows) {
    const { pixels, caption } = await clip(row);
    captions.push(caption);
    for (const column of columns) {
      const start = column * width * height * 3;
      for (let from = start; from < start + width * height * 3; from += 3, put += 4) frames.set(pixels.subarray(from, from + 3), put);
    }
  }
  const sheet = contactSheet({ width, height, frameCount: rows.length * columns.length, frames }, { columns: columns.length });
  await writeAtomically(path, [sheet], signal);
  return captions;
}

function evenly(count: number): readonly number[] {
  const taken = Math.min(count, MOST);
  return Array.from({ length: taken }, (_, i) => (taken === 1 ? 0 : Math.round((i * (count - 1)) / (taken - 1))));
}

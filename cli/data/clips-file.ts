/** A file of clips that `mvc data` wrote to its clips, each read where it lies and held to what it was when the file was opened. */

import { createHash } from "node:crypto";
import { mvcError, throwIfAborted } from "../../runtime/errors.ts";
import { openRegular, readAt } from "../../runtime/node/regular-file.ts";
import { readSafetensorsHeader } from "../../runtime/node/safetensors-file.ts";
import type { Listening } from "./dataset-options.ts";
import type { MadeClips } from "./made-dataset.ts";

/** Tensor `clips` u8 [N, F, H, W, 3]; the captions a JSON list in the metadata; every other tensor u8 [N] a label of its name, with as many classes as its largest value says. Throws MvcError `data-invalid`, `file-…`, `weights-invalid`. */
export async function openClipsFile(path: string, { progress, signal }: Listening = {}): Promise<MadeClips> {
  const refuse = (reason: string) =>
    mvcError("data-invalid", { data: path, reason, way: "give a file that `mvc data … -o FILE.safetensors` wrote" });
  const header = await readSafetensorsHeader(path);
  const tensor = header.tensors.get("clips");
  if (tensor === undefined) throw refuse("it has no tensor `clips`");
  const [count = 0, frames = 0, height = 0, width = 0, channels] = tensor.shape;
  if (tensor.dtype !== "U8" || tensor.shape.length !== 5 || channels !== 3 || count * frames * height * width === 0)
    throw refuse(`its \`clips\` are ${tensor.dtype} [${tensor.shape.join(", ")}], not U8 [clips, frames, height, width, 3]`);
  const captions = captionsOf(header.metadata.get("captions"));
  if (captions?.length !== count)
    throw refuse(captions === undefined ? "it has no `captions` in its metadata" : `it has ${captions.length} captions for ${count} clips`);
  // It stays open, so that a file that takes its place later is none of this data set.
  const { descriptor } = openRegular(path, "the data set");
  const labelled = [...header.tensors].flatMap(([name, { dtype, shape, start }]) => {
    if (dtype !== "U8" || shape.length !== 1 || shape[0] !== count) return [];
    const classes = new Uint8Array(count);
    if (readAt(descriptor, classes, start, path) < count)
      throw mvcError("file-unreadable", { file: path, reason: `it ends within its labels \`${name}\`` });
    return [[name, classes] as const];
  });
  const bytes = frames * height * width * 3;
  const read = (index: number) => {
    const pixels = new Uint8Array(bytes);
    if (readAt(descriptor, pixels, tensor.start + index * bytes, path) < bytes)
      throw mvcError("file-unreadable", { file: path, reason: `it ends within clip ${index}` });
    return pixels;
  };
  const sums: string[] = [];
  for (let i = 0; i < count; i++) {
    throwIfAborted(signal, `reading ${path}`);
    sums.push(digestOf(read(i)));
    progress?.("reading clips", i + 1, count);
    if (i % 64 === 63) await new Promise(setImmediate);
  }
  return {
    name: path,
    count,
    size: { frames, height, width },
    ...(labelled.length > 0 && { labels: new Map(labelled.map(([name, classes]) => [name, Math.max(...classes) + 1])) }),
    hash: digestOf(JSON.stringify([captions, sums, ...labelled.map(([name, classes]) => [name, digestOf(classes)])])),
    async clip(index) {
      const pixels = read(index);
      if (digestOf(pixels) !== sums[index])
        throw mvcError("file-unreadable", { file: path, reason: `clip ${index} is another than when it was opened`, way: "start again" });
      const labels = Object.fromEntries(labelled.map(([name, classes]) => [name, classes[index] ?? 0]));
      return { pixels, caption: captions[index] ?? "", ...(labelled.length > 0 && { labels }) };
    },
  };
}

function digestOf(data: Uint8Array | string): string {
  return createHash("sha256").update(data).digest("hex");
}

function captionsOf(text: string | undefined): readonly string[] | undefined {
  if (text === undefined) return undefined;
  try {
    const list: unknown = JSON.parse(text);
    return Array.isArray(list) && list.every((one) => typeof one === "string") ? list : undefined;
  } catch {
    return undefined;
  }
}

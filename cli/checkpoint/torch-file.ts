/** A zip file of PyTorch's `torch.save` to its state dict's tensors. */

import { mvcError } from "../../runtime/errors.ts";
import { piecesOf } from "../../runtime/node/extents.ts";
import { DTYPE_BYTES } from "../../runtime/safetensors.ts";
import { elements } from "../../runtime/tensor.ts";
import type { Averages } from "./averages.ts";
import type { Checkpoint, CheckpointTensor } from "./checkpoint.ts";
import { namesOf } from "./names.ts";
import { stateDictOf } from "./state-dict.ts";
import { isContiguous, stridedPieces } from "./strided.ts";
import { type TorchTensor, torchValues } from "./torch-values.ts";
import { type EntryContent, readZip, type ZipArchive } from "./zip-archive.ts";

/** A pickle of nothing but structure: a large model's training state has a hundredth of it. */
const MOST_PICKLE = 2 ** 26;

/**
 * Reads the archive's directory and its pickle; storages are read where a tensor of them is asked for.
 * @param averages whether averaged weights (EMA) are wanted, and whether some were found.
 * @throws MvcError `checkpoint-kind`, `checkpoint-invalid`, `checkpoint-refused`, `checkpoint-tensor`, `weights-float8`.
 */
export async function openTorchFile(
  path: string,
  descriptor: number,
  size: number,
  averages: Averages,
): Promise<Omit<Checkpoint, "close">> {
  const archive = await readZip(path, descriptor, size);
  const root = rootOf(archive, path);
  await requireLittleEndian(archive, root, path);
  const pickle = await wholeEntry(archive, `${root}data.pkl`, path);
  const { value, inert } = torchValues(pickle, {
    path,
    storageBytes: (key) => archive.entries.get(`${root}data/${key}`)?.uncompressedSize,
  });
  const { tensors, notes } = stateDictOf(value, path, averages);
  const contents = new Map<string, EntryContent>();
  for (const { storage } of tensors.values()) {
    const entry = archive.entries.get(`${root}data/${storage}`);
    if (entry !== undefined && !contents.has(storage)) contents.set(storage, await archive.contentOf(entry));
  }
  const opened = [...tensors].map(([key, tensor]) => [key, readTensor(tensor, contents.get(tensor.storage), path, descriptor)] as const);
  const ignored = inert.size === 0 ? [] : [`${path} holds Python objects, which were not made: ${namesOf([...inert])}`];
  return { path, files: [path], tensors: new Map(opened), metadata: {}, notes: [...notes, ...ignored] };
}

function readTensor(tensor: TorchTensor, content: EntryContent | undefined, path: string, descriptor: number): CheckpointTensor {
  const { dtype, shape, strides, offset } = tensor;
  if (content === undefined) throw new Error(`checkpoint: the storage ${tensor.storage} was not checked`);
  const { start, reader } = content;
  const view = { offset, shape, strides, itemBytes: DTYPE_BYTES[dtype] };
  if (elements(shape) === 0) return { dtype, shape, chunks: () => [] };
  if (start === undefined || !isContiguous(view)) return { dtype, shape, chunks: () => stridedPieces(view, reader()) };
  const first = start + offset * view.itemBytes;
  const extent = { descriptor, start: first, end: first + elements(shape) * view.itemBytes, file: path };
  return { dtype, shape, extent, chunks: () => piecesOf(extent) };
}

/** What stands before the names of the entries, in a file of `torch.save`: `archive/`. */
function rootOf({ entries }: ZipArchive, path: string): string {
  const names = [...entries.keys()];
  const pickles = names.filter((name) => /^[^/]+\/data\.pkl$/.test(name));
  const kind = (what: string, way: string) => mvcError("checkpoint-kind", { file: path, kind: what, way });
  if (pickles.length === 1) return pickles[0]?.slice(0, -"data.pkl".length) ?? "";
  if (names.some((name) => name.endsWith(".npy"))) throw kind("an archive of NumPy arrays", "save them as safetensors in Python");
  throw kind(
    `a zip archive that torch.save did not write (${names.length === 0 ? "it is empty" : namesOf(names)})`,
    "unpack it, and name what is in it",
  );
}

async function wholeEntry(archive: ZipArchive, name: string, path: string): Promise<Uint8Array> {
  const entry = archive.entries.get(name);
  if (entry === undefined) throw mvcError("checkpoint-invalid", { file: path, reason: `it lacks its entry ${name}` });
  const { size, reader } = await archive.contentOf(entry);
  if (size > MOST_PICKLE)
    throw mvcError("checkpoint-invalid", { file: path, reason: `its ${name} has ${size} bytes, more than ${MOST_PICKLE}` });
  return reader()(0, size);
}

async function requireLittleEndian(archive: ZipArchive, root: string, path: string): Promise<void> {
  if (!archive.entries.has(`${root}byteorder`)) return;
  const order = new TextDecoder().decode(await wholeEntry(archive, `${root}byteorder`, path));
  if (order === "little") return;
  const way = "save it again on the machine that it is from, or load and save it in Python on this one";
  throw mvcError("checkpoint-kind", { file: path, kind: `a checkpoint of byte order ${JSON.stringify(order)}`, way });
}

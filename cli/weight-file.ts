/** A file of trained weights to its header, read before any work; what is no safetensors file is told by what it is. */

import { closeSync, readdirSync, readSync, statSync } from "node:fs";
import { join } from "node:path";
import { mvcError } from "../runtime/errors.ts";
import { openRegular } from "../runtime/node/regular-file.ts";
import { parseSafetensorsHeader, safetensorsHeaderBytes } from "../runtime/safetensors.ts";
import type { Checkpoint } from "./checkpoint/checkpoint.ts";

/** Whoever opens it closes it. Throws MvcError `file-missing`, `file-unreadable`, `weights-kind`, `weights-invalid`. */
export async function openCheckpoint(path: string): Promise<Checkpoint> {
  refuseFolder(path);
  const { descriptor, size } = openRegular(path, "the weight file");
  try {
    const kind = kindOf(readAt(descriptor, 0, Math.min(sniffed, size), path));
    if (kind !== undefined) throw mvcError("weights-kind", { file: path, ...kind });
    const headerSize = safetensorsHeaderBytes(readAt(descriptor, 0, Math.min(8, size), path), size, path);
    const header = parseSafetensorsHeader(readAt(descriptor, 0, headerSize, path), size, path);
    const tensors = [...header.tensors].map(([key, { dtype, shape, start, end }]) => {
      const chunks = function* () {
        for (let at = start; at < end; at += 2 ** 23) yield readAt(descriptor, at, Math.min(2 ** 23, end - at), path);
      };
      return [key, { dtype, shape, chunks }] as const;
    });
    return {
      path,
      tensors: new Map(tensors),
      metadata: Object.fromEntries(header.metadata),
      notes: [],
      close: () => closeSync(descriptor),
    };
  } catch (thrown) {
    closeSync(descriptor);
    throw thrown;
  }
}

/** Throws MvcError `weights-invalid` where the file ends before. */
export function readAt(descriptor: number, position: number, length: number, file: string): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length; ) {
    const count = readSync(descriptor, bytes, done, Math.min(length - done, 1 << 30), position + done);
    if (count === 0)
      throw mvcError("weights-invalid", { file, reason: `it ends at byte ${position + done}, before the tensor that should be there` });
    done += count;
  }
  return bytes;
}

const sniffed = 512;

interface Kind {
  readonly kind: string;
  readonly way: string;
}

const toSafetensors =
  'turn it into safetensors in Python: `save_file(torch.load("x.ckpt", weights_only=True)["state_dict"], "x.safetensors")`, of safetensors.torch';

/** By the bytes that each begins with; a safetensors file has an opening brace as its ninth. */
function kindOf(bytes: Uint8Array): Kind | undefined {
  if (bytes[8] === 0x7b) return undefined;
  const text = new TextDecoder("latin1").decode(bytes);
  const begins = text.trimStart().toLowerCase();
  if (text.startsWith("version https://git-lfs.github.com/spec/"))
    return { kind: "a Git LFS pointer, which stands for a file that was not downloaded", way: "fetch the file: `git lfs pull`" };
  if (begins.startsWith("<!doctype html") || begins.startsWith("<html"))
    return { kind: "a web page", way: "download the file itself: its direct address, and logged in where that is asked for" };
  if (text.startsWith("GGUF")) return { kind: "a GGUF file", way: "get the safetensors file that it was made of" };
  if (text.startsWith("PK\u0003\u0004")) return { kind: "a zip archive, as PyTorch's checkpoints are", way: toSafetensors };
  // The protocol's mark, and versions 2 to 5.
  const [mark, version = 0] = bytes;
  if (mark === 0x80 && version >= 2 && version <= 5)
    return { kind: "a Python pickle, as PyTorch's older checkpoints are", way: toSafetensors };
  return undefined;
}

function refuseFolder(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) return;
  const files = readdirSync(path).filter((name) => name.endsWith(".safetensors"));
  const parts = files.filter((name) => /-\d+-of-\d+\.safetensors$/.test(name));
  const named = files.map((name) => join(path, name)).slice(0, 5);
  const one = named.length === 0 ? "name a .safetensors file: there is none in it" : `name a file in it: ${named.join(", ")}`;
  const way = parts.length > 1 ? "join its files into one: weights in several parts are not read" : one;
  throw mvcError("weights-kind", { file: path, kind: "a folder", way });
}

/** A file of trained weights to its header, read before any work; what is no safetensors file is told by what it is. */

import { closeSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { mvcError } from "../runtime/errors.ts";
import { openRegular } from "../runtime/node/regular-file.ts";
import { parseSafetensorsHeader, type SafetensorsHeader, safetensorsHeaderBytes } from "../runtime/safetensors.ts";
import { type FileKind, kindOf, SNIFFED_BYTES, toSafetensors } from "./checkpoint/file-kind.ts";
import { readAt } from "./checkpoint/weight-bytes.ts";

export interface WeightFile {
  readonly path: string;
  readonly descriptor: number;
  readonly header: SafetensorsHeader;
}

/** Whoever opens it closes the descriptor. Throws MvcError `file-missing`, `file-unreadable`, `weights-kind`, `weights-invalid`. */
export function openWeights(path: string): WeightFile {
  refuseFolder(path);
  const { descriptor, size } = openRegular(path, "the weight file");
  try {
    const kind = refused(kindOf(readAt(descriptor, 0, Math.min(SNIFFED_BYTES, size), path)));
    if (kind !== undefined) throw mvcError("weights-kind", { file: path, ...kind });
    const headerSize = safetensorsHeaderBytes(readAt(descriptor, 0, Math.min(8, size), path), size, path);
    return { path, descriptor, header: parseSafetensorsHeader(readAt(descriptor, 0, headerSize, path), size, path) };
  } catch (thrown) {
    closeSync(descriptor);
    throw thrown;
  }
}

/** PyTorch's zip files are read elsewhere (`openCheckpoint`), not here. */
function refused(kind: FileKind | undefined): { readonly kind: string; readonly way: string } | undefined {
  return kind === "zip"
    ? { kind: "a zip archive, as PyTorch's checkpoints are", way: toSafetensors }
    : kind === "safetensors"
      ? undefined
      : kind;
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

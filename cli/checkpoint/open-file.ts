/** One file of weights, told by its content and not by its name, to its tensors. */

import { closeSync, existsSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { mvcError } from "../../runtime/errors.ts";
import { piecesOf, readAt } from "../../runtime/node/extents.ts";
import { openRegular, readText, textLimits } from "../../runtime/node/regular-file.ts";
import { parseSafetensorsHeader, safetensorsHeaderBytes } from "../../runtime/safetensors.ts";
import type { Averages } from "./averages.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { kindOf, SNIFFED_BYTES } from "./file-kind.ts";
import { openTorchFile } from "./torch-file.ts";

/** Throws MvcError `file-missing`, `file-unreadable`, `checkpoint-kind`, `weights-invalid`, `weights-float8`, and as `openTorchFile`. */
export async function openWeightFile(path: string, averages: Averages): Promise<Checkpoint> {
  const { descriptor, size } = openRegular(path, "the checkpoint");
  try {
    const kind = kindOf(readAt(descriptor, 0, Math.min(SNIFFED_BYTES, size), path));
    if (typeof kind === "object") throw mvcError("checkpoint-kind", { file: path, ...kind });
    const file = kind === "zip" ? await openTorchFile(path, descriptor, size, averages) : safetensorsFile(path, descriptor, size);
    return { ...file, metadata: { ...file.metadata, ...adapterBeside(path) }, close: () => closeSync(descriptor) };
  } catch (thrown) {
    closeSync(descriptor);
    throw thrown;
  }
}

function safetensorsFile(path: string, descriptor: number, size: number): Omit<Checkpoint, "close"> {
  const headerSize = safetensorsHeaderBytes(readAt(descriptor, 0, Math.min(8, size), path), size, path);
  const header = parseSafetensorsHeader(readAt(descriptor, 0, headerSize, path), size, path);
  const tensors = [...header.tensors].map(([key, { dtype, shape, start, end }]) => {
    const extent = { descriptor, start, end, file: path };
    return [key, { dtype, shape, extent, chunks: () => piecesOf(extent) }] as const;
  });
  return {
    path,
    tensors: new Map(tensors),
    metadata: Object.fromEntries(header.metadata),
    files: [path],
    notes: [],
  };
}

/** PEFT says of a LoRA in a file of its own what it is to be scaled by. */
function adapterBeside(path: string): Checkpoint["metadata"] {
  const config = join(dirname(path), "adapter_config.json");
  if (!basename(path).startsWith("adapter_model.") || !existsSync(config)) return {};
  return { adapter_config: readText(config, "the adapter's configuration", textLimits.settings) };
}

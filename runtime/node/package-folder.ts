/** A folder on the disk as the files of a package. */

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, stat } from "node:fs/promises";
import { join } from "node:path";
import { mvcError, reasonOf } from "../errors.ts";
import type { PackageFiles } from "../package.ts";
import { readBytes, textLimits } from "./regular-file.ts";

export function packageFolder(folder: string): PackageFiles {
  const unreadable = (file: string) => (error: unknown) => {
    throw mvcError("file-unreadable", { file: join(folder, file), reason: reasonOf(error) });
  };
  return {
    name: folder,
    size: async (file) => {
      const found = await stat(join(folder, file)).catch((error: NodeJS.ErrnoException) => {
        if (error.code === "ENOENT" || error.code === "ENOTDIR") return undefined;
        return unreadable(file)(error);
      });
      return found?.isFile() ? found.size : undefined;
    },
    read: async (file, start, end) => {
      const path = join(folder, file);
      // Only weights are larger, and of them a range is read.
      if (end === undefined) return readBytes(path, file, textLimits.graph);
      return readRange(path, start, end).catch(unreadable(file));
    },
    sha256: (file) => hash(join(folder, file)).catch(unreadable(file)),
  };
}

/** The bytes from `start` to before `end`; fewer where the file ends before. */
export async function readRange(path: string, start = 0, end: number): Promise<Uint8Array> {
  const handle = await open(path, "r");
  try {
    const length = end - start;
    const bytes = new Uint8Array(length);
    let filled = 0;
    while (filled < length) {
      const { bytesRead } = await handle.read(bytes, filled, length - filled, start + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return bytes.subarray(0, filled);
  } finally {
    await handle.close();
  }
}

async function hash(path: string): Promise<string> {
  const sum = createHash("sha256");
  for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20 })) sum.update(chunk);
  return sum.digest("hex");
}

/** The path of a GIF, a PNG or a video to its frames: a file is what its bytes say, whatever its name ends in. */

import { closeSync } from "node:fs";
import { mvcError } from "../../runtime/errors.ts";
import { openRegular, readAt, readBytes } from "../../runtime/node/regular-file.ts";
import type { Film } from "./film.ts";
import { pngFilm } from "./png-film.ts";
import { gifFilm } from "./read-gif.ts";
import { pngHead } from "./read-png.ts";

/** A GIF is read whole; a gigabyte is no clip. */
const mostBytes = 2 ** 30;

/** Throws MvcError `file-unreadable`, `file-missing`, `file-too-large`, `backend-missing`. */
export async function openFilm(file: string): Promise<Film> {
  const head = firstBytes(file);
  if (head.length === 0) throw mvcError("file-unreadable", { file, reason: "it is empty", way: "copy it again" });
  if (Buffer.from(head.subarray(0, 4)).toString("latin1") === "GIF8") return gifFilm(readBytes(file, "the film", mostBytes), file);
  if (pngHead(head) !== undefined) return pngFilm([file]);
  // What opens videos takes a tenth of a second to load, which no other data set should wait for.
  const { videoFilm } = await import("./video-film.ts");
  return videoFilm(file);
}

function firstBytes(file: string): Uint8Array {
  const { descriptor } = openRegular(file, "the film");
  try {
    const bytes = new Uint8Array(64);
    return bytes.subarray(0, readAt(descriptor, bytes, 0, file));
  } finally {
    closeSync(descriptor);
  }
}

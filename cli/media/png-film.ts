/** PNGs, each a frame, to a film whose frames have no time of their own. */

import { closeSync } from "node:fs";
import { mvcError } from "../../runtime/errors.ts";
import { openRegular, readAt, readBytes } from "../../runtime/node/regular-file.ts";
import type { Film } from "./film.ts";
import { pngHead, readPng } from "./read-png.ts";

/** A picture of more bytes is no frame of a clip. */
const mostBytes = 2 ** 28;

/** What stands before a PNG's pixels seldom takes more. */
const headBytes = 2 ** 16;

/** Looks at the head of each. Throws MvcError `file-unreadable` where one is no still PNG, or another size than the first. */
export function pngFilm(files: readonly string[]): Film {
  const heads = files.map((file) => headOf(file));
  const [first = { width: 0, height: 0 }] = heads;
  const other = heads.findIndex(({ width, height }) => width !== first.width || height !== first.height);
  if (other >= 0) {
    const { width, height } = heads[other] as typeof first;
    throw mvcError("file-unreadable", {
      file: files[other] ?? "",
      reason: `it is ${width}x${height}, but the first picture of the clip ${first.width}x${first.height}`,
      way: "bring all pictures of a clip to one size",
    });
  }
  return {
    ...first,
    aspect: 1,
    count: files.length,
    async *pictures(places) {
      for (const place of places) {
        const file = files[place] ?? "";
        yield readPng(readBytes(file, "the picture", mostBytes), file);
      }
    },
    close() {},
  };
}

function headOf(file: string) {
  const { descriptor } = openRegular(file, "the picture");
  try {
    const bytes = new Uint8Array(headBytes);
    const head = pngHead(bytes.subarray(0, readAt(descriptor, bytes, 0, file)));
    if (head === undefined) throw mvcError("file-unreadable", { file, reason: "it is no PNG", way: "save it as a PNG again" });
    if (!head.moves) return { width: head.width, height: head.height };
    throw mvcError("file-unreadable", { file, reason: "it is a PNG that moves, which is not read", way: "save it as a GIF or an MP4" });
  } finally {
    closeSync(descriptor);
  }
}

/** The bytes of a GIF to the pictures that a viewer shows one after another: red, green, blue and opacity, a byte each. */

import omggif from "omggif";
import type { Picture } from "../../runtime/conditions.ts";
import { mvcError } from "../../runtime/errors.ts";
import { decodeGif, openGif } from "../../runtime/media/gif-decoding.ts";
import type { Film } from "./film.ts";

/** How long each frame is shown is not heard of. Throws MvcError `file-unreadable`; `file` is what the user called it. */
export function readGif(bytes: Uint8Array, file: string): readonly Picture[] {
  return decodeGif(omggif, bytes, file);
}

/** Each picture as it is asked for, drawn over those before it. Throws as `readGif`. */
export function gifFilm(bytes: Uint8Array, file: string): Film {
  const { width, height, starts, end, whole, pictures } = openGif(omggif, bytes, file);
  if (!whole) throw mvcError("file-unreadable", { file, reason: "it has no end (cut short?)", way: "copy or save it again" });
  return {
    width,
    height,
    aspect: 1,
    count: starts.length,
    shown: { starts, end },
    async *pictures(places) {
      const wanted = new Set(places);
      const last = places.at(-1) ?? -1;
      const shown = pictures();
      for (let place = 0; place <= last; place++) {
        const { value } = shown.next();
        if (wanted.has(place)) yield value as Picture;
      }
    },
    close() {},
  };
}

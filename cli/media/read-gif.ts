/** The bytes of a GIF to the pictures that a viewer shows one after another: red, green, blue and opacity, a byte each. */

import omggif from "omggif";
import type { Picture } from "../../runtime/conditions.ts";
import { decodeGif } from "../../runtime/media/gif-decoding.ts";

/** How long each frame is shown is not heard of. Throws MvcError `file-unreadable`; `file` is what the user called it. */
export function readGif(bytes: Uint8Array, file: string): readonly Picture[] {
  return decodeGif(omggif, bytes, file);
}

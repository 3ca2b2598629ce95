/** A clip to a contact sheet: its frames in reading order in one PNG. */

import { encode } from "fast-png";
import { type Clip, frameOf } from "../clip.ts";
import { type About, pngWithAbout } from "./about.ts";
import { requireCount } from "./check-options.ts";
import { enlarge } from "./enlarge.ts";

export interface SheetOptions {
  /** Each pixel becomes a square of this many, 2 for clips under 128 wide when not given. */
  readonly scale?: number;
  /** Frames a row; as near to a square as the number of frames allows when not given. */
  readonly columns?: number;
  /** Texts that the file keeps of itself, such as the prompt and the seed. */
  readonly about?: About;
}

/** Pixels of grey between two frames. */
const GAP = 2;
const GREY = 128;

/** The bytes of the PNG. Throws MvcError `option-invalid`. */
export function contactSheet(clip: Clip, options: SheetOptions = {}): Uint8Array {
  const { scale = clip.width < 128 ? 2 : 1, columns = Math.ceil(Math.sqrt(clip.frameCount)) } = options;
  requireCount("scale", scale);
  requireCount("columns", columns);
  const [w, h] = [clip.width * scale, clip.height * scale];
  const rows = Math.ceil(clip.frameCount / columns);
  const width = columns * (w + GAP) - GAP;
  const height = rows * (h + GAP) - GAP;
  const data = new Uint8Array(width * height * 4).fill(GREY);
  for (let i = 3; i < data.length; i += 4) data[i] = 255;
  for (let i = 0; i < clip.frameCount; i++) {
    const frame = enlarge(frameOf(clip, i), clip.width, clip.height, 4, scale);
    const left = (i % columns) * (w + GAP);
    const top = Math.floor(i / columns) * (h + GAP);
    for (let y = 0; y < h; y++) data.set(frame.subarray(y * w * 4, (y + 1) * w * 4), ((top + y) * width + left) * 4);
  }
  const png = encode({ width, height, data, channels: 4 });
  return options.about === undefined ? png : pngWithAbout(png, options.about);
}

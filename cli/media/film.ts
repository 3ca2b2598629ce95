/** What GIFs, pictures and videos all are to whoever takes frames of them: so many pictures of one size, each shown from some time on. */

import type { Picture } from "../../runtime/conditions.ts";
import type { FilmFrames } from "../data/windows.ts";

export interface Film extends FilmFrames {
  /** As it is shown, rotated where the file says so. */
  readonly width: number;
  readonly height: number;
  /** A pixel's width over its height: 1, but in films made for television. */
  readonly aspect: number;
  /**
   * The pictures of frames by their places, which ascend. A picture may change once the next is asked for.
   * Throws MvcError `file-unreadable` where they cannot be decoded.
   */
  pictures(frames: readonly number[]): AsyncIterable<Picture>;
  close(): void;
}

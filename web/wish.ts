/** What the form says of a clip, which a link can carry, and what is given beside it, which none can: as types. Frames are counted from 1, as people do. */

import type { Picture, SampledClip } from "../runtime/web/index.ts";
import type { ModelEntry } from "./models.ts";

export interface Wish {
  readonly model: ModelEntry;
  readonly prompt: string;
  /** Prompts that hold at later frames. */
  readonly later: readonly Later[];
  readonly seed: number;
  readonly steps: number;
  readonly guidance: number;
  /** Frames; the model's own, or those of the clip that it begins with, where none are asked for. */
  readonly frames: number | undefined;
  readonly loop: boolean;
  readonly start: Start;
  /** Others that make the same clip from the same noise, to be seen beside it. */
  readonly beside: readonly ModelEntry[];
}

export interface Later {
  readonly frame: number;
  readonly prompt: string;
}

/** What a clip begins with. */
export type Start =
  | { readonly with: "noise" }
  /** A clip that is noised as far as `strength` says. */
  | { readonly with: "clip"; readonly strength: number }
  /** A clip of which a part is made anew. */
  | { readonly with: "part"; readonly part: Part }
  /** The end of a clip: the new one goes on from it. */
  | { readonly with: "end" }
  /** One of them at least. */
  | { readonly with: "pictures"; readonly which: readonly PictureName[] };

export const pictureNames = ["first", "last"] as const;
export type PictureName = (typeof pictureNames)[number];

export const sides = ["inside", "outside", "mask"] as const;

/** What of a clip is made anew, in space and time; all else is kept. */
export interface Part {
  /** Inside or outside of the box, or where a mask is white. */
  readonly where: (typeof sides)[number];
  readonly box: Box;
  readonly first: number;
  /** The clip's last frame where none is said. */
  readonly last: number | undefined;
}

/** In pixels of the model's pictures. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

export type GivenClip =
  | { readonly from: "shown"; readonly clip: SampledClip; readonly model: ModelEntry }
  /** One picture stands still. */
  | { readonly from: "file"; readonly pictures: readonly Picture[] };

/** Of any size. */
export interface Given {
  readonly clip?: GivenClip;
  readonly mask?: Picture;
  readonly pictures?: { readonly [N in PictureName]?: Picture };
}

/** A wish, and all that it begins with. */
export interface Order extends Wish {
  readonly given: Given;
}

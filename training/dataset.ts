/** Captioned clips that training draws from, whatever they are read from. */

/** A clip of the size and frame count that the data set was opened for. */
export interface CaptionedClip {
  /** u8 [F, H, W, 3], red, green, blue. */
  readonly pixels: Uint8Array;
  readonly caption: string;
  /** By name, those of the data set: a class each, from 0. */
  readonly labels?: { readonly [label: string]: number };
}

/** What a clip must be for the model: in pixels, and in frames. */
export interface ClipSize {
  readonly frames: number;
  readonly height: number;
  readonly width: number;
}

export interface Dataset {
  /** How users call it, for errors and reports. */
  readonly name: string;
  /** How many clips there are, at least one. */
  readonly count: number;
  readonly size: ClipSize;
  /** What clips are labelled by, and how many classes each has; absent where the data have none. */
  readonly labels?: ReadonlyMap<string, number>;
  /** Changes with whatever changes a clip, its caption or their order: runs that go on and cached latents are held to it. */
  readonly hash: string;
  /** The same clip whenever it is asked for. Throws MvcError that names the file. */
  clip(index: number): Promise<CaptionedClip>;
}

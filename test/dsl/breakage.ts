// A mistake in a shipped model: one replacement, and what must be said of it.

export interface Breakage {
  readonly file: "magicvideo.mv" | "video.mv" | "vae.mv" | "clip.mv" | "layouts.mv";
  readonly from: string;
  readonly to: string;
  readonly code: string;
  /** The text under the error. */
  readonly at: string;
  /** What the message must name: axes, sizes, presets, ablations. */
  readonly names: readonly string[];
}

export const of =
  (file: Breakage["file"]) =>
  (from: string, to: string, code: string, at: string, ...names: string[]): Breakage => ({ file, from, to, code, at, names });

/** A clip as bytes, which measures look at. */
export interface Pixels {
  readonly frames: number;
  readonly height: number;
  readonly width: number;
  /** u8 [F, H, W, 3], red, green, blue. */
  readonly pixels: Uint8Array;
}

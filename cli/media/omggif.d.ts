/** omggif, which brings no types, as what the GIF reading asks of it. */
declare module "omggif" {
  export class GifReader {
    constructor(bytes: Uint8Array);
    readonly width: number;
    readonly height: number;
    numFrames(): number;
    frameInfo(index: number): {
      readonly x: number;
      readonly y: number;
      readonly width: number;
      readonly height: number;
      readonly disposal: number;
      /** Hundredths of a second. */
      readonly delay: number;
    };
    /** Draws one frame's own pixels over [height, width, 4]; those that it leaves out stay. */
    decodeAndBlitFrameRGBA(index: number, pixels: Uint8ClampedArray): void;
  }
}

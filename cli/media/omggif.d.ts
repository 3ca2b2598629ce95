/** omggif, which brings no types, as what the GIF reading asks of it. */
declare module "omggif" {
  export const GifReader: import("../../runtime/media/gif-decoding.ts").Omggif["GifReader"];
}

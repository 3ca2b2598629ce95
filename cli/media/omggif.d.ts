/** omggif, which brings no types, as what the GIF reading asks of it. */
declare module "omggif" {
  const omggif: import("../../runtime/media/gif-decoding.ts").Omggif;
  export default omggif;
}

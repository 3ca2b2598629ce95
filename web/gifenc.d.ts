/** gifenc, which brings no types, as what the GIF encoding asks of it. */
declare module "gifenc" {
  const gifenc: import("../runtime/media/gif-encoding.ts").Gifenc;
  export default gifenc;
}

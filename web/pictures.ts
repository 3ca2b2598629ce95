/** A visitor's files to pictures: what the browser shows as one, and of a GIF each frame. */

import { mvcError, type Picture } from "../runtime/web/index.ts";
import { mostFrames } from "./link.ts";

/** A GIF's frames, or one picture. Throws MvcError `file-unreadable`. */
export async function picturesIn(file: File): Promise<readonly Picture[]> {
  if (file.type !== "image/gif") return [await pictureIn(file)];
  const [omggif, { decodeGif }] = await Promise.all([import("omggif"), import("../runtime/media/gif-decoding.ts")]);
  const pictures = decodeGif(omggif.default, new Uint8Array(await file.arrayBuffer()), file.name);
  if (pictures.length <= mostFrames) return pictures.map(onBlack);
  const reason = `it has ${pictures.length} frames, and this page takes ${mostFrames} at most`;
  throw mvcError("file-unreadable", { file: file.name, reason, way: "cut it shorter" });
}

/** Throws MvcError `file-unreadable`. */
export async function pictureIn(file: File): Promise<Picture> {
  const bitmap = await createImageBitmap(file).catch(() => {
    const way = "choose a PNG, a JPEG, or another picture that it shows";
    throw mvcError("file-unreadable", { file: file.name, reason: "it is no picture that this browser knows", way });
  });
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext("2d");
  if (context === null) throw new Error("page: no canvas to read a picture from");
  context.drawImage(bitmap, 0, 0);
  return onBlack(context.getImageData(0, 0, width, height));
}

/** What can be seen through lies on black. */
function onBlack(picture: Picture): Picture {
  const { width, height, data } = picture;
  if (data.every((value, i) => i % 4 !== 3 || value === 255)) return picture;
  const opaque = Uint8ClampedArray.from(data, (value, i) => (i % 4 === 3 ? 255 : (value * (data[i - (i % 4) + 3] ?? 0)) / 255));
  return { width, height, data: opaque };
}

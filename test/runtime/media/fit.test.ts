// Pictures brought to a model's size, beside what Pillow 12.3 makes of them.

import { expect, test } from "vitest";
import { fitPicture } from "../../../runtime/media/fit.ts";

const grey = (width: number, height: number, values: readonly number[]) => ({
  width,
  height,
  data: Uint8ClampedArray.from(values.flatMap((value) => [value, value, value, 255])),
});
const greys = ({ data }: { readonly data: Uint8Array | Uint8ClampedArray }) => [...data].filter((_, i) => i % 4 === 0);

/** 7x5: `(i * 37 + i * i % 11 * 9) % 256`. */
const picture = grey(
  7,
  5,
  Array.from({ length: 35 }, (_, i) => (i * 37 + ((i * i) % 11) * 9) % 256),
);

/** `image.crop((1, 0, 6, 5)).resize((n, n), Image.BILINEAR)`. */
const pillow = {
  3: [92, 154, 192, 94, 146, 145, 100, 162, 208],
  2: [115, 165, 117, 179],
  8: [
    46, 74, 115, 166, 192, 193, 204, 212, 79, 93, 115, 146, 166, 174, 192, 205, 119, 117, 114, 121, 134, 152, 172, 186, 98, 103, 111, 128,
    152, 181, 121, 73, 75, 87, 105, 133, 168, 208, 141, 86, 49, 68, 97, 136, 181, 231, 230, 225, 73, 100, 136, 151, 171, 196, 209, 215, 94,
    126, 167, 162, 162, 168, 185, 197,
  ],
};

test.each([3, 2, 8] as const)("the middle square of 7x5 at %ix: cut, and resized as Pillow does", (size) => {
  const made = greys(fitPicture(picture, size, size));
  expect(made.length).toBe(size * size);
  // Pillow rounds after each axis, here once.
  for (const [i, value] of made.entries()) expect(Math.abs(value - (pillow[size][i] ?? 0))).toBeLessThanOrEqual(1);
});

test("a picture of the model's size is itself, and what cannot be seen has no colour", () => {
  expect(fitPicture(picture, 7, 5)).toBe(picture);
  const half = { width: 2, height: 1, data: Uint8ClampedArray.of(200, 100, 50, 255, 0, 255, 0, 0) };
  expect([...fitPicture(half, 1, 1).data]).toEqual([200, 100, 50, 128]);
});

test("pixels that are twice as wide as high are cut and resized as they are shown", () => {
  const row = [0, 100, 200, 50];
  const wide = grey(4, 4, [...row, ...row, ...row, ...row]);
  // Shown as 8x4, of which the middle four are columns 1 and 2, each two wide; what is cut off has no part.
  const columns = [100, 125, 175, 200];
  expect(greys(fitPicture(wide, 4, 4, 2))).toEqual([...columns, ...columns, ...columns, ...columns]);
  // As wide as high it would be itself.
  expect(greys(fitPicture(wide, 4, 4))).toEqual(greys(wide));
});

/** Whole numbers of a constant to the f32 numbers that a kernel reads them as: the binding of small weights holds nothing else. */

/** f32 holds whole numbers exactly up to here. */
const exact = 2 ** 24;

/** What the upper part of a number counts. */
export const upperUnit = 2 ** 16;

/** The numbers themselves, or where f32 would round one, how often `upperUnit` goes into each and what is left. */
export function wholeParts(data: readonly number[]): readonly (readonly number[])[] {
  if (data.every((number) => Math.abs(number) <= exact)) return [data];
  const upper = data.map((number) => Math.floor(number / upperUnit));
  return [upper, data.map((number, i) => number - (upper[i] as number) * upperUnit)];
}

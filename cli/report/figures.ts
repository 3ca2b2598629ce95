/** Counts, operations and bytes to the words that tables of reports show them by. */

export type Cut = "path" | "block" | "op";
export const cuts: readonly Cut[] = ["path", "block", "op"];

export const cutHeads: { readonly [C in Cut]: string } = { path: "block", block: "declared block", op: "op" };

/** Beneath the rows of declared blocks. */
export const overlap = "a declared block counts all that it calls, so rows overlap";

export function shownCount(count: number): string {
  return count.toLocaleString("en");
}

export function shownGiga(flops: number): string {
  return (flops / 1e9).toLocaleString("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
}

export function shownMebi(bytes: number): string {
  return (bytes / 2 ** 20).toLocaleString("en", { minimumFractionDigits: 1, maximumFractionDigits: 1 });
}

/** `0.57`, `222.9`, `0.0012`: two or three figures that count. Nothing is no multiple of nothing. */
export function shownRatio(ratio: number | undefined): string {
  if (ratio === undefined) return "";
  if (ratio >= 100) return ratio.toFixed(1);
  return ratio >= 0.1 || ratio === 0 ? ratio.toFixed(2) : ratio.toPrecision(2);
}

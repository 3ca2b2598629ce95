/** Rows of words and figures to aligned lines: the first column to the left, the others to the right, the last row, where it is the total, in bold. */

import pc from "picocolors";

export function table(head: readonly string[], rows: readonly (readonly string[])[], { total = true } = {}): readonly string[] {
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => (row[column] ?? "").length)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
      .join("  ")
      .trimEnd();
  const plain = total ? rows.slice(0, -1) : rows;
  return [pc.dim(line(head)), ...plain.map(line), ...rows.slice(plain.length).map((row) => pc.bold(line(row)))];
}

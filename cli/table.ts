/** Rows of words and figures to aligned lines: the first column to the left, the others to the right, the last row in bold. */

import pc from "picocolors";

export function table(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => (row[column] ?? "").length)));
  const line = (row: readonly string[]) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join("  ");
  return [pc.dim(line(head)), ...rows.slice(0, -1).map(line), ...rows.slice(-1).map((row) => pc.bold(line(row)))];
}

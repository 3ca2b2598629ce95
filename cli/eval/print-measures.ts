/** What was measured of a package to a table that people read: a measure a row, the sets side by side, the ceiling and chance last. */

import { type Interval, intervalOf } from "../../study/interval.ts";
import type { Measure, Measured } from "../../study/measure.ts";
import { table } from "../table.ts";

const heads: { readonly [S in Measured["set"]]: string } = {
  seen: "seen",
  "held-out": "held out",
  real: "real clips",
  shuffled: "captions of others",
};
const order = Object.keys(heads) as readonly Measured["set"][];

/** `prompts` of each set. */
export function printedMeasures(all: readonly Measured[], prompts: number): string {
  const sets = order.flatMap((set) => all.find((one) => one.set === set) ?? []);
  const names = [...new Map(sets.flatMap(({ measures }) => measures.map(({ name, unit }) => [name, unit] as const)))];
  const rows = names.map(([name, unit]) => [
    unit === "" ? name : `${name}, ${unit}`,
    ...sets.map(({ measures }) => {
      const found = measures.find((one) => one.name === name);
      return found === undefined ? "" : shown(found, intervalOf(found, prompts));
    }),
  ]);
  return `${table(["", ...sets.map(({ set }) => heads[set])], rows, { total: false }).join("\n")}\n`;
}

/** `98.4 (91.7–99.7)`: the mean, and the ends of its 95 % interval. */
function shown({ unit }: Measure, { mean, low, high }: Interval): string {
  const scale = unit === "%" ? 100 : 1;
  const figure = (value: number) => (Number.isFinite(value) ? (value * scale).toFixed(digits(unit, value)) : "∞");
  return low === null || high === null ? figure(mean) : `${figure(mean)} (${figure(low)}–${figure(high)})`;
}

function digits(unit: Measure["unit"], value: number): number {
  if (unit === "%" || unit === "dB" || unit === "°") return 1;
  return Math.abs(value) < 10 ? 3 : 1;
}

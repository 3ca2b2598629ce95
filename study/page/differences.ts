/** What was measured to pictures of differences: a panel a measure, a line a variant, its interval beside the baseline's zero. */

import { scaleLinear } from "d3-scale";
import type { Judgement } from "../judgement.ts";
import type { StudyReport } from "../report.ts";
import { shownDifference, shownVerdict, signed, withHalf } from "../words.ts";
import { escaped, grey, ink } from "./markup.ts";

const [width, left, right, row, top] = [360, 104, 76, 22, 6] as const;
const good = "#1a7f5a";
const bad = "#b42318";

/** Of one set: the measures of which some variant is compared. */
export function differencePanels({ variants }: StudyReport, set: Judgement["set"]): string {
  const [baseline, ...others] = variants;
  const measures = baseline?.measures.filter((one) => one.set === set) ?? [];
  return measures
    .map((measure) => {
      const rows = others.flatMap(({ name, measures: own }) => {
        const found = own.find((one) => one.set === set && one.measure === measure.measure);
        return found?.difference ? [{ name, judgement: found }] : [];
      });
      return rows.length === 0 ? "" : panel(measure, rows);
    })
    .join("\n");
}

interface Row {
  readonly name: string;
  readonly judgement: Judgement;
}

function panel(baseline: Judgement, rows: readonly Row[]): string {
  const { unit, better, own } = baseline;
  const ends = rows.flatMap(({ judgement: { difference } }) => [
    difference?.low ?? difference?.mean ?? 0,
    difference?.high ?? difference?.mean ?? 0,
  ]);
  const [least, most] = [Math.min(0, ...ends), Math.max(0, ...ends)];
  const span = most - least || 1;
  const x = scaleLinear([least - 0.04 * span, most + 0.04 * span], [left, width - right]);
  const height = top + rows.length * row + 22;
  const at = (value: number) => x(value).toFixed(1);
  const bottom = top + rows.length * row;
  const ticks = x
    .ticks(3)
    .map(
      (tick) =>
        `<text x="${at(tick)}" y="${bottom + 15}" text-anchor="middle" class="tick">${tick === 0 ? "0" : shownTick(tick, unit)}</text>`,
    );
  const [value, half] = withHalf(own, unit);
  return `<figure class="panel"><figcaption><b>${escaped(baseline.measure)}</b> <span>${better === "higher" ? "higher is better" : "lower is better"} · baseline ${value}${half === "" ? "" : ` ${half}`}${unit === "" ? "" : ` ${unit}`}</span></figcaption>
<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(baseline.measure)}: differences from the baseline">
<path d="M${at(0)} ${top}V${bottom}" stroke="${grey}" stroke-dasharray="2 3"/>
${rows.map((one, i) => line(one, { y: top + i * row + row / 2, at, like: own.mean })).join("\n")}
${ticks.join("")}
</svg></figure>`;
}

interface Place {
  readonly y: number;
  readonly at: (value: number) => string;
  /** What decimals go by. */
  readonly like: number;
}

function line({ name, judgement: { difference, unit } }: Row, { y, at, like }: Place): string {
  if (difference === null) return "";
  const { mean, low, high, verdict } = difference;
  const colour = verdict === "better" ? good : verdict === "worse" ? bad : grey;
  const isReal = verdict === "better" || verdict === "worse";
  const bar =
    low === null || high === null
      ? ""
      : `<path d="M${at(low)} ${y}H${at(high)}" stroke="${colour}" stroke-width="${isReal ? 3 : 1.5}"${verdict === "one-seed" ? ' stroke-dasharray="3 3"' : ""}/>`;
  const mark = verdict === "better" ? " ▲" : verdict === "worse" ? " ▼" : "";
  return `<g><title>${escaped(name)}: ${shownDifference(mean, unit, like)}, ${shownVerdict[verdict]}</title>
<text x="${left - 10}" y="${y}" dy="0.34em" text-anchor="end" fill="${isReal ? ink : grey}">${escaped(name)}</text>${bar}
<circle cx="${at(mean)}" cy="${y}" r="3.5" fill="${isReal ? colour : "white"}" stroke="${colour}" stroke-width="1.5"/>
<text x="${width - right + 8}" y="${y}" dy="0.34em" fill="${colour}"${isReal ? ' font-weight="600"' : ""}>${verdict === "same" ? "same" : signed(mean, unit, like)}${mark}</text></g>`;
}

function shownTick(value: number, unit: Judgement["unit"]): string {
  const scaled = unit === "%" ? 100 * value : value;
  return `${value < 0 ? "−" : "+"}${Number(Math.abs(scaled).toPrecision(2))}`;
}

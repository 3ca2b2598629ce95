/** The metrics of a run to its curves, one SVG that opens by itself: of each stage the losses, the learning rate and the gradients' norm. */

import { scaleLinear, scaleLog } from "d3-scale";
import { line } from "d3-shape";
import type { Metric } from "./metrics.ts";

const panel = { width: 360, height: 200, left: 62, right: 16, top: 34, bottom: 30 } as const;
/** The most points of a line: twice what a panel has pixels. */
const mostPoints = 600;
/** The part of a curve that its smoothed line remembers, and the most steps of it. */
const memory = { part: 0.04, most: 100 } as const;

interface Curve {
  readonly title: string;
  readonly values: readonly number[];
  readonly smoothed: boolean;
}

const grey = "#8a8f98";
const inks = { raw: "#b9cbe6", line: "#1f5fb4", text: "#24292f" } as const;

export function curves(metrics: readonly Metric[]): string {
  const stages = [...new Set(metrics.map(({ stage }) => stage))];
  const rows = stages.map((stage) => {
    const own = metrics.filter((metric) => metric.stage === stage);
    const names = Object.keys(own[0]?.losses ?? {});
    const shown: readonly Curve[] = [
      ...names.map((name) => ({ title: name, values: own.map(({ losses }) => losses[name] ?? Number.NaN), smoothed: true })),
      { title: "learning rate", values: own.map(({ learningRate }) => learningRate), smoothed: false },
      { title: "gradient norm", values: own.map(({ gradientNorm }) => gradientNorm), smoothed: true },
    ];
    return { stage, steps: own.map(({ step }) => step), shown };
  });
  const width = Math.max(1, ...rows.map(({ shown }) => shown.length)) * panel.width;
  const height = Math.max(1, rows.length) * panel.height;
  const drawn = rows.flatMap(({ stage, steps, shown }, row) =>
    shown.map(
      (curve, column) =>
        `<g transform="translate(${column * panel.width} ${row * panel.height})">${drawPanel(`${stage}: ${curve.title}`, steps, curve)}</g>`,
    ),
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="system-ui, sans-serif" font-size="11">`,
    `<rect width="${width}" height="${height}" fill="white"/>`,
    ...drawn,
    "</svg>\n",
  ].join("\n");
}

function drawPanel(title: string, steps: readonly number[], { values, smoothed }: Curve): string {
  const soft = smoothed ? averaged(values) : values;
  const finite = values.filter(Number.isFinite);
  const [least, most] = [Math.min(...bounded(finite)), Math.max(...bounded(finite))];
  // Over more than a decade the end of a curve would lie on the axis.
  const isLog = smoothed && least > 0 && most > 10 * least;
  const room = [panel.height - panel.bottom, panel.top] as const;
  const y = isLog
    ? scaleLog([least, most], room).nice()
    : scaleLinear([Math.min(least, most - Math.abs(most) * 1e-6), most || 1], room).nice();
  const x = scaleLinear([steps[0] ?? 0, Math.max(steps.at(-1) ?? 1, (steps[0] ?? 0) + 1)], [panel.left, panel.width - panel.right]);
  const path = line<number>()
    .x((i) => Number(x(steps[i] ?? 0).toFixed(1)))
    .defined((i) => Number.isFinite(values[i]));
  const [raw, shown] = [values, soft].map((list) => path.y((i) => Number(y(list[i] ?? 0).toFixed(1)))(thinned(list)) ?? "");
  const ticks = marksOf(y, isLog).map((tick) => {
    const at = y(tick).toFixed(1);
    return `<path d="M${panel.left} ${at}H${panel.width - panel.right}" stroke="#e6e8eb"/><text x="${panel.left - 6}" y="${at}" dy="0.32em" text-anchor="end" fill="${grey}">${label(tick)}</text>`;
  });
  const marks = x
    .ticks(4)
    .filter(Number.isInteger)
    .map(
      (tick) =>
        `<text x="${x(tick).toFixed(1)}" y="${panel.height - panel.bottom + 16}" text-anchor="middle" fill="${grey}">${tick}</text>`,
    );
  return [
    `<text x="${panel.left}" y="20" fill="${inks.text}" font-weight="600">${escaped(title)}${isLog ? " (log)" : ""}</text>`,
    ...ticks,
    ...marks,
    ...(smoothed ? [`<path d="${raw}" fill="none" stroke="${inks.raw}"/>`] : []),
    `<path d="${shown}" fill="none" stroke="${inks.line}" stroke-width="1.5"/>`,
  ].join("");
}

/** Of a logarithm the powers of ten, and between few of them 2 and 5 of each. */
function marksOf(scale: { ticks(count: number): number[] }, isLog: boolean): readonly number[] {
  if (!isLog) return scale.ticks(4);
  const leads = (digits: readonly number[]) => (tick: number) =>
    digits.includes(Number((tick / 10 ** Math.floor(Math.log10(tick) + 1e-9)).toFixed(6)));
  const all = scale.ticks(10);
  const powers = all.filter(leads([1]));
  return powers.length > 3 ? powers : all.filter(leads([1, 2, 5]));
}

/** An exponential average that starts as the mean of what there is. */
function averaged(values: readonly number[]): readonly number[] {
  const remembered = Math.min(memory.most, Math.max(1, values.length * memory.part));
  let mean = 0;
  return values.map((value, i) => {
    mean += (value - mean) / Math.min(i + 1, remembered);
    return mean;
  });
}

/** Which points are drawn: of each stretch its smallest and its largest, so that no spike is lost. */
function thinned(values: readonly number[]): readonly number[] {
  const stretch = Math.ceil((2 * values.length) / mostPoints);
  if (stretch <= 2) return values.map((_, i) => i);
  const kept: number[] = [];
  for (let from = 0; from < values.length; from += stretch) {
    let [low, high] = [from, from];
    for (let i = from; i < Math.min(from + stretch, values.length); i++) {
      if ((values[i] ?? 0) < (values[low] ?? 0)) low = i;
      if ((values[i] ?? 0) > (values[high] ?? 0)) high = i;
    }
    kept.push(...(low === high ? [low] : [Math.min(low, high), Math.max(low, high)]));
  }
  return kept;
}

/** Few enough for `Math.min`'s arguments, with both ends among them. */
function bounded(values: readonly number[]): readonly number[] {
  return values.length === 0 ? [0, 1] : thinned(values).map((i) => values[i] as number);
}

function label(value: number): string {
  return value !== 0 && (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e5) ? value.toExponential(0) : String(Number(value.toPrecision(3)));
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

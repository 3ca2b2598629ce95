/** The losses of a study's stages to curves: a panel a stage, a line a variant, the mean of its seeds. */

import { scaleLinear, scaleLog } from "d3-scale";
import { line } from "d3-shape";
import type { StudyReport } from "../report.ts";
import { colourOf, escaped, grey } from "./markup.ts";

const [width, height, left, right, top, bottom] = [360, 220, 50, 10, 8, 26] as const;

interface Curve {
  readonly variant: number;
  readonly points: readonly (readonly [step: number, loss: number])[];
}

/** Only of stages in which variants differ: what all share says nothing of them. */
export function lossPanels({ variants }: StudyReport): string {
  const stages = [...new Set(variants.flatMap(({ cells }) => cells.flatMap((cell) => cell.stages.map(({ name }) => name))))];
  return stages
    .map((stage) => {
      const seen = new Set<string>();
      const curves = variants.flatMap(({ cells }, variant): Curve[] => {
        const own = cells.flatMap((cell) => cell.stages.filter(({ name, curve }) => name === stage && curve.length > 1));
        const keys = own.map(({ key }) => key).join();
        if (own.length === 0 || seen.has(keys)) return [];
        seen.add(keys);
        return [{ variant, points: meanCurve(own.map(({ curve }) => curve)) }];
      });
      const isShared = curves.length === 1;
      return curves.length === 0
        ? ""
        : `<figure class="panel"><figcaption><b>${escaped(stage)}</b>${isShared ? " <span>the same training for every variant that has it</span>" : ""}</figcaption>${panel(stage, curves)}</figure>`;
    })
    .join("\n");
}

/** Point by point, of as many as the shortest has. */
function meanCurve(curves: readonly Curve["points"][]): Curve["points"] {
  const [first = []] = curves;
  const count = Math.min(...curves.map(({ length }) => length));
  return first
    .slice(0, count)
    .map(([step], i) => [step, curves.reduce((sum, curve) => sum + (curve[i]?.[1] ?? 0), 0) / curves.length] as const);
}

function panel(stage: string, curves: readonly Curve[]): string {
  const all = curves.flatMap(({ points }) => points);
  const losses = all.map(([, loss]) => loss);
  const [least, most] = [Math.min(...losses), Math.max(...losses)];
  const isLog = least > 0 && most > 4 * least;
  const room = [height - bottom, top] as const;
  const y = isLog ? scaleLog([least, most], room) : scaleLinear([least, most === least ? least + 1 : most], room).nice();
  const x = scaleLinear([all[0]?.[0] ?? 0, Math.max(...all.map(([step]) => step))], [left, width - right]);
  const path = line<readonly [number, number]>()
    .x(([step]) => Number(x(step).toFixed(1)))
    .y(([, loss]) => Number(y(loss).toFixed(1)));
  const ticks = spread(y.ticks(isLog ? 6 : 4), 6).map(
    (tick) =>
      `<path d="M${left} ${y(tick).toFixed(1)}H${width - right}" stroke="#e5e7eb"/><text x="${left - 6}" y="${y(tick).toFixed(1)}" dy="0.32em" text-anchor="end" class="tick">${Number(tick.toPrecision(3))}</text>`,
  );
  const steps = x
    .ticks(4)
    .map(
      (tick) => `<text x="${x(tick).toFixed(1)}" y="${height - 8}" text-anchor="middle" class="tick">${tick.toLocaleString("en")}</text>`,
    );
  const lines = curves.map(
    ({ variant, points }) =>
      `<path d="${path(points) ?? ""}" fill="none" stroke="${colourOf(variant)}" stroke-width="${variant === 0 ? 2 : 1.4}"${variant === 0 ? "" : ' stroke-opacity="0.9"'}/>`,
  );
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="loss of ${escaped(stage)} by step" stroke-linejoin="round" fill="${grey}">${ticks.join("")}${steps.join("")}${[...lines].reverse().join("")}</svg>`;
}

/** Few enough to be read. */
function spread(ticks: readonly number[], most: number): readonly number[] {
  const every = Math.ceil(ticks.length / most);
  return ticks.filter((_, i) => i % every === 0);
}

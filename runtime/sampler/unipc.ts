/** UniPC (Zhao et al., 2023, algorithms 5 to 8): a multistep predictor, and a corrector that reads the next evaluation at no cost. */

import type { SamplerFigures } from "../../compiler/package/sampler-figures.ts";
import { type Level, logRatio } from "./level.ts";
import { difference, latent, type Mix, register, scale, sum } from "./mix.ts";
import { estimate, pairs, type Solver } from "./solver.ts";

/** Registers: the predictions before the newest, 0 to 2, and the corrected latent of the step before, 3. */
const corrected = register(3);

export const uniPc: Solver = (course) => {
  const { figures, levels } = course;
  const most = figures.order ?? 2;
  const count = levels.length - 1;
  let before = 0;
  return pairs(levels).map(([from, to], i) => {
    const said = estimate(course, from);
    const value = figures.predictX0 ? said.data : said.rest;
    const past = levels[i - 1];
    const corrects = past !== undefined && !figures.disableCorrector.includes(i - 1);
    const known = [register(0), register(1), register(2)];
    const at = (first: number, many: number) => Array.from({ length: many }, (_, k) => levels[first - k] ?? from);
    const here = corrects
      ? advanced(figures, {
          from: past,
          to: from,
          latent: corrected,
          values: known.slice(0, before),
          levels: at(i - 1, before),
          ahead: value,
        })
      : latent;
    const infinite = to.noise === 0;
    const order = infinite ? 1 : Math.min(figures.lowerOrderFinal ? Math.min(most, count - i) : most, i + 1);
    const values = [value, ...known].slice(0, order);
    const next = advanced(figures, { from, to, latent: here, values, levels: at(i, order), ahead: undefined });
    before = order;
    return { time: from.time, data: said.limit, rows: [next, value, register(0), register(1), here], level: to };
  });
};

interface Move {
  readonly from: Level;
  readonly to: Level;
  readonly latent: Mix;
  /** Predictions at `levels`, the newest, at `from`, first: as many as the order. */
  readonly values: readonly Mix[];
  readonly levels: readonly Level[];
  /** The prediction at `to`: of the corrector. */
  readonly ahead: Mix | undefined;
}

/** Equation 3 (predictor) or 5 (corrector) of the paper: `B(h)` is h, or e^h - 1. */
function advanced({ predictX0, solverType }: SamplerFigures, { from, to, latent, values, levels, ahead }: Move): Mix {
  const length = logRatio(to) - logRatio(from);
  if (Math.abs(length) < 1e-9) return latent;
  const [newest = latent, ...older] = values;
  const h = predictX0 ? -length : length;
  const unit = predictX0 ? to.signal : to.noise;
  const kept = predictX0 ? to.noise / from.noise : to.signal / from.signal;
  const first = Math.expm1(h);
  const straight = difference(scale(kept, latent), scale(unit * first, newest));
  const ratios = older.map((_, k) => (logRatio(levels[k + 1] ?? from) - logRatio(from)) / length);
  const slopes = older.map((value, k) => scale(1 / (ratios[k] ?? 1), difference(value, newest)));
  if (ahead !== undefined) {
    ratios.push(1);
    slopes.push(difference(ahead, newest));
  }
  if (slopes.length === 0) return straight;
  const scaleOfB = solverType === "bh1" ? h : first;
  // The paper gives both orders that it sets by hand: the predictor's second, and the corrector's first.
  const weights = slopes.length === 1 ? [0.5] : solved(ratios, rightSides(h, scaleOfB, slopes.length));
  const bend = slopes.map((slope, k) => scale(weights[k] ?? 0, slope));
  return difference(straight, scale(unit * scaleOfB, sum(...bend)));
}

/** n! φ_(n+1)(h) h / B(h) for n = 1, 2 …: integrals of e^h against powers. */
function rightSides(h: number, b: number, count: number): readonly number[] {
  let phi = Math.expm1(h) / h - 1;
  let factorial = 1;
  return Array.from({ length: count }, (_, n) => {
    const side = (phi * factorial) / b;
    factorial *= n + 2;
    phi = phi / h - 1 / factorial;
    return side;
  });
}

/** Weights w with Σ w r^n = side n, of at most three ratios: by elimination. */
function solved(ratios: readonly number[], sides: readonly number[]): readonly number[] {
  const rows = sides.map((side, n) => [...ratios.map((ratio) => ratio ** n), side]);
  for (const [i, row] of rows.entries()) {
    const pivot = row[i] ?? 1;
    for (let j = i; j < row.length; j++) row[j] = (row[j] ?? 0) / pivot;
    for (const other of rows) {
      if (other === row) continue;
      const factor = other[i] ?? 0;
      for (let j = i; j < row.length; j++) other[j] = (other[j] ?? 0) - factor * (row[j] ?? 0);
    }
  }
  return rows.map((row) => row.at(-1) ?? 0);
}

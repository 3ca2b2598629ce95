/** A sampler's figures to the noise levels that it visits and what each evaluation of the network is made into, as text. */

import type { SamplerFigures } from "../compiler/package/sampler-figures.ts";
import { type Level, logRatio } from "../runtime/sampler/level.ts";
import type { Mix } from "../runtime/sampler/mix.ts";
import { trajectory } from "../runtime/sampler/sampler.ts";
import type { SamplerStep } from "../runtime/sampler/step.ts";
import { table } from "./table.ts";

/** One line an evaluation: what the network is told, the level of the latent that it is given, then the new latent and registers, as sums. */
export function printSampler(figures: SamplerFigures): string {
  const { start, steps } = trajectory(figures);
  const levels = [start, ...steps.map(({ level }) => level)];
  const rows = levels.map((level, i) => [shown(steps[i]?.time), ...measures(level)]);
  const sums = steps.map((step, i) => [`evaluation ${i}`, ...limitOf(step), ...step.rows.map(sumOf)].join("\n  "));
  const head = `${figures.method}, ${figures.steps} steps, ${steps.length} evaluations`;
  return [head, "", ...table(["time", "signal", "noise", "σ", "λ"], rows, { total: false }), "", ...sums, ""].join("\n");
}

function measures(level: Level): string[] {
  return [level.signal, level.noise, level.noise / level.signal, logRatio(level)].map(shown);
}

function limitOf({ data }: SamplerStep): string[] {
  if (data === undefined) return [];
  const { limit, mix } = data;
  const by = limit.kind === "clip" ? `clipped to ±${limit.range}` : `bounded by its quantile ${limit.ratio}, at most ${limit.most}`;
  return [`data = ${termsOf(mix)}, ${by}`];
}

function sumOf(mix: Mix, row: number): string {
  return `${row === 0 ? "latent" : `r${row - 1}`} = ${termsOf(mix)}`;
}

const names = ["latent", "model", "data", "noise"];

function termsOf(mix: Mix): string {
  const terms = mix.flatMap((weight, i) => (weight === 0 ? [] : [{ weight, name: names[i] ?? `r${i - names.length}` }]));
  const text = terms.map(({ weight, name }, i) => {
    const size = Math.abs(weight) === 1 ? name : `${shown(Math.abs(weight))} ${name}`;
    return i === 0 ? `${weight < 0 ? "-" : ""}${size}` : `${weight < 0 ? "-" : "+"} ${size}`;
  });
  return text.length === 0 ? "0" : text.join(" ");
}

function shown(value: number | undefined): string {
  if (value === undefined) return "";
  return Number.isFinite(value) ? String(Number(value.toPrecision(6))) : String(value).replace("Infinity", "∞");
}

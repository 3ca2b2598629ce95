/** A study's report to its headline table, Markdown that can stand in a README. */

import type { Judgement } from "./judgement.ts";
import type { StudyReport, VariantReport } from "./report.ts";
import { digits, limitsOf, setupOf, shownCount, shownGiga, shownSeeds, withHalf } from "./words.ts";

const marks: { readonly [verdict: string]: string } = { better: " ▲", worse: " ▼" };

/** Whether clips show what was asked, and whatever else was called different. */
export function headline({ variants }: StudyReport): readonly Judgement[] {
  const baseline = variants[0]?.measures.filter(({ set }) => set === "seen") ?? [];
  const called = new Set(
    variants.flatMap(({ measures }) =>
      measures.flatMap(({ set, measure, difference }) =>
        set === "seen" && difference !== null && difference.verdict in marks ? [measure] : [],
      ),
    ),
  );
  const asked = baseline.filter(({ unit, better }) => unit === "%" && better === "higher");
  const others = baseline.filter((one) => !asked.includes(one));
  return [...asked, ...(asked.length === 0 ? others : others.filter(({ measure }) => called.has(measure)))];
}

export function markdown(report: StudyReport): string {
  const columns = headline(report);
  const head = [
    "",
    "seeds",
    "parameters",
    "GFLOP a clip",
    "loss",
    ...columns.map(({ measure, unit }) => (unit === "" ? measure : `${measure}, ${unit}`)),
  ];
  const rows = report.variants.map((variant) => [
    variant.name,
    shownSeeds(variant),
    shownCount(variant.costs.parameters),
    shownGiga(variant.costs.clipFlops),
    variant.loss === null ? "" : Number(variant.loss.mean.toPrecision(3)).toString(),
    ...columns.map((column) => cellOf(variant, "seen", column)),
  ]);
  const [baseline] = report.variants;
  const reference = (["real", "shuffled"] as const).flatMap((set) => {
    const cells = columns.map(({ measure, unit }) => {
      const found = baseline?.measures.find((one) => one.set === set && one.measure === measure);
      return found === undefined ? "" : digits(found.own.mean, unit);
    });
    return cells.every((cell) => cell === "") ? [] : [[set === "real" ? "*real clips*" : "*chance*", "", "", "", "", ...cells]];
  });
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [
    line(head),
    line(head.map((_, i) => (i === 0 ? "---" : "---:"))),
    ...[...rows, ...reference].map(line),
    "",
    `${setupOf(report)} ± is half of a 95 % interval over seeds and clips; ▲ better and ▼ worse than the baseline where the difference is real, paired by prompt and seed and corrected for all comparisons.`,
    "",
    ...limitsOf(report).map((limit) => `* ${limit}`),
    "",
  ].join("\n");
}

function cellOf({ measures, cells }: VariantReport, set: Judgement["set"], { measure, unit }: Judgement): string {
  if (cells.length === 0) return "failed";
  const found = measures.find((one) => one.set === set && one.measure === measure);
  if (found === undefined) return "";
  const own = withHalf(found.own, unit).filter((text) => text !== "");
  return `${own.join(" ")}${marks[found.difference?.verdict ?? ""] ?? ""}`;
}

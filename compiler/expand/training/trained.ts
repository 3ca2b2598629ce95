/** The entries of a stage's `weights` to what each weight of the model is trained by: of entries that name it, the last. */

import type { Diagnostic, Expression, Field, Span } from "../../../dsl/index.ts";
import type { TrainedWeight } from "../../module/training.ts";
import type { Configuration } from "../configure.ts";
import { evaluateFields } from "../expand.ts";
import type { Attempt } from "../failure.ts";
import { expandDiagnostic } from "../messages.ts";
import { plainOf, shown } from "../plain-values.ts";
import { sourceOfValue } from "../source-of-value.ts";
import { factor } from "./figures.ts";
import { pathPattern } from "./path-pattern.ts";

/** What a stage says of the weights whose paths begin so. */
export interface Entry {
  readonly path: string;
  readonly span: Span;
  readonly rate: number;
  readonly weightDecay: number;
}

/** `weightDecay` is that of entries that say none. */
export function readEntries(configuration: Configuration, value: Expression | undefined, weightDecay: number): Attempt<readonly Entry[]> {
  const items = value?.kind === "list" ? value.items : [];
  const faults: Diagnostic[] = [];
  const entries = items.flatMap((item): Entry[] => {
    const fields = item.kind === "record" ? item.fields : [];
    const path = fields.find(({ name }) => name.name === "path")?.value;
    if (path?.kind !== "string") throw new Error("training: an entry without a path, which check should have found");
    const numbers = readFactors(
      configuration,
      fields.filter(({ name }) => name.name !== "path"),
    );
    if (!numbers.ok) {
      faults.push(...numbers.diagnostics);
      return [];
    }
    return [{ path: path.value, span: path.span, rate: 1, weightDecay, ...numbers.value }];
  });
  return faults.length > 0 ? { ok: false, diagnostics: faults } : { ok: true, value: entries };
}

function readFactors(configuration: Configuration, fields: readonly Field[]): Attempt<{ readonly [name: string]: number }> {
  const values = evaluateFields(configuration, fields);
  if (!values.ok) return values;
  const numbers = Object.fromEntries([...values.value].map(([name, value]) => [name, plainOf(value)]));
  const diagnostics = fields.flatMap(({ name, value }) => {
    const found = numbers[name.name];
    if (factor.holds(found)) return [];
    const holes = { name: name.name, expected: factor.expected, found: shown(found) };
    return [expandDiagnostic("train-value", sourceOfValue(configuration, value), holes)];
  });
  return diagnostics.length > 0 ? { ok: false, diagnostics } : { ok: true, value: numbers as { readonly [name: string]: number } };
}

/** Whether an entry names any of the weights. */
export function namesAny({ path }: Entry, paths: Iterable<string>): boolean {
  return [...paths].some(pathPattern(path));
}

/** The weights among `paths` that the entries train, each with the entry that says so, in the order of the paths. */
export function trainedBy(entries: readonly Entry[], paths: Iterable<string>): ReadonlyMap<string, Entry> {
  const patterns = entries.map((entry) => ({ entry, holds: pathPattern(entry.path) }));
  const trained = new Map<string, Entry>();
  for (const path of paths) {
    const last = patterns.findLast(({ holds }) => holds(path))?.entry;
    if (last !== undefined && last.rate > 0) trained.set(path, last);
  }
  return trained;
}

export function weightsTrained(trained: ReadonlyMap<string, Entry>): readonly TrainedWeight[] {
  return [...trained].map(([path, { rate, weightDecay }]) => ({ path, rate, weightDecay }));
}

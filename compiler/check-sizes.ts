/** A checked program to the errors that sizes reveal: under the file's own, under each preset and under each ablation. */

import { type Diagnostic, type FoundIn, firstErrors, type Program } from "../dsl/index.ts";
import { shapeErrors } from "./compile.ts";
import { Budget } from "./expand/budget.ts";
import type { Choices } from "./expand/configure.ts";

/** What a build may choose of the entry file, its own sizes first. A file without a model is a library: its blocks have no sizes yet. */
export function configurationsOf(program: Program): readonly Choices[] {
  const declarations = program.files.get(program.entry)?.source.declarations ?? [];
  return declarations.flatMap((model): Choices[] => {
    if (model.kind !== "model") return [];
    const of = (kind: "preset" | "ablation") =>
      declarations.flatMap((one) => (one.kind === kind && one.model.name === model.name.name ? [one.name.name] : []));
    const presets = of("preset");
    const base = { model: model.name.name, precision: "f32" } as const;
    return [
      base,
      ...presets.map((preset) => ({ ...base, preset })),
      // Ablations are tried on a preset where there is one: presets are smaller, and an ablation breaks the same axes at any size.
      ...of("ablation").map((name) => ({ ...base, preset: presets[0], ablations: [name] })),
    ];
  });
}

/** Each place is told of once, with the first configuration in which it is wrong and the number of the others. */
export function sizeErrors(program: Program): readonly Diagnostic[] {
  const found = new Map<string, Diagnostic>();
  const budget = new Budget();
  for (const choices of configurationsOf(program)) {
    const own = new Map(shapeErrors(program, choices, budget).map((one) => [`${one.span.file}:${one.span.start}`, one]));
    for (const [place, diagnostic] of own) {
      const first = found.get(place);
      found.set(place, first === undefined ? diagnostic : { ...first, ...oneMore(first.foundIn) });
    }
  }
  return firstErrors([...found.values()]);
}

function oneMore(found: FoundIn | undefined): { readonly foundIn?: FoundIn } {
  return found === undefined ? {} : { foundIn: { ...found, others: found.others + 1 } };
}

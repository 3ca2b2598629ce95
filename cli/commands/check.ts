/** `mvc check`: the errors of a model, in the source and in the shapes that the file's own sizes, each preset and each ablation give it. */

import { setFlagsFromString } from "node:v8";
import pc from "picocolors";
import { shapeErrors } from "../../compiler/compile.ts";
import { Budget } from "../../compiler/expand/budget.ts";
import { type Diagnostic, hasErrors, type Program } from "../../dsl/index.ts";
import { loadProgram, printDiagnostics, shownPath } from "../program.ts";
import type { Outcome } from "../terminal.ts";

// The command is over before optimised code has paid for its making: a third of its time.
setFlagsFromString("--no-opt");

export function check(file: string, options: { readonly json?: true }): Outcome {
  const { program, diagnostics, texts } = loadProgram(file);
  const all = program === undefined ? diagnostics : [...diagnostics, ...errorsOfSizes(program)];
  if (options.json) process.stdout.write(`${JSON.stringify(all, null, 2)}\n`);
  else {
    printDiagnostics(all, texts);
    if (!hasErrors(all)) process.stdout.write(`${pc.green("ok")} ${shownPath(file)}\n`);
  }
  return hasErrors(all) ? "mistake" : "done";
}

/** A file without a model is checked as a library: its blocks have no sizes yet. */
function errorsOfSizes(program: Program): readonly Diagnostic[] {
  const declarations = program.files.get(program.entry)?.source.declarations ?? [];
  const found = new Map<string, Diagnostic>();
  const budget = new Budget();
  for (const model of declarations) {
    if (model.kind !== "model") continue;
    const of = (kind: "preset" | "ablation") =>
      declarations.flatMap((declaration) =>
        declaration.kind === kind && declaration.model.name === model.name.name ? [declaration.name.name] : [],
      );
    // Ablations are tried on a preset where there is one: presets are smaller, and an ablation breaks the same axes at any size.
    const [preset] = of("preset");
    const base = preset === undefined ? {} : { preset };
    const choices = [
      {},
      ...of("preset").map((name) => ({ preset: name })),
      ...of("ablation").map((name) => ({ ...base, ablations: [name] })),
    ];
    for (const choice of choices) {
      for (const diagnostic of shapeErrors(program, { model: model.name.name, precision: "f32", ...choice }, budget)) {
        const key = `${diagnostic.code} ${diagnostic.span.file}:${diagnostic.span.start}`;
        if (!found.has(key)) found.set(key, diagnostic);
      }
    }
  }
  return [...found.values()];
}

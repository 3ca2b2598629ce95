/** A value of the source to the place that decides it: where a preset or an ablation sets it, what it is worked out from there. */

import type { Expression, Field, Span } from "../../dsl/index.ts";
import type { Configuration } from "./configure.ts";

/**
 * The smallest span that must change for an expression to have another value. A param that is read by its bare name is decided by
 * the last ablation that sets it, else the preset, else its declaration; what `--set` gave stands nowhere, so the name is shown.
 */
export function sourceOfValue(configuration: Configuration, expression: Expression): Span {
  if (expression.kind !== "name") return expression.span;
  const { program, file, choices, model } = configuration;
  const { name } = expression;
  if (choices.settings !== undefined && Object.hasOwn(choices.settings, name)) return expression.span;
  const scope = program.files.get(file);
  const declarations = scope?.source.declarations ?? [];
  const fieldsOf = (kind: "preset" | "ablation", chosen: string): readonly Field[] =>
    declarations.flatMap((one) =>
      (one.kind === "preset" || one.kind === "ablation") &&
      one.kind === kind &&
      one.name.name === chosen &&
      one.model.name === model.name.name
        ? one.overrides
        : [],
    );
  const overrides = [
    ...(choices.preset === undefined ? [] : fieldsOf("preset", choices.preset)),
    ...(choices.ablations ?? []).flatMap((ablation) => fieldsOf("ablation", ablation)),
  ];
  const set = overrides.findLast((field) => field.name.name === name);
  if (set !== undefined) return set.value.span;
  const declared = scope?.names.get(name)?.declaration;
  return declared?.kind === "param" ? declared.value.span : expression.span;
}

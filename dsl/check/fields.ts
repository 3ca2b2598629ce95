/** The fields of a sampler, tokenizer or stage of training against a table of what each must be. */

import type { Expression, Field, Span } from "../ast.ts";
import { nearest } from "../nearest.ts";
import type { Figure, FigureKind } from "../sampling.ts";
import { type Context, hintNearest, type Names } from "./context.ts";
import { checkAs, typeOf } from "./expressions.ts";
import { float, int, list, type StaticType, showStatic } from "./static-type.ts";

export interface FieldRow {
  /** A function for what is no value of its own: it checks the field itself. */
  readonly type: StaticType | ((field: Field) => void);
  readonly optional?: true;
}

export interface FieldRows {
  readonly [name: string]: FieldRow;
}

/** `of` says whose fields they are; a missing one is reported at `span`. */
export function checkFields(context: Context, fields: readonly Field[], rows: FieldRows, of: string, span: Span, names: Names): void {
  const given = new Set<string>();
  for (const field of fields) {
    const { name } = field.name;
    const row = Object.hasOwn(rows, name) ? rows[name] : undefined;
    if (row === undefined) context.report("unknown-field", field.name.span, { name, of }, hintNearest(nearest(name, Object.keys(rows))));
    else if (given.has(name)) context.report("repeated-field", field.name.span, { name });
    else if (typeof row.type === "function") row.type(field);
    else checkAs(context, field.value, row.type, names);
    given.add(name);
  }
  for (const [name, row] of Object.entries(rows)) {
    if (!row.optional && !given.has(name)) context.report("missing-field", span, { name, of }, { hint: `add \`${name}: …\`` });
  }
}

const literal = (values: readonly string[]): StaticType => ({ kind: "literal", values });

/** What a figure may be as it is written: its own rule, which expansion asks, says more. */
function staticTypeOfFigure(kind: FigureKind): StaticType {
  if (typeof kind === "object") {
    const words = literal(kind.words);
    return kind.orFloats ? { kind: "either", options: [words, list(float)] } : words;
  }
  if (kind === "ints" || kind === "floats") return list(kind === "ints" ? int : float);
  return { kind };
}

/** A table of figures as fields; those with a default may be left out. */
export function figureRows(figures: { readonly [name: string]: Figure }): FieldRows {
  return Object.fromEntries(
    Object.entries(figures).map(([name, figure]) => {
      const type = staticTypeOfFigure(figure.kind);
      return [name, "default" in figure ? { type, optional: true } : { type }];
    }),
  );
}

/** One of the words, which must stand there as it is: what else its record says hangs on it. */
export function checkSource<W extends string>(context: Context, from: Expression, words: readonly W[], names: Names): W | undefined {
  const found = from.kind === "string" ? words.find((word) => word === from.value) : undefined;
  if (found !== undefined) return found;
  const guess = from.kind === "string" ? nearest(from.value, words) : undefined;
  const hint = guess === undefined ? {} : { hint: `did you mean \`"${guess}"\`?` };
  const holes = { expected: showStatic(literal(words)), found: showStatic(typeOf(context, from, names)) };
  context.report("wrong-type", from.span, holes, hint);
  return undefined;
}

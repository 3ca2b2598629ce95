/** The fields of a sampler or tokenizer against a table of what each must be. */

import type { Field, Span } from "../ast.ts";
import { nearest } from "../nearest.ts";
import { type Context, hintNearest, type Names } from "./context.ts";
import { checkAs } from "./expressions.ts";
import type { StaticType } from "./static-type.ts";

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

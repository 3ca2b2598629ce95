/** Models, presets and ablations: members, and overrides against what the model has. */

import type { AblationDeclaration, ModelDeclaration, PresetDeclaration } from "../ast.ts";
import { nearest } from "../nearest.ts";
import { checkGraph } from "./bodies.ts";
import { type Context, hintNearest, Names } from "./context.ts";
import { checkAs, typeOf } from "./expressions.ts";
import { checkFields, type FieldRows } from "./fields.ts";
import { checkSampler } from "./sampler.ts";
import { int, string } from "./static-type.ts";
import { checkTrain } from "./train.ts";

const tokenizerFields: FieldRows = { file: { type: string }, pad: { type: string } };

export function checkModel(context: Context, model: ModelDeclaration, file: string): void {
  const names = new Names(file);
  for (const dim of model.dims) {
    checkAs(context, dim.value, int, new Names(file));
    names.declare(context, dim.name, { type: int, kind: "dim" });
  }
  const seen = new Set<string>();
  for (const member of model.members) {
    if (member.kind === "const") names.declare(context, member.name, { type: typeOf(context, member.value, names), kind: "const" });
    if (member.kind === "const") continue;
    const named = member.kind === "graph" || member.kind === "train";
    const what = !named ? `${member.kind}s` : `${member.kind === "graph" ? "graphs" : "stages of training"} \`${member.name.name}\``;
    if (seen.has(what)) context.report("repeated-member", named ? member.name.span : member.span, { what });
    seen.add(what);
  }
  for (const member of model.members) {
    if (member.kind === "graph") checkGraph(context, member, names);
    if (member.kind === "tokenizer") checkFields(context, member.fields, tokenizerFields, "the tokenizer", member.span, names);
    if (member.kind === "sampler") checkSampler(context, member, model, names);
    if (member.kind === "train") checkTrain(context, member, model, names);
  }
}

/** Only dims and params can be overridden, of this file's scope or of the model itself. */
export function checkOverrides(context: Context, declaration: PresetDeclaration | AblationDeclaration, file: string): void {
  const declared = context.declared(declaration.model.name, file);
  if (declared === undefined && context.isUnknown(declaration.model.name, file)) return;
  if (declared?.declaration.kind !== "model") {
    const models = [...context.namesOf(file)].filter((name) => context.declared(name, file)?.declaration.kind === "model");
    context.report(
      "unknown-model",
      declaration.model.span,
      { name: declaration.model.name },
      hintNearest(nearest(declaration.model.name, models)),
    );
    return;
  }
  const model = declared.declaration;
  const own = model.dims.map((dim) => dim.name.name);
  const given = new Set<string>();
  const names = new Names(file);
  for (const { name, value } of declaration.overrides) {
    if (given.has(name.name)) context.report("repeated-field", name.span, { name: name.name });
    given.add(name.name);
    const kind = own.includes(name.name) ? "dim" : context.declared(name.name, file)?.declaration.kind;
    if (kind === "dim" || kind === "param") {
      const wanted = kind === "dim" ? int : (context.rules.declaredType(context, name.name, file) ?? int);
      checkAs(context, value, wanted, names);
      continue;
    }
    typeOf(context, value, names);
    if (kind === undefined && context.isUnknown(name.name, file)) continue;
    if (kind !== undefined) {
      context.report(
        "override-constant",
        name.span,
        { name: name.name, kind },
        { hint: `declare it as a param: \`param ${name.name}: … = …;\`` },
      );
      continue;
    }
    const candidates = [...context.namesOf(file)].filter((other) =>
      ["dim", "param"].includes(context.declared(other, file)?.declaration.kind ?? ""),
    );
    const guess = nearest(name.name, [...own, ...candidates]);
    context.report("unknown-override", name.span, { name: name.name, model: model.name.name }, hintNearest(guess));
  }
}

/** A file and what it imports to a checked program: each stage reports all it finds, and the next runs only if it found nothing. */

import type { Declaration, ImportDeclaration } from "../ast.ts";
import type { CheckResult, Host } from "../program.ts";
import type { OpSignature } from "../signature.ts";
import { checkBlock } from "./bodies.ts";
import { callType } from "./calls.ts";
import { Context, Names } from "./context.ts";
import { checkAs, typeOf } from "./expressions.ts";
import { LabelCheck } from "./labels.ts";
import { load } from "./load.ts";
import { checkModel, checkOverrides } from "./models.ts";
import { int, type StaticType, unknown } from "./static-type.ts";
import { checkType, staticTypeOf } from "./types.ts";

/** Never throws, whatever the files hold. */
export function check(entry: string, host: Host, ops: readonly OpSignature[]): CheckResult {
  const { files, texts, diagnostics } = load(entry, host);
  if (diagnostics.length > 0) return { program: undefined, diagnostics, texts };

  const context = new Context(files, ops, { callType, declaredType });
  const declarations = [...files].flatMap(([file, { source }]) => source.declarations.map((declaration) => ({ file, declaration })));
  for (const { file, declaration } of declarations) checkDeclaration(context, declaration, file);
  if (context.diagnostics.length === 0) checkLabels(context, declarations);
  const sorted = context.diagnostics;
  return { program: sorted.length === 0 ? { entry, files } : undefined, diagnostics: sorted, texts };
}

function checkDeclaration(context: Context, declaration: Declaration, file: string): void {
  switch (declaration.kind) {
    case "import":
      return;
    case "dim":
      return checkAs(context, declaration.value, int, new Names(file));
    case "const":
      declaredType(context, declaration.name.name, file);
      return;
    case "param":
      return checkAs(context, declaration.value, checkType(context, declaration.type, new Names(file)), new Names(file));
    case "type": {
      const names = new Names(file);
      for (const parameter of declaration.parameters) names.declare(context, parameter, { type: int, kind: "dim" });
      checkType(context, declaration.type, names);
      return;
    }
    case "block":
      return checkBlock(context, declaration, file);
    case "model":
      return checkModel(context, declaration, file);
    case "preset":
    case "ablation":
      return checkOverrides(context, declaration, file);
  }
}

function checkLabels(context: Context, declarations: readonly { file: string; declaration: Declaration }[]): void {
  const labels = new LabelCheck(context);
  for (const { file, declaration } of declarations) if (declaration.kind === "block") labels.ownsWeights(declaration, file);
  if (context.diagnostics.length > 0) return;
  for (const { file, declaration } of declarations) {
    if (declaration.kind === "block") labels.checkBody(declaration.body, file);
    if (declaration.kind !== "model") continue;
    for (const member of declaration.members) if (member.kind === "graph") labels.checkBody(member.body, file);
  }
}

/** Dims are ints, params say their type, a const's value tells; one that is made of itself is reported once. */
function declaredType(context: Context, name: string, file: string): StaticType | undefined {
  const declared = context.declared(name, file);
  const declaration: Exclude<Declaration, ImportDeclaration> | undefined = declared?.declaration;
  if (declared === undefined || declaration === undefined) return undefined;
  if (declaration.kind === "dim") return int;
  if (declaration.kind === "param") return staticTypeOf(context, declaration.type, declared.file);
  if (declaration.kind !== "const") return undefined;
  const known = context.constants.get(declaration);
  if (known !== undefined) return known;
  if (context.constantTrail.includes(declaration)) {
    const chain = [...context.constantTrail.slice(context.constantTrail.indexOf(declaration)), declaration];
    context.report("constant-cycle", declaration.name.span, { chain: chain.map((link) => link.name.name).join(" → ") });
    return unknown;
  }
  context.constantTrail.push(declaration);
  const type = typeOf(context, declaration.value, new Names(declared.file));
  context.constantTrail.pop();
  context.constants.set(declaration, type);
  return type;
}

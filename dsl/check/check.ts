/** A file and what it imports to a checked program: each stage reports all it finds, and the next runs only if it found nothing. */

import type { Declaration, Expression, ImportDeclaration, Statement } from "../ast.ts";
import { hasErrors } from "../diagnostic.ts";
import { never } from "../never.ts";
import type { CheckResult, Host } from "../program.ts";
import type { OpSignature } from "../signature.ts";
import { partsOf } from "../walk.ts";
import { checkBlock } from "./bodies.ts";
import { callType } from "./calls.ts";
import { Context, Names } from "./context.ts";
import { checkAs, typeOf } from "./expressions.ts";
import { LabelCheck } from "./labels.ts";
import { load } from "./load.ts";
import { checkModel, checkOverrides } from "./models.ts";
import { int, type StaticType, unknown } from "./static-type.ts";
import { checkType, checkTypeCycles, staticTypeOf } from "./types.ts";
import { warnUnused } from "./unused.ts";

/** Never throws, whatever the files hold. */
export function check(entry: string, host: Host, ops: readonly OpSignature[]): CheckResult {
  const { files, texts, diagnostics } = load(entry, host);
  if (hasErrors(diagnostics)) return { program: undefined, diagnostics, texts };

  const context = new Context(files, ops, { callType, declaredType });
  const declarations = [...files].flatMap(([file, { source }]) => source.declarations.map((declaration) => ({ file, declaration })));
  const types = declarations.flatMap(({ file, declaration }) => (declaration.kind === "type" ? [{ file, declaration }] : []));
  checkTypeCycles(context, types);
  if (context.failed) return { program: undefined, diagnostics: context.diagnostics, texts };
  for (const { declaration } of declarations) refuseCalls(context, declaration);
  for (const { file, declaration } of declarations) checkDeclaration(context, declaration, file);
  if (!context.failed) checkLabels(context, declarations);
  if (!context.failed) warnUnused(context, entry);
  const order = [...files.keys()];
  const found = [...diagnostics, ...context.diagnostics].toSorted(
    (a, b) => order.indexOf(a.span.file) - order.indexOf(b.span.file) || a.span.start - b.span.start,
  );
  return { program: context.failed ? undefined : { entry, files }, diagnostics: found, texts };
}

/** Values outside blocks and graphs are read without a graph to put a tensor in. */
function refuseCalls(context: Context, declaration: Declaration): void {
  const visit = (node: Expression | Statement): void => {
    if (node.kind === "call") context.report("call-outside-block", node.callSpan, { name: node.callee.name });
    else for (const part of partsOf(node)) visit(part);
  };
  switch (declaration.kind) {
    case "dim":
    case "param":
    case "const":
      return visit(declaration.value);
    case "preset":
    case "ablation":
      for (const { value } of declaration.overrides) visit(value);
      return;
    case "model":
      for (const { value } of declaration.dims) visit(value);
      for (const member of declaration.members) {
        if (member.kind === "const") visit(member.value);
        if (member.kind === "sampler" || member.kind === "tokenizer") for (const { value } of member.fields) visit(value);
      }
      return;
    case "import":
    case "type":
    case "block":
      return;
    default:
      return never(declaration);
  }
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
    default:
      return never(declaration);
  }
}

function checkLabels(context: Context, declarations: readonly { file: string; declaration: Declaration }[]): void {
  const labels = new LabelCheck(context);
  for (const { file, declaration } of declarations) if (declaration.kind === "block") labels.ownsWeights(declaration, file);
  if (context.failed) return;
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

/** A file and what it imports to a checked program: each stage reports all it finds, and the next runs only where what it leans on was found right. */

import type { Declaration, Expression, Statement } from "../ast.ts";
import { type Diagnostic, hasErrors } from "../diagnostic.ts";
import { never } from "../never.ts";
import type { CheckResult, Host } from "../program.ts";
import type { OpSignature } from "../signature.ts";
import { firstErrors } from "../syntax-messages.ts";
import { expressionsOf, partsOf } from "../walk.ts";
import { checkBlock } from "./bodies.ts";
import { callType } from "./calls.ts";
import { Context, EnoughErrors, Names } from "./context.ts";
import { checkTypeCycles, type ValueDeclaration, valuesInOrder } from "./cycles.ts";
import { checkAs, typeOf } from "./expressions.ts";
import { constantForms, isNumberForm, numberForms } from "./forms.ts";
import { LabelCheck } from "./labels.ts";
import { ownedLayouts, readersOf } from "./layout-owners.ts";
import { checkLayout, checkLayoutPaths, warnLost, warnUnread } from "./layouts.ts";
import { load } from "./load.ts";
import { checkModel, checkOverrides } from "./models.ts";
import { int, type StaticType } from "./static-type.ts";
import { checkTrainPaths } from "./train.ts";
import { checkType, staticTypeOf } from "./types.ts";
import { warnUnused } from "./unused.ts";

/** Never throws, whatever the files hold. */
export function check(entry: string, host: Host, ops: readonly OpSignature[]): CheckResult {
  const { files, texts, diagnostics } = load(entry, host);
  const unread = hasErrors(diagnostics);
  const context = new Context(files, [...ops, ...constantForms, ...numberForms], { callType, declaredType });
  try {
    runStages(context, entry, unread);
  } catch (thrown) {
    if (!(thrown instanceof EnoughErrors)) throw thrown;
  }
  const order = new Map([...files.keys()].map((file, i) => [file, i]));
  const placeOf = ({ span }: Diagnostic) => order.get(span.file) ?? 0;
  const found = [...diagnostics, ...context.diagnostics].sort((a, b) => placeOf(a) - placeOf(b) || a.span.start - b.span.start);
  const program = unread || context.failed ? undefined : { entry, files, layouts: ownedLayouts(files) };
  return { program, diagnostics: firstErrors(found), texts };
}

/** Each stage leans on what those before it have found to be right; what looks at a program as a whole needs all of it. */
function runStages(context: Context, entry: string, unread: boolean): void {
  const declarations = [...context.files].flatMap(([file, { source, incomplete }]) =>
    source.declarations.flatMap((declaration) => (incomplete.has(declaration) ? [] : [{ file, declaration }])),
  );
  checkTypeCycles(
    context,
    declarations.flatMap(({ file, declaration }) => (declaration.kind === "type" ? [{ file, declaration }] : [])),
  );
  const values = valuesInOrder(
    context,
    declarations.flatMap(({ file, declaration }) => (isValue(declaration) ? [{ file, declaration }] : [])),
  );
  if (context.failed) return;
  for (const { declaration } of declarations) refuseCalls(context, declaration);
  for (const { file, declaration } of values) declaredType(context, declaration.name.name, file);
  for (const { file, declaration } of declarations) checkDeclaration(context, declaration, file);
  if (unread) return;
  if (!context.failed) checkLabels(context, declarations);
  if (!context.failed) checkLayoutPaths(context, ownedLayouts(context.files));
  if (context.failed) return;
  for (const { file, declaration } of declarations) if (declaration.kind === "model") checkTrainPaths(context, declaration, file);
  if (context.failed) return;
  warnLost(context);
  warnUnread(context);
  warnUnused(context, entry);
}

function isValue(declaration: Declaration): declaration is ValueDeclaration {
  return declaration.kind === "dim" || declaration.kind === "param" || declaration.kind === "const";
}

/** Values outside blocks and graphs are read without a graph to put a tensor in. */
function refuseCalls(context: Context, declaration: Declaration): void {
  const visit = (node: Expression | Statement): void => {
    if (node.kind === "call" && !isNumberForm(node.callee.name))
      context.report("call-outside-block", node.callSpan, { name: node.callee.name });
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
    case "layout":
      for (const expression of expressionsOf(declaration)) visit(expression);
      return;
    case "model":
      for (const { value } of declaration.dims) visit(value);
      for (const member of declaration.members) {
        if (member.kind === "const") visit(member.value);
        if (member.kind === "sampler" || member.kind === "tokenizer" || member.kind === "train")
          for (const { value } of member.fields) visit(value);
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
      // Its type was found in its turn.
      return;
    case "param":
      return checkAs(context, declaration.value, checkType(context, declaration.type, new Names(file), "a param"), new Names(file));
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
    case "layout":
      for (const reader of readersOf(file, context.files)) checkLayout(context, declaration, file, reader);
      return;
    default:
      return never(declaration);
  }
}

function checkLabels(context: Context, declarations: readonly { file: string; declaration: Declaration }[]): void {
  const labels = new LabelCheck(context);
  labels.findOwners(declarations.flatMap(({ file, declaration }) => (declaration.kind === "block" ? [{ file, declaration }] : [])));
  if (context.failed) return;
  for (const { file, declaration } of declarations) {
    if (declaration.kind === "block") labels.checkBody(declaration.body, file);
    if (declaration.kind !== "model") continue;
    for (const member of declaration.members) if (member.kind === "graph") labels.checkBody(member.body, file);
  }
}

/** Dims are ints, params say their type, a const's value tells. */
function declaredType(context: Context, name: string, file: string): StaticType | undefined {
  const declared = context.declared(name, file);
  const declaration = declared?.declaration;
  if (declared === undefined || declaration === undefined) return undefined;
  if (declaration.kind === "dim") return int;
  if (declaration.kind === "param") return staticTypeOf(context, declaration.type, declared.file);
  if (declaration.kind !== "const") return undefined;
  const known = context.constants.get(declaration);
  if (known !== undefined) return known;
  const type = typeOf(context, declaration.value, new Names(declared.file));
  context.constants.set(declaration, type);
  return type;
}

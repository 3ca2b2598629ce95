/** A program without errors to warnings of what it declares or imports and never reads. */

import type { FileScope } from "../program.ts";
import type { Context } from "./context.ts";

export function warnUnused(context: Context, entry: string): void {
  for (const [file, scope] of context.files) warnImports(context, file, scope);
  const scope = context.files.get(entry);
  const builds = scope !== undefined && hasModel(scope);
  if (builds) warnDeclarations(context, entry, scope);
  const kinds = ["const", "let", "parameter", "hole"];
  warnLocals(context, builds ? kinds : [...kinds, "weight"]);
}

/** What is imported beside a model may be there for presets, ablations and `--set`, which reach the dims, params and models of its scope. */
function warnImports(context: Context, file: string, scope: FileScope): void {
  const settable: readonly string[] = hasModel(scope) ? ["dim", "param", "model"] : ["model"];
  for (const declaration of scope.source.declarations) {
    if (declaration.kind !== "import") continue;
    for (const { name, span } of declaration.names) {
      const kind = context.declared(name, file)?.declaration.kind;
      if (kind === undefined || settable.includes(kind) || context.isRead(name, file)) continue;
      context.report("unused-import", span, { name, from: declaration.path.value }, { hint: "leave it out of the import" });
    }
  }
}

/** An unread weight is an error of the build, if there is one. */
function warnLocals(context: Context, kinds: readonly string[]): void {
  for (const local of context.locals) {
    const { name, kind, span, binds = [] } = local;
    // A tensor may be there for the size of an axis.
    if (!kinds.includes(kind) || [local, ...binds].some((read) => context.isLocalRead(read))) continue;
    const hint = kind === "let" ? "use it, or delete it and all that changes it" : "use it, or delete it";
    context.report("unused-value", span, { name, kind }, { hint });
  }
}

/** Other files may read what a library declares; nothing imports the file of the model that is built. */
function warnDeclarations(context: Context, file: string, scope: FileScope): void {
  for (const declaration of scope.source.declarations) {
    const { kind } = declaration;
    if (kind === "block" && !context.isRead(declaration.name.name, file)) {
      context.report("unused-block", declaration.name.span, { name: declaration.name.name }, { hint: "call it, or delete it" });
    }
    if ((kind !== "dim" && kind !== "param" && kind !== "const") || context.isRead(declaration.name.name, file)) continue;
    const { name, span } = declaration.name;
    context.report(
      "unused-value",
      span,
      { name, kind },
      { hint: kind === "const" ? "delete it" : "delete it: setting it changes nothing" },
    );
  }
}

function hasModel(scope: FileScope): boolean {
  return scope.source.declarations.some((declaration) => declaration.kind === "model");
}

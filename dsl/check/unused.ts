/** A program without errors to warnings of what it declares or imports and never reads. */

import type { FileScope } from "../program.ts";
import type { Context } from "./context.ts";

export function warnUnused(context: Context, entry: string): void {
  for (const [file, scope] of context.files) warnImports(context, file, scope);
  const scope = context.files.get(entry);
  if (scope !== undefined && hasModel(scope)) warnValues(context, entry, scope);
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

/** Other files may read what a library declares; nothing imports the file of the model that is built. */
function warnValues(context: Context, file: string, scope: FileScope): void {
  for (const declaration of scope.source.declarations) {
    const { kind } = declaration;
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

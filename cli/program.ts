/** A path on disk to a checked program: the language's one door to files, and the printing of what it found. */

import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import pc from "picocolors";
import { opSignatures } from "../compiler/ops/table.ts";
import { type CheckResult, check, type Diagnostic, type Host, type Program, renderAll } from "../dsl/index.ts";
import { mvcError } from "../runtime/errors.ts";

/** Paths are shown as the user would type them: relative to where they stand, unless that climbs out. */
export function shownPath(path: string): string {
  const short = relative(process.cwd(), resolve(path));
  return short.startsWith("..") ? resolve(path) : short;
}

const host: Host = {
  read(path) {
    try {
      return readFileSync(path, "utf8");
    } catch {
      return undefined;
    }
  },
  resolve: (from, path) => shownPath(join(dirname(from), path)),
};

export function loadProgram(file: string): CheckResult {
  if (!existsSync(file)) throw mvcError("file-missing", { file, what: "the model" });
  return check(shownPath(file), host, opSignatures);
}

/** Prints diagnostics for people, on standard error. */
export function printDiagnostics(diagnostics: readonly Diagnostic[], texts: CheckResult["texts"]): void {
  if (diagnostics.length > 0) process.stderr.write(`${renderAll(diagnostics, texts, { colours: pc })}\n`);
}

/** The program of a file, its warnings printed; nothing, its errors printed, when it must not be compiled. */
export function soundProgram(file: string): { readonly program: Program; readonly texts: CheckResult["texts"] } | undefined {
  const { program, diagnostics, texts } = loadProgram(file);
  printDiagnostics(diagnostics, texts);
  return program === undefined ? undefined : { program, texts };
}

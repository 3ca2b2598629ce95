/** A path on disk to a checked program: the language's one door to files, and the printing of what it found. */

import { dirname, join } from "node:path";
import pc from "picocolors";
import { opSignatures } from "../compiler/ops/table.ts";
import { type CheckResult, check, type Diagnostic, type Host, type Program, renderAll } from "../dsl/index.ts";
import { MvcError } from "../runtime/errors.ts";
import { readText, requireRegular, textLimits } from "../runtime/node/regular-file.ts";
import { shownPath } from "./shown-path.ts";

/** The text of a model's file. Throws MvcError as `readText`. */
export function readSource(path: string): string {
  return readText(path, "the model", textLimits.model);
}

const host: Host = {
  read(path) {
    try {
      return readSource(path);
    } catch (thrown) {
      if (!(thrown instanceof MvcError)) throw thrown;
      return thrown.code === "file-missing" ? undefined : { unreadable: thrown.message, hint: thrown.hint };
    }
  },
  resolve: (from, path) => shownPath(join(dirname(from), path)),
};

/** The same for those who can do without it. */
export function sourceText(path: string): string | undefined {
  const text = host.read(path);
  return typeof text === "string" ? text : undefined;
}

export function loadProgram(file: string, what = "the model"): CheckResult {
  requireRegular(file, what);
  return check(shownPath(file), host, opSignatures);
}

/** Prints diagnostics for people, on standard error. */
export function printDiagnostics(diagnostics: readonly Diagnostic[], texts: CheckResult["texts"]): void {
  if (diagnostics.length > 0) process.stderr.write(`${renderAll(diagnostics, texts, { colours: pc })}\n`);
}

export interface SoundProgram {
  readonly program: Program;
  readonly texts: CheckResult["texts"];
}

/** The program of a file, which errors call `what`, its warnings printed; nothing, its errors printed, when it must not be compiled. */
export function soundProgram(file: string, what?: string): SoundProgram | undefined {
  const { program, diagnostics, texts } = loadProgram(file, what);
  printDiagnostics(diagnostics, texts);
  return program === undefined ? undefined : { program, texts };
}

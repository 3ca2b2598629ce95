/** Program and choices to the model as code: what targets that people read are written from. */

import { type Diagnostic, foundIn, type Program } from "../dsl/index.ts";
import { Unwritable } from "./expand/code/evidence.ts";
import { readCode } from "./expand/code/read-code.ts";
import { type Choices, configure } from "./expand/configure.ts";
import type { ModelCode } from "./module/code.ts";

/** `unwritable` says why a model that is right has no code. */
export type CodeResult =
  | { readonly ok: true; readonly value: ModelCode }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[]; readonly unwritable?: string };

export function compileCode(program: Program, choices: Choices): CodeResult {
  const configured = configure(program, choices);
  try {
    const read = configured.ok ? readCode(configured.value) : configured;
    return read.ok ? read : { ok: false, diagnostics: foundIn(read.diagnostics, choices) };
  } catch (error) {
    if (!(error instanceof Unwritable)) throw error;
    return { ok: false, diagnostics: [], unwritable: error.message };
  }
}

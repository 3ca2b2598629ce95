/** Program and choices to the model as code: what targets that people read are written from. */

import type { Program } from "../dsl/index.ts";
import { foundIn } from "../dsl/index.ts";
import { readCode } from "./expand/code/read-code.ts";
import { type Choices, configure } from "./expand/configure.ts";
import type { Attempt } from "./expand/failure.ts";
import type { ModelCode } from "./module/code.ts";

export function compileCode(program: Program, choices: Choices): Attempt<ModelCode> {
  const configured = configure(program, choices);
  const read = configured.ok ? readCode(configured.value) : configured;
  return read.ok ? read : { ok: false, diagnostics: foundIn(read.diagnostics, choices) };
}

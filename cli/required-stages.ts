/** A model's training to itself, or to the error that the model declares none. */

import type { Training } from "../compiler/module/training.ts";
import { mvcError } from "../runtime/errors.ts";

/** Throws MvcError where an option shows stages and there are none, run or left out. */
export function requireStages(file: string, option: string, { stages, left }: Training): void {
  if (stages.length + left.length > 0) return;
  const expected = `left out: ${file} declares no training, \`train name { loss: graph, … }\``;
  throw mvcError("option-invalid", { option, expected, found: "given" });
}

/** `mvc check`: the errors of a model, in the source and in the shapes that the file's own sizes, each preset and each ablation give it. */

import { setFlagsFromString } from "node:v8";
import pc from "picocolors";
import { checkSizes } from "../../compiler/check-sizes.ts";
import { hasErrors } from "../../dsl/index.ts";
import { loadProgram, printDiagnostics, shownPath } from "../program.ts";
import type { Outcome } from "../terminal.ts";
import { TokenizerCheck } from "../tokenizer-check.ts";

// The command is over before optimised code has paid for its making: a third of its time.
setFlagsFromString("--no-opt");

export function check(file: string, options: { readonly json?: true }): Outcome {
  const { program, diagnostics, texts } = loadProgram(file);
  const tokenizers = new TokenizerCheck(file);
  const sizes = program === undefined ? [] : checkSizes(program, (tokenizer) => tokenizers.errorsOf(tokenizer));
  const all = [...diagnostics, ...sizes];
  if (options.json) process.stdout.write(`${JSON.stringify(all, null, 2)}\n`);
  else {
    printDiagnostics(all, texts);
    if (!hasErrors(all)) process.stdout.write(`${pc.green("ok")} ${shownPath(file)}\n`);
  }
  return hasErrors(all) ? "mistake" : "done";
}

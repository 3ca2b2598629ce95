/** `mvc format`: files in the one style; a file that does not parse is left as it is. */

import pc from "picocolors";
import { parse, format as print } from "../../dsl/index.ts";
import { writeAtomically } from "../../runtime/node/atomic-file.ts";
import { printDiagnostics, readSource } from "../program.ts";
import { shownPath } from "../shown-path.ts";
import type { Outcome } from "../terminal.ts";

export async function format(files: readonly string[], options: { readonly check?: true }): Promise<Outcome> {
  let outcome: Outcome = "done";
  for (const file of files) {
    const text = readSource(file);
    const { source, diagnostics } = parse(shownPath(file), text);
    if (source === undefined || diagnostics.length > 0) {
      printDiagnostics(diagnostics, new Map([[shownPath(file), text]]));
      outcome = "mistake";
      continue;
    }
    const formatted = print(source);
    if (formatted === text) continue;
    if (options.check) {
      process.stdout.write(`${pc.yellow("would change")} ${shownPath(file)}\n`);
      outcome = "mistake";
    } else {
      await writeAtomically(file, [new TextEncoder().encode(formatted)]);
      process.stdout.write(`formatted ${shownPath(file)}\n`);
    }
  }
  return outcome;
}

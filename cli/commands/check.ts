/** `mvc check`: the errors of a model, in the source and in the shapes that the file's own sizes, each preset and each ablation give it; once, or at every change. */

import pc from "picocolors";
import { checkSizes } from "../../compiler/check-sizes.ts";
import { hasErrors } from "../../dsl/index.ts";
import { loadProgram, printDiagnostics } from "../program.ts";
import { shownPath } from "../shown-path.ts";
import { exitCodeOf, interruptible, type Outcome } from "../terminal.ts";
import { TokenizerCheck } from "../tokenizer-check.ts";
import { unoptimised } from "../unoptimised.ts";
import { changed, type Stamps, stampsOf } from "../watch.ts";

export interface CheckOptions {
  readonly json?: true;
  readonly watch?: true;
}

export async function check(file: string, options: CheckOptions): Promise<Outcome> {
  if (options.watch) return watch(file, options);
  return unoptimised(() => checkOnce(file, options)).outcome;
}

interface Checked {
  readonly outcome: Outcome;
  /** Every file that was read. */
  readonly files: readonly string[];
}

function checkOnce(file: string, options: CheckOptions): Checked {
  const { program, diagnostics, texts } = loadProgram(file);
  const tokenizers = new TokenizerCheck(file);
  const read = new Set(texts.keys());
  const sizes =
    program === undefined
      ? []
      : checkSizes(program, (tokenizer) => {
          read.add(tokenizers.pathOf(tokenizer));
          return tokenizers.errorsOf(tokenizer);
        });
  // A path that a layout asks for in vain may have gone with what is wrong.
  const said = hasErrors(sizes) ? diagnostics.filter(({ code }) => code !== "unknown-path") : diagnostics;
  const all = [...said, ...sizes];
  if (options.json) process.stdout.write(`${JSON.stringify(all, null, 2)}\n`);
  else {
    printDiagnostics(all, texts);
    if (!hasErrors(all)) process.stdout.write(`${pc.green("ok")} ${shownPath(file)}\n`);
  }
  return { outcome: hasErrors(all) ? "mistake" : "done", files: [...read] };
}

/** Until it is interrupted; a file that is gone for a moment is waited for. */
async function watch(file: string, options: CheckOptions): Promise<Outcome> {
  const signal = interruptible();
  let files: readonly string[] = [file];
  let stamps: Stamps;
  do {
    const before = stampsOf(files);
    try {
      ({ files } = checkOnce(file, options));
    } catch (thrown) {
      exitCodeOf(thrown);
    }
    stamps = stampsOf([file, ...files], before);
    process.stderr.write(pc.dim(`watching ${new Set([file, ...files].map(shownPath)).size} files; Ctrl-C ends it\n`));
  } while (await changed(stamps, signal));
  return "interrupted";
}

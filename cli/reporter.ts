/** The output of a command to where it says what it wrote there. */

import { outputAt } from "../runtime/node/output-file.ts";

/** On standard error where standard output is what it wrote to. */
export function reporterOf(output: string): (text: string) => void {
  const found = outputAt(output);
  const stream = found.kind === "open" && found.descriptor === 1 ? process.stderr : process.stdout;
  return (text) => void stream.write(text);
}

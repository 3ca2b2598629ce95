/** Sentences that a user must hear of what a command did, to standard error. */

import pc from "picocolors";

export function printNotes(notes: readonly string[]): void {
  for (const note of notes) process.stderr.write(`${pc.yellow("note")} ${note}\n`);
}

/** What a command's outcome is on the terminal: an exit code, and one clear sentence for an error that the user can mend. */

import { CommanderError } from "commander";
import pc from "picocolors";
import { MvcError, reasonOf } from "../runtime/errors.ts";

export const exitCodes = { done: 0, mistake: 1, usage: 2, interrupted: 130 } as const;
export type Outcome = keyof typeof exitCodes;

export function finish(outcome: Outcome): void {
  process.exitCode = exitCodes[outcome];
}

/** Writes the error and says how the process ends. A bug keeps its stack, with a request to report it. */
export function exitCodeOf(thrown: unknown): number {
  if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? exitCodes.done : exitCodes.usage;
  if (thrown instanceof MvcError) {
    process.stderr.write(`${pc.red("error")} ${pc.bold(thrown.code)}\n  ${thrown.message}\n  ${pc.cyan("hint:")} ${thrown.hint}\n`);
    return thrown.code === "aborted" ? exitCodes.interrupted : exitCodes.mistake;
  }
  const detail = thrown instanceof Error ? (thrown.stack ?? thrown.message) : reasonOf(thrown);
  process.stderr.write(`${pc.red("internal error")}: this is a bug of mvc, please report it with the command that you ran\n${detail}\n`);
  return exitCodes.mistake;
}

/** An abort signal that Ctrl-C and termination raise; a second one ends the process at once. */
export function interruptible(): AbortSignal {
  const controller = new AbortController();
  const stop = () => {
    if (controller.signal.aborted) process.exit(exitCodes.interrupted);
    controller.abort();
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  return controller.signal;
}

/** A reader that closes a pipe early (`| head`) ends the command quietly. */
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(exitCodes.done);
  throw error;
});

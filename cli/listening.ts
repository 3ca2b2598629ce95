/** Long work on data to what its user sees of it: a bar for each task on a terminal, and notes once that is gone. */

import type { Listening } from "./data/dataset-options.ts";
import { printNotes } from "./notes.ts";
import { type Progress, startProgress } from "./progress.ts";
import { interruptible } from "./terminal.ts";

export interface OnTerminal {
  readonly listening: Required<Listening>;
  /** Ends the bar and prints the notes. */
  readonly done: () => void;
}

export function listeningOnTerminal(): OnTerminal {
  const notes: string[] = [];
  let shown: { readonly task: string; readonly bar: Progress } | undefined;
  const listening = {
    note: (text: string) => void notes.push(text),
    progress: (task: string, count: number, total: number) => {
      if (shown?.task !== task) {
        shown?.bar.stop();
        shown = { task, bar: startProgress(task, total, "steps") };
      }
      shown.bar.to(count);
    },
    signal: interruptible(),
  };
  const done = () => {
    shown?.bar.stop();
    shown = undefined;
    printNotes(notes.splice(0));
  };
  return { listening, done };
}

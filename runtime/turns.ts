/** Calls that would write over each other's buffers to one after another, in the order in which they came. */

import { orAborted, throwIfAborted } from "./errors.ts";

/** Runs the work when its turn has come; an abort before that ends the wait, and the turn passes to the next. */
export type InTurn = <T>(work: () => Promise<T>, signal?: AbortSignal) => Promise<T>;

export function turns(): InTurn {
  const during = "waiting for the work before it";
  let last: Promise<void> | undefined;
  return async (work, signal) => {
    const before = last;
    const afterIt = () => {
      throwIfAborted(signal, during);
      return work();
    };
    const turn = before === undefined ? work() : before.then(afterIt);
    // What one call fails with is heard by its caller alone.
    const heard: Promise<void> = turn
      .then(
        () => {},
        () => {},
      )
      .then(() => {
        if (last === heard) last = undefined;
      });
    last = heard;
    if (before !== undefined) await orAborted(before, signal, during);
    return turn;
  };
}

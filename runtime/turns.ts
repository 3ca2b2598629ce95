/** Calls that would write over each other's buffers to one after another, in the order in which they came. */

import { orAborted, throwIfAborted } from "./errors.ts";

/** Runs the work when its turn has come; an abort before that ends the wait, and the turn passes to the next. */
export type InTurn = <T>(work: () => Promise<T>, signal?: AbortSignal) => Promise<T>;

export function turns(): InTurn {
  let last: Promise<unknown> = Promise.resolve();
  return async (work, signal) => {
    const during = "waiting for the work before it";
    let begin = () => {};
    const begun = new Promise<void>((resolve) => {
      begin = resolve;
    });
    const turn = last.then(() => {
      begin();
      throwIfAborted(signal, during);
      return work();
    });
    // What one call fails with is heard by its caller alone.
    last = turn.catch(() => {});
    await orAborted(begun, signal, during);
    return turn;
  };
}

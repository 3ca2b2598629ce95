/** Work that is over before optimised code has paid for its making, to the same work in two thirds of the time. */

import { setFlagsFromString } from "node:v8";

/** What comes after it is optimised as ever. */
export function unoptimised<T>(work: () => T): T {
  setFlagsFromString("--no-opt");
  try {
    return work();
  } finally {
    setFlagsFromString("--opt");
  }
}

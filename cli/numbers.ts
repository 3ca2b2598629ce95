/** Texts of the command line to numbers. */

import { InvalidArgumentError } from "commander";

/** Digits alone: `Number` also takes nothing, blanks, `0x10` and `1e3`, as 0, 0, 16 and 1000. */
export function wholeNumber(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value))
    throw new InvalidArgumentError(`It must be a whole number of 0 or more, up to ${Number.MAX_SAFE_INTEGER}.`);
  return value;
}

/** A decimal number, of digits alone. */
export function number(text: string): number {
  const value = Number(text);
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) || !Number.isFinite(value))
    throw new InvalidArgumentError("It must be a decimal number, such as 7.5.");
  return value;
}

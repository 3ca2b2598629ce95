/** What a caller asks of an encoder to what it can do, or the error that names the option. */

import { mvcError } from "../errors.ts";

/** Throws MvcError `option-invalid`. */
export function requireRate(fps: number): void {
  if (!(fps >= 0.01 && fps <= 100)) throw refused("fps", "a number from 0.01 to 100", fps);
}

/** The same of what counts pixels or frames. */
export function requireCount(option: "scale" | "columns", count: number): void {
  if (!Number.isSafeInteger(count) || count < 1) throw refused(option, "a whole number of 1 or more", count);
}

function refused(option: string, expected: string, found: unknown) {
  return mvcError("option-invalid", { option, expected, found: typeof found === "number" ? `${found}` : JSON.stringify(found) });
}

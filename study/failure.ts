/** What is kept of a cell whose training or clips came to numbers that are not finite: plain JSON, and a line of the report. */

import { readJson } from "./read-json.ts";

export interface CellFailure {
  readonly format: "mvc-cell-failure";
  readonly variant: string;
  readonly seed: number;
  /** Which weight, op or input it was, and at which step of which stage. */
  readonly reason: string;
}

/** Undefined where the text is no cell's failure. */
export function parseFailure(text: string): CellFailure | undefined {
  const isSound = ({ format, reason, seed }: CellFailure) =>
    format === "mvc-cell-failure" && typeof reason === "string" && Number.isSafeInteger(seed);
  return readJson(text, isSound);
}

/** What is kept of a cell whose training or clips came to numbers that are not finite: plain JSON, and a line of the report. */

export interface CellFailure {
  readonly format: "mvc-cell-failure";
  readonly variant: string;
  readonly seed: number;
  /** Which weight, op or input it was, and at which step of which stage. */
  readonly reason: string;
}

/** Undefined where the text is no cell's failure. */
export function parseFailure(text: string): CellFailure | undefined {
  try {
    const read = JSON.parse(text) as CellFailure;
    return read.format === "mvc-cell-failure" && typeof read.reason === "string" && Number.isSafeInteger(read.seed) ? read : undefined;
  } catch {
    return undefined;
  }
}

/** An error of a cell to what is kept of it, where it is the variant's own and not of the machine: a study goes on without it, and does not try it again. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { MvcError, mvcError } from "../../runtime/errors.ts";
import { readText, textLimits } from "../../runtime/node/regular-file.ts";
import type { CellResult } from "../../study/cell.ts";
import { type CellFailure, parseFailure } from "../../study/failure.ts";
import { nameOf } from "../../study/state.ts";
import { baselineName } from "../../study/variant.ts";
import { shownPath } from "../shown-path.ts";
import { readCell, seedsWith, studyFiles, writeText } from "./study-folder.ts";

/** Of a cell, in the place of its result. */
const failureFile = "failed.json";

type Id = Pick<CellResult, "variant" | "seed">;

const fileOf = (folder: string, id: Id): string => join(folder, studyFiles.cells, nameOf(id), failureFile);

/** What the error says of the cell. Throws any other error, and all of the baseline's, without which there is nothing to compare. */
export function failureOf(thrown: unknown, { variant, seed }: Id): CellFailure {
  const reason = thrown instanceof MvcError ? reasonOf(thrown) : undefined;
  if (reason === undefined || variant === baselineName) throw thrown;
  return { format: "mvc-cell-failure", variant, seed, reason };
}

/** Undefined of an error that does not say that numbers are not finite. */
function reasonOf({ code, message, fields }: MvcError): string | undefined {
  if (code === "training-not-finite") return message;
  if (code === "frames-not-finite") return `its clips cannot be shown: ${message}`;
  if (code !== "torch-failed") return undefined;
  // As train.py tells of such a step, before what it says of checkpoints.
  return /^(training stopped in stage .*?)(;|$)/.exec(String(fields.reason))?.[1];
}

export async function saveFailure(folder: string, failure: CellFailure): Promise<void> {
  await writeText(fileOf(folder, failure), `${JSON.stringify(failure)}\n`);
}

/** Undefined of a cell that did not fail. Throws MvcError `study-damaged`. */
export function readFailure(folder: string, id: Id): CellFailure | undefined {
  const file = fileOf(folder, id);
  if (!existsSync(file)) return undefined;
  const read = parseFailure(readText(file, "how a cell failed", textLimits.graph));
  if (read === undefined) throw mvcError("study-damaged", { file });
  return read;
}

/** Whether the cell's work is over, whatever came of it. Throws MvcError `study-damaged`. */
export function isOver(folder: string, id: Id): boolean {
  return readCell(folder, id) !== undefined || readFailure(folder, id) !== undefined;
}

/** Of a variant, the smallest seed first. */
export function failuresOf(folder: string, variant: string): readonly CellFailure[] {
  return seedsWith(folder, variant, failureFile).flatMap((seed) => readFailure(folder, { variant, seed }) ?? []);
}

/** Of a cell that the same command comes by again. */
export function failedBefore(folder: string, failure: CellFailure): string {
  const own = shownPath(join(folder, studyFiles.cells, nameOf(failure)));
  return `${nameOf(failure)}: failed, and is not tried again: ${failure.reason}; to try it again from its start, remove ${own}`;
}

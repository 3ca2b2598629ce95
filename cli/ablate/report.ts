/** The cells of a study's folder to its report: data, a page, a table. */

import { join } from "node:path";
import { readBytes } from "../../runtime/node/regular-file.ts";
import { markdown } from "../../study/markdown.ts";
import type { ShownClips } from "../../study/page/clips.ts";
import { page } from "../../study/page/page.ts";
import { reportOf, type VariantCells } from "../../study/report.ts";
import { nameOf, type StudyState } from "../../study/state.ts";
import { studyFiles, writeText } from "./study-folder.ts";

export interface ReportSource {
  /** The model's. */
  readonly file: string;
  readonly state: StudyState;
  readonly noises: number;
  /** The baseline first; each has a cell, done or failed. */
  readonly variants: readonly VariantCells[];
}

/** Throws MvcError `disk-full`, `write-failed`, `file-…` of a sheet that is gone. */
export async function writeReport(folder: string, { file, state, noises, variants }: ReportSource): Promise<void> {
  const { model, preset, settings, data, engine, minutes, weights, clips: prompts } = state.identity;
  const facts = { file, model, preset, settings, data, engine, minutes, weights, prompts, noises, steps: state.steps ?? {} };
  const report = reportOf(facts, variants);
  await writeText(join(folder, studyFiles.report), `${JSON.stringify(report, null, 1)}\n`);
  await writeText(join(folder, studyFiles.table), markdown(report));
  await writeText(join(folder, studyFiles.page), page(report, shownClips(folder, variants)));
}

const mostSheet = 2 ** 22;

/** Of each variant's first seed. */
function shownClips(folder: string, variants: readonly VariantCells[]): ShownClips {
  const cells = variants.flatMap(({ cells }) => cells.slice(0, 1));
  const prompts = cells[0]?.prompts ?? [];
  const sheets = cells.flatMap((cell) =>
    cell.sheets.map(({ step, file }) => ({
      variant: cell.variant,
      step,
      bytes: readBytes(join(folder, studyFiles.cells, nameOf(cell), file), "a sheet of clips", mostSheet),
    })),
  );
  const { frames = 1, aspect = 1 } = cells[0] ?? {};
  return { prompts, frames, aspect, sheets: sheets.map(({ bytes, ...one }) => ({ ...one, data: Buffer.from(bytes).toString("base64") })) };
}

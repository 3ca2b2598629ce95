/** The folder of a study: where its files lie, what it was begun with, and which of its cells are done. */

import { accessSync, constants, existsSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { mvcError } from "../../runtime/errors.ts";
import { writeAtomically } from "../../runtime/node/atomic-file.ts";
import { attempt, refused, requirePath } from "../../runtime/node/output-file.ts";
import { readText, textLimits } from "../../runtime/node/regular-file.ts";
import { isTemporary } from "../../runtime/node/temporary.ts";
import { type CellResult, parseCell } from "../../study/cell.ts";
import { nameOf, parseStudy, type StudyIdentity, type StudyState, studyNames } from "../../study/state.ts";
import { launchers } from "./launch/launch.ts";

export const studyFiles = {
  study: studyNames.state,
  report: studyNames.report,
  page: "report.html",
  table: "table.md",
  cells: studyNames.cells,
  /** Stages that several cells share, and what encoders make of clips. */
  shared: "shared",
  cache: "cache",
  /** Of `--engine torch`: what its trainers read, and what hands them to a scheduler. */
  clips: "clips.safetensors",
  slurm: launchers.slurm.file,
  kubernetes: launchers.kubernetes.file,
  ray: launchers.ray.file,
  /** Of weights and all else that is made again or is large. */
  ignored: ".gitignore",
} as const;

/** Of a cell, beside the files of its run. */
const resultFile = studyNames.result;

const names: { readonly [K in keyof StudyIdentity]: string } = {
  model: "the model",
  preset: "the preset",
  settings: "the settings",
  data: "the data",
  dataHash: "other clips of its data, by their hash",
  steps: "`--steps`",
  minutes: "`--minutes`",
  batch: "`--batch`",
  stages: "`--stage`",
  weights: "`--weights`, by their hash,",
  engine: "`--engine`",
  clips: "`--clips`",
};

/**
 * Looks, before any work, whether a study may begin or go on there: undefined where it begins.
 * @throws MvcError `study-damaged`, `output-refused`, `write-failed`, `option-invalid`
 */
export function openStudyFolder(folder: string): StudyState | undefined {
  requirePath(folder);
  const elsewhere = "give -o another folder";
  const found = attempt(folder, () => statSync(folder, { throwIfNoEntry: false }));
  if (found !== undefined && !found.isDirectory()) throw refused(folder, "it is a file, and a study is a folder", elsewhere);
  attempt(folder, () => accessSync(standing(folder), constants.W_OK));
  if (found === undefined) return undefined;
  const file = join(folder, studyFiles.study);
  if (existsSync(file)) return readStudy(file);
  const own: readonly string[] = Object.values(studyFiles);
  const foreign = attempt(folder, () => readdirSync(folder)).find((name) => !own.includes(name) && !isTemporary(name));
  if (foreign !== undefined) throw refused(folder, `the folder holds ${foreign} and no study`, elsewhere);
  return undefined;
}

function readStudy(file: string): StudyState {
  const state = parseStudy(readText(file, "the study", textLimits.graph));
  if (state === undefined) throw mvcError("study-damaged", { file });
  return state;
}

/** Throws MvcError `study-differs` that names the first difference. */
export function requireSameStudy(folder: string, started: StudyIdentity, now: StudyIdentity): void {
  for (const [key, what] of Object.entries(names) as [keyof StudyIdentity, string][]) requireAlike(folder, what, started[key], now[key]);
}

/** The same of a cell that is done. */
export function requireSameCell(folder: string, cell: CellResult, now: Pick<CellResult, "sourceHash" | "dataHash">): void {
  requireAlike(
    join(folder, studyFiles.cells, nameOf(cell)),
    "the training that the source declared, by its hash",
    cell.sourceHash,
    now.sourceHash,
  );
  requireAlike(join(folder, studyFiles.cells, nameOf(cell)), names.dataHash, cell.dataHash, now.dataHash);
}

function requireAlike(folder: string, what: string, started: unknown, now: unknown): void {
  const shown = (value: unknown) =>
    value === null || value === undefined
      ? "none"
      : typeof value === "string"
        ? value.replace(/^([0-9a-f]{12})[0-9a-f]{52}$/, "$1")
        : JSON.stringify(value);
  if (shown(started) !== shown(now)) throw mvcError("study-differs", { folder, what, expected: shown(started), found: shown(now) });
}

/** The folder, or the nearest one above it that is there. */
function standing(folder: string): string {
  const above = dirname(resolve(folder));
  return existsSync(folder) || above === resolve(folder) ? folder : standing(above);
}

/** Of cells that PyTorch trains. */
const ofTorch = ["*.py", "train.sh", "trainer/", "__pycache__/", "train.log", "torch.log", "slurm-*.out"];

/** Throws MvcError `disk-full`, `write-failed`. */
export async function makeStudyFolder(folder: string): Promise<void> {
  for (const part of [studyFiles.cells, studyFiles.shared, studyFiles.cache])
    attempt(folder, () => mkdirSync(join(folder, part), { recursive: true }));
  const ignored = ["*.safetensors", `/${studyFiles.shared}/`, `/${studyFiles.cache}/`, "metrics.jsonl", "curves.svg", ...ofTorch];
  await writeText(join(folder, studyFiles.ignored), `${ignored.join("\n")}\n`);
}

export async function saveStudy(folder: string, state: StudyState): Promise<void> {
  await writeText(join(folder, studyFiles.study), `${JSON.stringify(state, null, 2)}\n`);
}

export async function saveCell(folder: string, cell: CellResult): Promise<void> {
  await writeText(join(folder, studyFiles.cells, nameOf(cell), resultFile), `${JSON.stringify(cell)}\n`);
}

/** Undefined of a cell that is not done. Throws MvcError `study-damaged`. */
export function readCell(folder: string, cell: Pick<CellResult, "variant" | "seed">): CellResult | undefined {
  const file = join(folder, studyFiles.cells, nameOf(cell), resultFile);
  if (!existsSync(file)) return undefined;
  const read = parseCell(readText(file, "the result of a cell", textLimits.graph));
  if (read === undefined) throw mvcError("study-damaged", { file });
  return read;
}

/** Seeds of a variant whose cells are done, the smallest first. */
export function doneSeeds(folder: string, variant: string): readonly number[] {
  return seedsWith(folder, variant, resultFile);
}

/** Seeds of a variant whose cells have a file, the smallest first. */
export function seedsWith(folder: string, variant: string, file: string): readonly number[] {
  const cells = join(folder, studyFiles.cells);
  const own = existsSync(cells) ? attempt(cells, () => readdirSync(cells)).filter((name) => name.startsWith(`${variant}-`)) : [];
  const seeds = own.flatMap((name) => (/^\d+$/.test(name.slice(variant.length + 1)) ? [Number(name.slice(variant.length + 1))] : []));
  return seeds.filter((seed) => existsSync(join(cells, `${variant}-${seed}`, file))).sort((a, b) => a - b);
}

/** Variants that have cells. */
export function cellVariants(folder: string): readonly string[] {
  const cells = join(folder, studyFiles.cells);
  const names = existsSync(cells) ? attempt(cells, () => readdirSync(cells)) : [];
  return [...new Set(names.flatMap((name) => /^(.+)-\d+$/.exec(name)?.[1] ?? []))];
}

/** Throws MvcError `disk-full`, `write-failed`. */
export async function writeText(file: string, text: string): Promise<void> {
  await writeAtomically(file, [Buffer.from(text)]);
}

/** The folder of a study that `mvc ablate` made of models/magicvideo.mv to models that the page offers: its variants, each with its own weights and clips of its training. */

import { existsSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { mvcError } from "../../runtime/errors.ts";
import { readText, textLimits } from "../../runtime/node/regular-file.ts";
import { type CellResult, parseCell } from "../../study/cell.ts";
import { parseReport } from "../../study/report.ts";
import { parseStudy, type StudyIdentity, type StudyState, studyNames } from "../../study/state.ts";
import { baselineName } from "../../study/variant.ts";
import type { TrainingEntry } from "../models.ts";
import { grouped } from "../stages.ts";
import { examples, type Offer, vocabulary } from "./catalogue.ts";

/** The model that models/magicvideo.mv declares. */
const model = "MagicVideo";
const ownData = "moving-shapes";

export interface StudyOffers {
  readonly offers: readonly Offer[];
  /** What of the study is not offered, and why. */
  readonly notes: readonly string[];
}

/**
 * Of each variant the first seed that is done and has its weights, the baseline first.
 * @throws MvcError `option-invalid` of `--study`, `study-damaged`, `file-…`
 */
export function studyOffers(folder: string): StudyOffers {
  const { identity } = readStudy(folder);
  const cells = doneCells(folder);
  if (cells.length === 0)
    throw refused("a study of which something is done", `${folder}, whose cells have no result yet: the command that began it goes on`);
  const changes = changesIn(folder);
  const offers: Offer[] = [];
  const notes: string[] = [];
  for (const variant of new Set(cells.map(({ result }) => result.variant))) {
    const own = cells.filter(({ result }) => result.variant === variant);
    const cell = own.find(({ weights }) => weights !== undefined);
    if (cell === undefined) notes.push(`${variant} is not offered: the weights of its cells are gone`);
    else offers.push(offerOf(cell, identity, changes.get(variant)));
  }
  if (offers.length > 0) return { offers, notes };
  const lost = "a committed study is kept without them, and only training it again brings them back";
  throw refused("a study whose weights are there", `${folder}, whose cells have none: ${lost}`);
}

const refused = (expected: string, found: string) => mvcError("option-invalid", { option: "--study", expected, found });

function readStudy(folder: string): StudyState {
  const file = join(folder, studyNames.state);
  if (!existsSync(file)) throw refused("the folder of a study that `mvc ablate` made", `${folder}, which has no ${studyNames.state}`);
  const study = parseStudy(readText(file, "the study", textLimits.graph));
  if (study === undefined) throw mvcError("study-damaged", { file });
  if (study.identity.model !== model) throw refused(`a study of ${model} in models/magicvideo.mv`, `one of ${study.identity.model}`);
  return study;
}

interface Cell {
  readonly folder: string;
  readonly result: CellResult;
  /** What `mvc build --weights` takes; undefined where they are gone. */
  readonly weights: string | undefined;
}

/** The baseline first, then by name, seeds as numbers. */
function doneCells(folder: string): readonly Cell[] {
  const cells = join(folder, studyNames.cells);
  const names = existsSync(cells) ? readdirSync(cells) : [];
  const done = names.flatMap((name): Cell[] => {
    const own = join(cells, name);
    const file = join(own, studyNames.result);
    if (!existsSync(file)) return [];
    const result = parseCell(readText(file, "the result of a cell", textLimits.graph));
    if (result === undefined) throw mvcError("study-damaged", { file });
    return [{ folder: own, result, weights: weightsIn(own) }];
  });
  const rank = ({ result }: Cell) => (result.variant === baselineName ? "" : result.variant);
  return done.sort((a, b) => (rank(a) < rank(b) ? -1 : rank(a) > rank(b) ? 1 : a.result.seed - b.result.seed));
}

/** A run's own, or else those that its checkpoint has: of cells that were trained elsewhere often that alone is brought back. */
function weightsIn(cell: string): string | undefined {
  return ["weights.safetensors", "checkpoint.safetensors"].map((name) => join(cell, name)).find(existsSync);
}

function offerOf({ folder, result, weights = "" }: Cell, identity: StudyIdentity, change: string | undefined): Offer {
  const { variant } = result;
  const { preset, settings, data } = identity;
  const set = Object.entries(settings).flatMap(([name, value]) => [
    "--set",
    `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`,
  ]);
  return {
    name: variant,
    folder: basename(folder),
    choices: [...(preset === null ? [] : ["--preset", preset]), ...(variant === baselineName ? [] : ["--ablation", variant]), ...set],
    weights,
    note: [variant === baselineName ? "The study's baseline." : (change ?? `The ablation ${variant}.`), trainedFrom(result, identity)].join(
      " ",
    ),
    training: sheetsOf(folder, result),
    examples: data === ownData ? examples : result.prompts,
    vocabulary: data === ownData ? vocabulary : [],
  };
}

/** "Trained from seed 0: 385 steps of autoencoder, 1,538 of denoiser." */
function trainedFrom({ seed, stages }: CellResult, { weights }: StudyIdentity): string {
  const taken = stages
    .filter(({ steps }) => steps > 0)
    .map(({ name, steps }, i) => `${grouped(steps)}${i === 0 ? " steps" : ""} of ${name}`);
  const upon = weights === null ? "" : ", upon weights that were there";
  return `Trained from seed ${seed}${upon}${taken.length === 0 ? "" : `: ${taken.join(", ")}`}.`;
}

/** Of the last stage that has some, those that are there. */
function sheetsOf(folder: string, { stages, sheets, prompts, frames }: CellResult): TrainingEntry | null {
  const last = stages.findLast(({ name }) => sheets.some(({ stage }) => stage === name))?.name;
  const own = sheets
    .filter(({ stage }) => stage === last)
    // Sheets lie in one folder of the cell; whatever else a study says is not copied.
    .map(({ step, file }) => ({ step, path: join(folder, "samples", basename(file)) }))
    .filter(({ path }) => existsSync(path));
  return own.length === 0 ? null : { prompts, frames, sheets: own.sort((a, b) => a.step - b.step) };
}

/** By variant, as the study's report tells them: what the source says of an ablation, and what it sets; none where there is no report yet. */
function changesIn(folder: string): ReadonlyMap<string, string> {
  const file = join(folder, studyNames.report);
  if (!existsSync(file)) return new Map();
  const report = parseReport(readText(file, "the study's report", textLimits.graph));
  if (report === undefined) throw mvcError("study-damaged", { file });
  return new Map(
    report.variants.flatMap(({ name, doc, change }) => {
      if (change === null) return [];
      const set = change.settings.map(({ name, from, to }) => `${name} is ${to}${from === null ? "" : ` instead of ${from}`}`);
      return [[name, [...(doc === null ? [] : [doc]), `The ablation ${name}: ${set.join(", ")}.`].join(" ")] as const];
    }),
  );
}

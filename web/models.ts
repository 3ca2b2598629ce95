/** `models.json`, what lies beside the page, to checked entries: the packages, clips of their training, and what runs them on a processor. */

import type { ClipShape, Size } from "../runtime/clips/clip-shape.ts";
import { mvcError } from "../runtime/web/index.ts";

export interface ModelEntry {
  readonly name: string;
  /** One sentence: what is different about it. */
  readonly note: string;
  /** The package's folder, relative to the page. */
  readonly path: string;
  /** Of all that the package's pipeline may download on WebGPU. */
  readonly bytes: number;
  /** The same on ONNX Runtime; null where the package is not built for it. */
  readonly onnxBytes: number | null;
  readonly parameters: number;
  /** How its latents and pictures lie. */
  readonly shape: ClipShape;
  /** Whether no frame hangs on later ones, so that it makes clips of fewer. */
  readonly directed: boolean;
  /** What the package samples with when nothing is asked for. */
  readonly steps: number;
  readonly guidance: number;
  /** The most steps that make sense. */
  readonly trainSteps: number;
  readonly examples: readonly string[];
  /** Lists of words that can stand for one another, for people; empty where the model knows more than can be listed. */
  readonly vocabulary: readonly (readonly string[])[];
  /** Null where no clips were kept as it was trained. */
  readonly training: TrainingEntry | null;
}

/** What a model made of some prompts, each from a noise of its own, as its training went on. */
export interface TrainingEntry {
  readonly prompts: readonly string[];
  /** Of each clip, evenly from its first to its last. */
  readonly frames: number;
  /** The earliest step first, one at least. */
  readonly sheets: readonly SheetEntry[];
}

/** A picture with a row a prompt and a column a frame, relative to the page. */
export interface SheetEntry {
  readonly step: number;
  readonly path: string;
}

/** Whether the noise of a seed is the same for both, and so are the steps that they can be asked for. */
export function sharesNoise({ shape: a, trainSteps }: ModelEntry, { shape: b, trainSteps: other }: ModelEntry): boolean {
  return a.frames === b.frames && a.frame.join() === b.frame.join() && trainSteps === other;
}

/** ONNX Runtime's files, relative to the page; size and hash are those of its WebAssembly. */
export interface EngineEntry {
  readonly script: string;
  readonly binary: string;
  readonly bytes: number;
  readonly sha256: string;
}

export interface Site {
  readonly models: readonly [ModelEntry, ...ModelEntry[]];
  /** Null where the site was made without. */
  readonly engine: EngineEntry | null;
}

const isText = (value: unknown): value is string => typeof value === "string";
const isCount = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value) && value >= 0;
const isRecord = (value: unknown): value is { readonly [name: string]: unknown } => typeof value === "object" && value !== null;
const isSize = (value: unknown): value is Size => isRecord(value) && isCount(value.height) && isCount(value.width);
const isTexts = (value: unknown): value is readonly string[] => Array.isArray(value) && value.every(isText);

function isShape(value: unknown): value is ClipShape {
  if (!isRecord(value) || !isCount(value.frames) || !Array.isArray(value.frame) || !value.frame.every(isCount)) return false;
  const { latent, picture, pace } = value;
  const sized = [latent, picture].every((size) => size === undefined || isSize(size));
  return sized && isRecord(pace) && isCount(pace.per) && typeof pace.firstAlone === "boolean";
}

function isTraining(value: unknown): value is TrainingEntry {
  if (!isRecord(value) || !isTexts(value.prompts) || !isCount(value.frames) || !Array.isArray(value.sheets)) return false;
  const { prompts, frames, sheets } = value;
  const isSheet = (sheet: unknown, i: number) =>
    isRecord(sheet) && isCount(sheet.step) && isText(sheet.path) && (i === 0 || sheet.step > sheets[i - 1].step);
  return prompts.length > 0 && Number.isInteger(frames) && frames > 0 && sheets.length > 0 && sheets.every(isSheet);
}

const ofModels: { readonly [K in keyof ModelEntry]: (value: unknown) => boolean } = {
  name: isText,
  note: isText,
  path: isText,
  bytes: isCount,
  onnxBytes: (value) => value === null || isCount(value),
  parameters: isCount,
  shape: isShape,
  directed: (value) => typeof value === "boolean",
  steps: isCount,
  guidance: isCount,
  trainSteps: isCount,
  examples: isTexts,
  vocabulary: (value) => Array.isArray(value) && value.every(isTexts),
  training: (value) => value === null || isTraining(value),
};

const ofEngines: { readonly [K in keyof EngineEntry]: (value: unknown) => boolean } = {
  script: isText,
  binary: isText,
  bytes: isCount,
  sha256: isText,
};

function isEntry<T>(value: unknown, fields: { readonly [K in keyof T]: (value: unknown) => boolean }): value is T {
  return isRecord(value) && Object.entries<(field: unknown) => boolean>(fields).every(([name, holds]) => holds(value[name]));
}

/** Throws MvcError `file-unreadable` where the text does not list at least one model. */
export function parseSite(text: string): Site {
  const wrong = (reason: string) => mvcError("file-unreadable", { file: "models.json", reason });
  let site: unknown;
  try {
    site = JSON.parse(text);
  } catch {
    throw wrong("it is not JSON");
  }
  if (!isRecord(site) || !Array.isArray(site.models)) throw wrong("it has no list of models");
  const { models } = site;
  const engine: unknown = site.engine ?? null;
  const bad = models.findIndex((entry) => !isEntry<ModelEntry>(entry, ofModels));
  if (bad >= 0) throw wrong(`its entry ${bad + 1} lacks a field, or has one of another type`);
  if (engine !== null && !isEntry<EngineEntry>(engine, ofEngines)) throw wrong("its engine lacks a field, or has one of another type");
  const [first, ...rest]: readonly ModelEntry[] = models;
  if (first === undefined) throw wrong("it lists no model");
  return { models: [first, ...rest], engine };
}

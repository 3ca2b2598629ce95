/** What is kept of one model that was trained from one seed, a cell of a study: plain JSON, of which the report is made whether or not its weights are still there. */

import type { Measured } from "./measure.ts";
import { meanOf } from "./moments.ts";
import { readJson } from "./read-json.ts";

export interface StageRecord {
  readonly name: string;
  /** The hash of all that the stage is computed from: where it is another cell's, that one's weights were taken. */
  readonly key: string;
  /** The cell that ran it. */
  readonly by: string;
  /** 0 of a stage that measures. */
  readonly steps: number;
  readonly batch: number;
  /** The mean of the minimised loss over the last tenth of the steps; null of a stage that measures. */
  readonly loss: number | null;
  /** Step and loss, each the mean of a stretch of steps. */
  readonly curve: readonly (readonly [step: number, loss: number])[];
  /** The median of its steps; null of fewer than two. */
  readonly secondsPerStep: number | null;
}

/** Frames of a few prompts, sampled when so many steps of its stage were done. */
export interface Sheet {
  readonly stage: string;
  readonly step: number;
  /** In the cell's folder: a row a prompt, a column a frame. */
  readonly file: string;
}

export interface CellResult {
  readonly format: "mvc-cell";
  readonly variant: string;
  readonly seed: number;
  /** Of the graphs and figures that the source declared, and of the data. */
  readonly sourceHash: string;
  readonly dataHash: string;
  readonly stages: readonly StageRecord[];
  readonly measured: readonly Measured[];
  readonly prompts: readonly string[];
  readonly sheets: readonly Sheet[];
  /** Of each row of a sheet, and width over height of each. */
  readonly frames: number;
  readonly aspect: number;
  /** Of all its stages, those of other cells too. */
  readonly seconds: number;
}

/** Stretches of a curve at most. */
const mostPoints = 80;

export interface Lost {
  readonly step: number;
  readonly loss: number;
  /** Since the cell's run began. */
  readonly seconds: number;
}

/** The steps of a stage in their order to what is kept of them. */
export function stageRecord(about: Pick<StageRecord, "name" | "key" | "by" | "batch">, steps: readonly Lost[]): StageRecord {
  const last = steps.slice(Math.floor(steps.length * 0.9));
  const stretch = Math.max(1, Math.ceil(steps.length / mostPoints));
  const curve: (readonly [number, number])[] = [];
  for (let from = 0; from < steps.length; from += stretch) {
    const own = steps.slice(from, from + stretch);
    curve.push([own.at(-1)?.step ?? 0, rounded(meanOf(own.map(({ loss }) => loss)))]);
  }
  const times = steps.slice(1).map(({ seconds }, i) => seconds - (steps[i]?.seconds ?? 0));
  const middle = times.sort((a, b) => a - b)[Math.floor(times.length / 2)];
  return {
    ...about,
    steps: steps.length,
    loss: last.length === 0 ? null : rounded(meanOf(last.map(({ loss }) => loss))),
    curve,
    secondsPerStep: middle === undefined ? null : rounded(middle),
  };
}

/** Of what was only measured for reference its means, and no more digits than tell clips apart. */
export function keptOf(measured: readonly Measured[]): readonly Measured[] {
  return measured.map(({ set, measures }) => ({
    set,
    measures: measures.map((measure) => {
      const values = set === "seen" || set === "held-out" ? measure.values : [meanOf(measure.values)];
      return { ...measure, values: values.map(rounded) };
    }),
  }));
}

/** Undefined where the text is no cell's. */
export function parseCell(text: string): CellResult | undefined {
  const isSound = ({ format, stages, measured, sheets, prompts }: CellResult) =>
    format === "mvc-cell" && [stages, measured, sheets, prompts].every(Array.isArray);
  return readJson(text, isSound);
}

export const rounded = (value: number): number => Number(value.toPrecision(5));

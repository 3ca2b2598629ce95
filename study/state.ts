/** What a study was begun with, which all its cells share, and the files by which others know a study: plain JSON. */

import { readJson } from "./read-json.ts";

/** Names in a study's folder; its cells' folders are called as `nameOf` says. */
export const studyNames = {
  state: "study.json",
  report: "report.json",
  cells: "cells",
  /** Of a cell that is done. */
  result: "result.json",
} as const;

export interface StudyIdentity {
  readonly model: string;
  readonly preset: string | null;
  readonly settings: { readonly [name: string]: unknown };
  readonly data: string;
  readonly dataHash: string;
  readonly steps: number | null;
  readonly minutes: number | null;
  readonly batch: number | null;
  /** Those alone that are trained; null of all. */
  readonly stages: readonly string[] | null;
  /** What all cells start from, by its hash; null of random numbers. */
  readonly weights: string | null;
  readonly engine: string;
  /** Prompts of each set that are measured. */
  readonly clips: number;
}

export interface StudyState {
  readonly format: "mvc-study";
  readonly identity: StudyIdentity;
  /** Steps of each stage of every cell; null until the baseline has shown how many its minutes buy. */
  readonly steps: { readonly [stage: string]: number } | null;
}

/** Undefined where the text is no study's. */
export function parseStudy(text: string): StudyState | undefined {
  const isSound = ({ format, identity }: StudyState) => format === "mvc-study" && typeof identity === "object" && identity !== null;
  return readJson(text, isSound);
}

export const nameOf = ({ variant, seed }: { readonly variant: string; readonly seed: number }): string => `${variant}-${seed}`;

/** What a training run is besides its weights: what it was started with, and how far it has come. Plain JSON. */

import { mvcError } from "../runtime/errors.ts";

/** A stage of a run. */
export interface StagePlan {
  readonly name: string;
  /** Clips a step, in all; 0 of a stage that measures. */
  readonly batch: number;
  /** In how many parts each step's batch is computed: another number adds gradients in another order. */
  readonly parts: number;
  /** Null where a time was given and no step has been timed yet. */
  readonly steps: number | null;
}

/** A run that goes on is held to all of it. */
export interface RunIdentity {
  readonly model: string;
  readonly preset: string | null;
  readonly ablations: readonly string[];
  readonly settings: { readonly [name: string]: unknown };
  /** Of the graphs and figures that the source declares of its training. */
  readonly sourceHash: string;
  readonly data: string;
  readonly dataHash: string;
  readonly seed: number;
}

/** How much of a run was asked for; null where nothing was said. */
export interface Asked {
  readonly steps: number | null;
  readonly minutes: number | null;
}

export interface RunState {
  readonly identity: RunIdentity;
  readonly asked: Asked;
  readonly stages: readonly StagePlan[];
  /** The stage that is next or under way, from 0; as many as there are once all are done. */
  readonly stage: number;
  /** Steps of it that are done. */
  readonly step: number;
  /** Of the whole run, all of its sittings. */
  readonly seconds: number;
}

/** What each part of the identity is to a user. */
const names: { readonly [K in keyof RunIdentity]: string } = {
  model: "the model",
  preset: "the preset",
  ablations: "the ablations",
  settings: "the settings",
  sourceHash: "the training that the source declared, by its hash",
  data: "the data",
  dataHash: "other clips of its data, by their hash",
  seed: "the seed",
};

/** `now` may have a part of it. Throws MvcError `run-differs` that names the first difference. */
export function requireSame(folder: string, started: RunIdentity, now: Partial<RunIdentity>): void {
  for (const [key, what] of Object.entries(names) as [keyof RunIdentity, string][])
    if (key in now) differ(folder, what, started[key], now[key]);
}

/** The same of a stage's batch and of which stages there are. Throws MvcError `run-differs`. */
export function requireSameStages(folder: string, started: readonly StagePlan[], now: readonly Omit<StagePlan, "parts" | "steps">[]): void {
  const list = (stages: readonly { readonly name: string }[]) => stages.map(({ name }) => name);
  differ(folder, "the stages", list(started), list(now));
  for (const [i, { name, batch }] of started.entries()) differ(folder, `a batch in stage "${name}" of`, batch, now[i]?.batch);
}

/** What is said once more, or not at all. Throws MvcError `run-differs`. */
export function requireAsked(folder: string, started: Asked, now: Asked): void {
  if (now.steps !== null) differ(folder, "`--steps`", started.steps, now.steps);
  if (now.minutes !== null) differ(folder, "`--minutes`", started.minutes, now.minutes);
}

function differ(folder: string, what: string, expected: unknown, found: unknown): void {
  const shown = (value: unknown) => (value === null ? "none" : typeof value === "string" ? short(value) : JSON.stringify(value));
  if (shown(expected) !== shown(found)) throw mvcError("run-differs", { folder, what, expected: shown(expected), found: shown(found) });
}

const short = (text: string) => (/^[0-9a-f]{64}$/.test(text) ? text.slice(0, 12) : text);

/** Undefined where the text is not what a run writes. */
export function parseRunState(text: string): RunState | undefined {
  try {
    const state = JSON.parse(text) as RunState;
    const { identity, asked, stages, stage, step, seconds } = state;
    const isWhole = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0;
    const isPlan = (plan: StagePlan) => typeof plan.name === "string" && isWhole(plan.batch) && isWhole(plan.parts);
    const sound = typeof asked === "object" && typeof identity.sourceHash === "string" && Array.isArray(stages) && stages.every(isPlan);
    return sound && isWhole(stage) && isWhole(step) && Number.isFinite(seconds) ? state : undefined;
  } catch {
    return undefined;
  }
}

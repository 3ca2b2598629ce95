/** The options of `mvc train` and what the source declares to what a run is, and how long each of its stages is. */

import type { TrainingStage } from "../../compiler/module/training.ts";
import { mvcError } from "../../runtime/errors.ts";
import type { Dataset } from "../../training/dataset.ts";
import type { StageWork } from "../../training/engine.ts";
import { sharedSteps } from "../../training/plan.ts";
import type { Asked, RunIdentity, StagePlan } from "../../training/run-state.ts";
import type { EngineName } from "./engines.ts";
import { type Prepared, sourceHash, type TrainChoices } from "./prepare.ts";

export interface LengthOptions {
  readonly steps?: number;
  readonly minutes?: number;
  readonly batch?: number;
  readonly saveEvery?: number;
  readonly engine: EngineName;
}

const most = 1_000_000_000;

/** Throws MvcError `option-invalid`. */
export function requireLength({ steps, minutes, batch, saveEvery }: LengthOptions): void {
  for (const [option, count] of Object.entries({ "--steps": steps, "--batch": batch, "--save-every": saveEvery }))
    if (count !== undefined && !(count >= 1 && count <= most))
      throw mvcError("option-invalid", { option, expected: `1 to ${most}`, found: String(count) });
  if (minutes !== undefined && !(minutes > 0))
    throw mvcError("option-invalid", { option: "--minutes", expected: "above 0", found: String(minutes) });
}

export const askedOf = ({ steps = null, minutes = null }: { readonly steps?: number | null; readonly minutes?: number | null }): Asked => ({
  steps,
  minutes,
});

/** All of a run's identity but its data. */
export function identityOf(prepared: Prepared, { seed, set = {} }: TrainChoices): Omit<RunIdentity, "data" | "dataHash"> {
  const { module, training, stages } = prepared;
  const { name: model, preset, ablations } = module;
  return { model, preset, ablations, settings: set, sourceHash: sourceHash(training, stages), seed };
}

export const dataOf = ({ name: data, hash: dataHash }: Dataset): Pick<RunIdentity, "data" | "dataHash"> => ({ data, dataHash });

/**
 * What is asked for is shared among the stages by the steps that they declare; `partsOf` is into how many parts the engine likes a batch
 * divided. Throws MvcError `option-invalid` for a batch of stages that declare different ones.
 */
export function plansOf(
  { stages }: Prepared,
  { steps, minutes, batch }: Omit<LengthOptions, "engine">,
  partsOf: (batch: number) => number,
): readonly StagePlan[] {
  if (batch !== undefined) requireOneBatch(stages, batch);
  const declared = stages.map((stage) => (stage.kind === "loss" ? stage.steps : 0));
  const losses = declared.filter((count) => count > 0);
  const shared = steps === undefined ? losses : sharedSteps(steps, losses);
  let at = 0;
  return stages.map((stage) => {
    const { name } = stage;
    if (stage.kind === "measure") return { name, batch: 0, parts: 0, steps: 0 };
    const own = batch ?? stage.batch;
    return { name, batch: own, parts: partsOf(own), steps: minutes === undefined ? (shared[at++] ?? null) : null };
  });
}

function requireOneBatch(stages: readonly TrainingStage[], asked: number): void {
  const losses = stages.filter((stage) => stage.kind === "loss");
  if (new Set(losses.map(({ batch }) => batch)).size <= 1) return;
  const declared = losses.map(({ name, batch }) => `${name} ${batch}`).join(", ");
  throw mvcError("option-invalid", {
    option: "--batch",
    expected: `left out where stages of different batches are run (${declared})`,
    found: String(asked),
    instead: `run one of them by \`--stage ${losses[0]?.name}\``,
  });
}

/** What an engine computes of the stages from a run's current one on. */
export function worksOf({ stages, lossAt }: Prepared, plans: readonly StagePlan[], from: number, recompute: boolean): readonly StageWork[] {
  return stages.flatMap(({ kind, name: stage }, i) => {
    const plan = plans[i];
    if (kind === "measure" || plan === undefined || i < from) return [];
    const { loss: lossGraph, trained } = lossAt(stage, plan.batch / plan.parts);
    return [{ stage, lossGraph, trained, recompute }];
  });
}

export function secondsOf({ stages }: Prepared, { minutes }: Asked): readonly (number | null)[] {
  const all = stages.reduce((sum, stage) => sum + (stage.kind === "loss" ? stage.steps : 0), 0);
  return stages.map((stage) => (minutes === null || stage.kind === "measure" ? null : (minutes * 60 * stage.steps) / all));
}

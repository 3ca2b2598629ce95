/** A stage's loss to what a device runs of it: the graph of a step, planned within the device's limits. */

import type { Graph } from "../../compiler/graph/graph.ts";
import { passes, runPasses } from "../../compiler/passes/passes.ts";
import { addressable, breachesOf, type DeviceLimits, limitsFrom } from "../../compiler/targets/webgpu/plan/limits.ts";
import { unplannable } from "../../compiler/targets/webgpu/plan/unplannable.ts";
import { planGraph } from "../../compiler/targets/webgpu/plan-graph.ts";
import { mvcError } from "../../runtime/errors.ts";
import { kernelsIn, type PlannedGraph } from "../../runtime/webgpu/graph.ts";
import type { StageWork } from "../engine.ts";
import { withGradients } from "../gradients.ts";

export interface PlannedStage {
  /** As `withGradients` gives it. */
  readonly graph: Graph;
  readonly planned: PlannedGraph;
}

/** `granted` are the limits of an adapter or a device. Throws MvcError `training-limit`. */
export function planStage(work: StageWork, granted: Partial<DeviceLimits>): PlannedStage {
  const limits = addressable(limitsFrom(granted));
  const graph = withGradients(work);
  const ready = runPasses(graph, passes);
  const before = unplannable(ready, limits);
  const planned = before === undefined ? planGraph(ready, limits) : undefined;
  const breach = before ?? (planned && breachesOf(planned.plan, limits)[0]);
  if (breach !== undefined || planned === undefined) {
    const { limit = "", what = "", needed = 0, allowed = 0 } = breach ?? {};
    throw mvcError("training-limit", { stage: work.stage, what, limit, needed, found: allowed });
  }
  return { graph, planned: { plan: planned.plan, kernels: kernelsIn(planned.source), choices: undefined } };
}

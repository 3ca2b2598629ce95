/** Stages to engines that compute their steps on this machine's graphics device, once it is known to hold all of them. */

import { mvcError } from "../../runtime/errors.ts";
import { openDawn } from "../../runtime/node/dawn.ts";
import { findAdapter, openDevice } from "../../runtime/webgpu/device.ts";
import type { OpenEngine, StageWork } from "../engine.ts";
import { openWebGpuEngine } from "../webgpu/engine.ts";
import { planStage } from "../webgpu/plan-stage.ts";

/**
 * The stages are planned here, in the adapter's limits, and opened by what is given.
 * @throws MvcError `webgpu-absent`, `adapter-absent`, `training-limit`; what is given, as `openDevice` and `openWebGpuEngine`
 */
export async function prepareDawn(works: readonly StageWork[]): Promise<OpenEngine> {
  const adapter = await findAdapter(await openDawn());
  if (adapter === undefined) throw mvcError("adapter-absent", { where: "" });
  const planned = new Map(works.map((work) => [work.lossGraph, planStage(work, adapter.limits)]));
  return async (job) => openWebGpuEngine(await openDevice(await openDawn()), job, planned.get(job.lossGraph));
}

/** A stage's job to steps on this machine's graphics device. */

import { mvcError } from "../../runtime/errors.ts";
import { openDawn } from "../../runtime/node/dawn.ts";
import { findAdapter, openDevice } from "../../runtime/webgpu/device.ts";
import type { Engine, EngineJob } from "../engine.ts";
import { openWebGpuEngine } from "../webgpu/engine.ts";

/** Throws MvcError `webgpu-absent`, `adapter-absent`. */
export async function requireAdapter(): Promise<void> {
  if ((await findAdapter(await openDawn())) === undefined) throw mvcError("adapter-absent", { where: "" });
}

/** Throws MvcError as `requireAdapter`, `openDevice` and `openWebGpuEngine`. */
export async function openDawnEngine(job: EngineJob): Promise<Engine> {
  return openWebGpuEngine(await openDevice(await openDawn()), job);
}

/** A package behind an address to a pipeline on the browser's WebGPU. */

import { mvcError } from "../errors.ts";
import type { Progress } from "../options.ts";
import { openPackage } from "../package.ts";
import { type AnyGraphs, createPipeline, type GraphTypes, type Pipeline } from "../pipeline.ts";
import { openDevice } from "../webgpu/device.ts";
import { webgpuRunner } from "../webgpu/runner.ts";
import { httpFiles } from "./http-files.ts";

export interface WebLoadOptions {
  /** While weights load, `step` and `steps` count bytes of the graph that is loading. */
  readonly onProgress?: (progress: Progress) => void;
  readonly signal?: AbortSignal;
}

/**
 * Opens and checks a package and a graphics device; weights come with the first clip, or with `load`.
 * @throws MvcError `webgpu-absent`, `adapter-absent`, and as `openPackage`.
 */
export async function loadPipeline<G extends GraphTypes<G> = AnyGraphs>(
  address: string,
  options: WebLoadOptions = {},
): Promise<Pipeline<G>> {
  if (!("gpu" in navigator)) {
    const reason = globalThis.isSecureContext ? "this browser has none" : "the page is not served over https or from this computer";
    throw mvcError("webgpu-absent", { reason, hint: "open the page in a current Chrome, Edge, Firefox or Safari, over https" });
  }
  const device = await openDevice(navigator.gpu, " in this browser");
  try {
    const pack = await openPackage(httpFiles(address, options.signal));
    const { onProgress, signal } = options;
    const report = (loaded: number, total: number) => onProgress?.({ phase: "load", step: loaded, steps: total });
    return createPipeline<G>(pack, webgpuRunner(pack, device, { signal, onProgress: ({ loaded, total }) => report(loaded, total) }));
  } catch (error) {
    device.close();
    throw error;
  }
}

/** A package behind an address to a pipeline on the browser's WebGPU. */

import { mvcError } from "../errors.ts";
import type { Progress } from "../options.ts";
import { openPackage } from "../package.ts";
import { type AnyGraphs, createPipeline, type GraphTypes, type Pipeline } from "../pipeline.ts";
import { openDevice } from "../webgpu/device.ts";
import { webgpuRunner } from "../webgpu/runner.ts";
import { countedFiles } from "./counted-files.ts";
import { tuningStorage } from "./tuning-storage.ts";

export interface WebLoadOptions {
  /** While files load, `step` counts their bytes; their number is not known, and `steps` is 0. */
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
    const { onProgress, signal } = options;
    // What a hash was made of stays in memory, so that no byte is asked for twice: weights below 64 MiB.
    const files = countedFiles(address, signal, (loaded) => onProgress?.({ phase: "load", step: loaded, steps: 0 }));
    const pack = await openPackage(files, { verify: "lazy" });
    return createPipeline<G>(pack, webgpuRunner(pack, device, { signal, tunings: tuningStorage(pack) }));
  } catch (error) {
    device.close();
    throw error;
  }
}

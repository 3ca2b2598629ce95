/** A package behind an address to a pipeline on the browser's WebGPU. */

import { mvcError } from "../errors.ts";
import { parseManifest } from "../manifest.ts";
import type { Progress } from "../options.ts";
import { checkPackage } from "../package.ts";
import { type AnyGraphs, createPipeline, type GraphTypes, type Pipeline } from "../pipeline.ts";
import type { GraphRunner } from "../session.ts";
import { openDevice } from "../webgpu/device.ts";
import { webgpuRunner } from "../webgpu/runner.ts";
import { type CountedFiles, countedFiles, fetchManifest } from "./counted-files.ts";
import { tuningStorage } from "./tuning-storage.ts";

export interface WebLoadOptions {
  /**
   * Hears what comes before a clip, whoever asked for it. Of the phase `load`, `step` is the bytes that are here and `steps`
   * those that a clip needs, at each whole percent; of the phase `compile`, kernels.
   */
  readonly onProgress?: (progress: Progress) => void;
  /** Ends the download. */
  readonly signal?: AbortSignal;
}

/**
 * Opens a graphics device, downloads a package and checks it. Weights go to the device and kernels are compiled with the first
 * clip, or with `Pipeline.load`; weights of 64 MiB and more are downloaded then, and as far as the graphs need them.
 * @throws MvcError `webgpu-absent`, `adapter-absent`, and as `openPackage`.
 */
export async function loadPipeline<G extends GraphTypes<G> = AnyGraphs>(
  address: string,
  options: WebLoadOptions = {},
): Promise<Pipeline<G>> {
  if (!("gpu" in navigator) || !navigator.gpu) {
    const reason = globalThis.isSecureContext ? "this browser has none" : "the page is not served over https or from this computer";
    throw mvcError("webgpu-absent", { reason, hint: "open the page in a current Chrome, Edge, Firefox or Safari, over https" });
  }
  const device = await openDevice(navigator.gpu, " in this browser");
  try {
    const { onProgress, signal } = options;
    const manifest = parseManifest(await fetchManifest(address, signal));
    const onBytes = ({ loaded, total }: { readonly loaded: number; readonly total: number }) =>
      onProgress?.({ phase: "load", step: loaded, steps: total });
    const files = countedFiles(address, manifest, { signal, onBytes });
    const pack = await checkPackage(files, manifest, { verify: "lazy" });
    const onCompile = (step: number, steps: number) => onProgress?.({ phase: "compile", step, steps });
    return createPipeline<G>(pack, releasing(files, webgpuRunner(pack, device, { signal, tunings: tuningStorage(pack), onCompile })));
  } catch (error) {
    device.close();
    throw error;
  }
}

/** With the first clip all that clips need is on the device: what was downloaded is let go. */
function releasing(files: CountedFiles, runner: GraphRunner): GraphRunner {
  const { sample } = runner;
  if (sample === undefined) return runner;
  return {
    ...runner,
    sample: async (job) => {
      const made = await sample(job);
      files.release();
      return made;
    },
  };
}

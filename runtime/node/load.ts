/** A folder that `mvc build` wrote to a pipeline on ONNX Runtime. */

import type { Progress } from "../options.ts";
import { openPackage } from "../package.ts";
import { type AnyGraphs, createPipeline, type GraphTypes, type Pipeline } from "../pipeline.ts";
import { type OnnxOptions, onnxRunner } from "./onnx-session.ts";
import { packageFolder } from "./package-folder.ts";

export interface LoadOptions extends OnnxOptions {
  /** "full" also hashes weights of 64 MiB and more (about two seconds a gigabyte). */
  readonly verify?: "quick" | "full";
  readonly onProgress?: (progress: Progress) => void;
}

/**
 * Opens and checks a package; its graphs are loaded when they are first run.
 * @throws MvcError as `openPackage`.
 */
export async function loadPipeline<G extends GraphTypes<G> = AnyGraphs>(folder: string, options: LoadOptions = {}): Promise<Pipeline<G>> {
  options.onProgress?.({ phase: "load", step: 0, steps: 0 });
  const pack = await openPackage(packageFolder(folder), { verify: options.verify ?? "quick" });
  return createPipeline<G>(pack, onnxRunner(pack, folder, options));
}

/** A folder that `mvc build` wrote to a pipeline on WebGPU, or on ONNX Runtime. */

import { existsSync } from "node:fs";
import { abortSignal, callback, checkedOptions, type Kinds, oneOf, refused, wholeFrom } from "../arguments.ts";
import type { Progress } from "../options.ts";
import { openPackage, type Package } from "../package.ts";
import { type AnyGraphs, createPipeline, type GraphTypes, type Pipeline } from "../pipeline.ts";
import type { GraphRunner } from "../session.ts";
import { adapterKind, type Device, findAdapter, openDevice } from "../webgpu/device.ts";
import { webgpuRunner } from "../webgpu/runner.ts";
import { openDawn } from "./dawn.ts";
import { type OnnxOptions, onnxRunner } from "./onnx-session.ts";
import { packageFolder } from "./package-folder.ts";
import { tuningFile } from "./tuning-file.ts";

const loadKinds: Kinds<LoadOptions> = {
  backend: oneOf("auto", "webgpu", "onnx"),
  verify: oneOf("quick", "full"),
  onProgress: callback,
  signal: abortSignal,
  threads: wholeFrom(1),
  provider: oneOf("cpu", "webgpu"),
};

/** `auto` is WebGPU where the package is for it and a graphics device answers, else ONNX Runtime on the CPU. */
export type Backend = "auto" | "webgpu" | "onnx";

export interface LoadOptions extends OnnxOptions {
  /** `auto` when not given. */
  readonly backend?: Backend;
  /** "full" also hashes weights of 64 MiB and more (about two seconds a gigabyte). */
  readonly verify?: "quick" | "full";
  readonly onProgress?: (progress: Progress) => void;
  readonly signal?: AbortSignal;
}

/**
 * Opens and checks a package; its graphs are loaded when they are first run.
 * @throws MvcError as `openPackage`, `option-unknown`, `option-invalid`; with the backend `webgpu` also `webgpu-absent`, `adapter-absent`.
 */
export async function loadPipeline<G extends GraphTypes<G> = AnyGraphs>(folder: string, given: LoadOptions = {}): Promise<Pipeline<G>> {
  if (typeof folder !== "string") throw refused("the package", "the path of a folder", folder);
  const options = checkedOptions<LoadOptions>(given, loadKinds, "the options of `loadPipeline`");
  options.onProgress?.({ phase: "load", step: 0, steps: 0 });
  const pack = await openPackage(packageFolder(folder), { verify: options.verify ?? "quick" });
  return createPipeline<G>(pack, await openRunner(pack, folder, options));
}

/** The backend that the options ask for. Throws as `loadPipeline`. */
export async function openRunner(pack: Package, folder: string, options: LoadOptions): Promise<GraphRunner> {
  const { backend = "auto", onProgress, signal } = options;
  const graphs = Object.values(pack.manifest.graphs);
  const device =
    backend === "webgpu"
      ? await openDevice(await openDawn())
      : backend === "auto" && graphs.every((graph) => graph.webgpu)
        ? await hardware()
        : undefined;
  if (device === undefined) return onnxRunner(pack, folder, options);
  return webgpuRunner(pack, device, {
    tunings: tuningFile(folder),
    signal,
    onProgress: ({ loaded, total }) => onProgress?.({ phase: "load", step: loaded, steps: total }),
    onCompile: (step, steps) => onProgress?.({ phase: "compile", step, steps }),
  });
}

/** A graphics device; not the CPU that plays one, where ONNX Runtime is many times faster. */
async function hardware(): Promise<Device | undefined> {
  // Without the kernel's entry to a graphics card, drivers would only complain on standard error.
  const entries = ["/dev/dri", "/dev/nvidia0", "/dev/dxg"];
  if (process.platform === "linux" && !entries.some((entry) => existsSync(entry))) return undefined;
  try {
    const gpu = await openDawn();
    const adapter = await findAdapter(gpu);
    return adapter === undefined || adapterKind(adapter) !== "hardware" ? undefined : await openDevice(gpu);
  } catch {
    return undefined;
  }
}

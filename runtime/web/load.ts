/** A package behind an address to a pipeline on the browser's WebGPU, or on ONNX Runtime's WebAssembly. */

import type { Manifest } from "../../compiler/package/manifest.ts";
import { abortSignal, callback, checkedOptions, isRecord, type Kinds, oneOf, refused } from "../arguments.ts";
import { mvcError } from "../errors.ts";
import { parseManifest } from "../manifest.ts";
import type { Progress } from "../options.ts";
import { checkPackage } from "../package.ts";
import { type AnyGraphs, createPipeline, type GraphTypes, type Pipeline } from "../pipeline.ts";
import type { GraphRunner } from "../session.ts";
import { adapterKind, type Device, findAdapter, openDevice } from "../webgpu/device.ts";
import { webgpuRunner } from "../webgpu/runner.ts";
import { type CountedFiles, countedFiles, fetchManifest } from "./counted-files.ts";
import { filesToSample, neededGraphs } from "./needed-files.ts";
import { type OnnxEngine, webOnnxRunner } from "./onnx-session.ts";
import { tuningStorage } from "./tuning-storage.ts";

export interface WebLoadOptions {
  /**
   * `auto` when not given: WebGPU on a graphics card; where none answers, or a processor plays it, ONNX Runtime, if `onnxRuntime` is
   * given and the package is built for it; else whatever WebGPU there is.
   */
  readonly backend?: "auto" | "webgpu" | "onnx";
  /**
   * The module `onnxruntime-web/wasm`, or a function that imports it, called where it is needed. How it runs is set on it (`env.wasm`):
   * with `proxy` in a worker, so that the page stays alive; in several threads where the page is cross-origin isolated.
   */
  readonly onnxRuntime?: OnnxEngine | (() => Promise<OnnxEngine>);
  /**
   * Hears what comes before a clip, whoever asked for it. Of the phase `load`, `step` is the bytes of the package that are here and
   * `steps` those that a clip needs, at each whole percent; of the phase `compile`, kernels, or graphs of ONNX Runtime.
   */
  readonly onProgress?: (progress: Progress) => void;
  /** Ends the download. */
  readonly signal?: AbortSignal;
}

const loadKinds: Kinds<WebLoadOptions> = {
  backend: oneOf("auto", "webgpu", "onnx"),
  onnxRuntime: {
    holds: (value) => typeof value === "function" || isRecord(value),
    expected: "the module onnxruntime-web, or what loads it",
  },
  onProgress: callback,
  signal: abortSignal,
};

/**
 * Finds what computes, downloads a package and checks it. Weights go there and kernels are compiled with the first clip, or with
 * `Pipeline.load`; for WebGPU weights of 64 MiB and more are downloaded then, and as far as the graphs need them.
 * @throws MvcError `webgpu-absent`, `adapter-absent`, `backend-missing`, `option-unknown`, `option-invalid`, and as `openPackage`.
 */
export async function loadPipeline<G extends GraphTypes<G> = AnyGraphs>(address: string, given: WebLoadOptions = {}): Promise<Pipeline<G>> {
  if (typeof address !== "string") throw refused("the package", "the address of a folder", address);
  const options = checkedOptions<WebLoadOptions>(given, loadKinds, "the options of `loadPipeline`");
  const { backend = "auto", onnxRuntime, onProgress, signal } = options;
  if (backend === "onnx" && onnxRuntime === undefined) throw engineAbsent();
  const elsewhere = backend !== "webgpu" && onnxRuntime !== undefined;
  // Without another way, what is wrong with the device is told before anything is downloaded.
  let device = elsewhere ? undefined : await webgpuDevice();
  try {
    const manifest = parseManifest(await fetchManifest(address, signal));
    if (elsewhere && backend === "auto") {
      device = isFor(manifest, "webgpu") ? await hardware() : undefined;
      if (device === undefined && !isFor(manifest, "onnx")) device = await webgpuDevice();
    }
    const target = device === undefined ? "onnx" : "webgpu";
    const onBytes = ({ loaded, total }: { readonly loaded: number; readonly total: number }) =>
      onProgress?.({ phase: "load", step: loaded, steps: total });
    const files = countedFiles(address, manifest, { target, signal, onBytes });
    const allWeights = filesToSample(manifest, target).some(({ file }) => file === manifest.weights.file);
    const pack = await checkPackage(files, manifest, { verify: "lazy", allWeights });
    const onCompile = (step: number, steps: number) => onProgress?.({ phase: "compile", step, steps });
    const runner =
      device === undefined
        ? webOnnxRunner(
            pack,
            files,
            async () => (typeof onnxRuntime === "function" ? onnxRuntime() : (onnxRuntime as OnnxEngine)),
            onCompile,
          )
        : releasing(files, webgpuRunner(pack, device, { signal, tunings: tuningStorage(pack), onCompile }));
    return createPipeline<G>(pack, runner);
  } catch (error) {
    device?.close();
    throw error;
  }
}

function engineAbsent() {
  const hint = 'pass it: `loadPipeline(address, { onnxRuntime: () => import("onnxruntime-web/wasm") })`';
  return mvcError("backend-missing", { backend: "ONNX Runtime", reason: "the option onnxRuntime is not given", hint });
}

function isFor(manifest: Manifest, target: "webgpu" | "onnx"): boolean {
  return neededGraphs(manifest).every((graph) => graph[target] !== undefined);
}

/** Throws MvcError `webgpu-absent`, `adapter-absent`, `device-lost`. */
async function webgpuDevice(): Promise<Device> {
  if (!("gpu" in navigator) || !navigator.gpu) {
    const reason = globalThis.isSecureContext ? "this browser has none" : "the page is not served over https or from this computer";
    throw mvcError("webgpu-absent", { reason, hint: "open the page in a current Chrome, Edge, Firefox or Safari, over https" });
  }
  return openDevice(navigator.gpu, " in this browser");
}

/** A graphics device; not the processor that plays one, where ONNX Runtime is many times faster. */
async function hardware(): Promise<Device | undefined> {
  if (!("gpu" in navigator) || !navigator.gpu) return undefined;
  const adapter = await findAdapter(navigator.gpu);
  return adapter === undefined || adapterKind(adapter) === "software" ? undefined : openDevice(navigator.gpu).catch(() => undefined);
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

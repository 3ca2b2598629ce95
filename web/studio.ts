/** A visitor's wishes to sampled clips: keeps the model that was used last on the graphics card. */

import { type ErrorCode, MvcError, mvcError } from "../runtime/errors.ts";
import { openPackage } from "../runtime/package.ts";
import { createPipeline, type Pipeline, type SampledClip } from "../runtime/pipeline.ts";
import { type CountedFiles, countedFiles } from "../runtime/web/counted-files.ts";
import { tuningStorage } from "../runtime/web/tuning-storage.ts";
import { openDevice } from "../runtime/webgpu/device.ts";
import { webgpuRunner } from "../runtime/webgpu/runner.ts";
import type { ModelEntry } from "./models.ts";
import type { Stage } from "./stages.ts";

export interface Wish {
  readonly model: ModelEntry;
  readonly prompt: string;
  readonly seed: number;
  readonly steps: number;
  readonly guidance: number;
}

export interface Studio {
  /** Throws as `Pipeline.sample` and as opening a package does; after any error the next call works. */
  sample(wish: Wish, signal: AbortSignal, report: (stage: Stage) => void): Promise<SampledClip>;
}

interface Loaded {
  readonly path: string;
  readonly files: CountedFiles;
  readonly pipeline: Pipeline;
  /** Ends the download; heard by nobody once all is loaded. */
  readonly loading: AbortController;
  /** Whether a step has run, so that nothing is left to load. */
  ready: boolean;
}

/** Errors that say nothing against the pipeline which threw them. */
const harmless = new Set<ErrorCode>([
  "aborted",
  "option-invalid",
  "prompt-too-long",
  "word-unknown",
  "input-missing",
  "input-unknown",
  "input-invalid",
  "id-out-of-range",
  "frames-not-finite",
]);

export function createStudio(): Studio {
  let loaded: Loaded | undefined;
  const drop = async () => {
    const { pipeline } = loaded ?? {};
    loaded = undefined;
    await pipeline?.dispose();
  };

  return {
    sample: async ({ model, prompt, seed, steps, guidance }, signal, report) => {
      if (loaded !== undefined && loaded.path !== model.path) await drop();
      const loading = loaded?.loading ?? new AbortController();
      const stop = () => loading.abort();
      signal.addEventListener("abort", stop);
      try {
        loaded ??= await open(model, loading, report);
        const used = loaded;
        return await used.pipeline.sample(prompt, {
          seed,
          steps,
          guidance,
          signal,
          onProgress: (progress) => {
            if (progress.phase === "step" && !used.ready) {
              used.ready = true;
              used.files.release();
            }
            if (progress.phase !== "load") report({ at: progress.phase, step: progress.step, steps: progress.steps });
          },
        });
      } catch (error) {
        // What an abort leaves of a half-loaded model is not used again.
        const kept = error instanceof MvcError && harmless.has(error.code) && (loaded?.ready || error.code !== "aborted");
        if (!kept) await drop();
        throw error;
      } finally {
        signal.removeEventListener("abort", stop);
      }
    },
  };
}

async function open(model: ModelEntry, loading: AbortController, report: (stage: Stage) => void): Promise<Loaded> {
  const { signal } = loading;
  const device = await openDevice(navigator.gpu, " in this browser");
  const files = countedFiles(model.path, signal, (loaded) => report({ at: "download", loaded, total: model.bytes }));
  try {
    report({ at: "download", loaded: 0, total: model.bytes });
    const pack = await openPackage(files, { verify: "lazy" });
    if (signal.aborted) throw mvcError("aborted", { during: "the download" });
    const runner = webgpuRunner(pack, device, { signal, tunings: tuningStorage(pack), onProgress: () => report({ at: "compile" }) });
    return { path: model.path, files, loading, pipeline: createPipeline(pack, runner), ready: false };
  } catch (error) {
    device.close();
    throw error;
  }
}

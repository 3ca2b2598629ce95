/** A visitor's wishes to sampled clips: keeps the model that was used last on the graphics card. */

import {
  type ErrorCode,
  loadPipeline,
  MvcError,
  type Pipeline,
  type Progress,
  type SampledClip,
  type TruncatedPrompt,
} from "../runtime/web/index.ts";
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
  /**
   * A prompt that is too long is truncated, of which `cut` hears before the work. Throws as `Pipeline.sample` and as `loadPipeline` does;
   * after any error the next call works.
   */
  sample(wish: Wish, signal: AbortSignal, report: (stage: Stage) => void, cut: (prompt: TruncatedPrompt) => void): Promise<SampledClip>;
}

interface Loaded {
  readonly path: string;
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
    sample: async ({ model, prompt, seed, steps, guidance }, signal, report, onTruncated) => {
      if (loaded !== undefined && loaded.path !== model.path) await drop();
      const loading = loaded?.loading ?? new AbortController();
      const stop = () => loading.abort();
      signal.addEventListener("abort", stop);
      const onProgress = (progress: Progress) => {
        if (progress.phase === "step" && loaded !== undefined) loaded.ready = true;
        report(stageOf(progress));
      };
      try {
        if (loaded === undefined) {
          report({ at: "download", loaded: 0, total: model.bytes });
          // The first clip on a model hears what loading it says; later ones load nothing.
          const pipeline = await loadPipeline(model.path, { signal: loading.signal, onProgress });
          loaded = { path: model.path, loading, pipeline, ready: false };
        }
        return await loaded.pipeline.sample(prompt, { seed, steps, guidance, longPrompt: "truncate", onTruncated, signal, onProgress });
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

function stageOf({ phase, step, steps }: Progress): Stage {
  if (phase === "load") return { at: "download", loaded: step, total: steps };
  if (phase === "compile") return { at: "compile", done: step, kernels: steps };
  return { at: phase, step, steps };
}

/** A visitor's wishes to sampled clips: keeps the model that was used last where it is computed, and those that were beside it. */

import {
  type ErrorCode,
  loadPipeline,
  MvcError,
  type Pipeline,
  type Progress,
  type SampledClip,
  type TruncatedPrompt,
} from "../runtime/web/index.ts";
import type { Engine } from "./engine.ts";
import type { ModelEntry } from "./models.ts";
import { requestOf } from "./order.ts";
import type { Stage } from "./stages.ts";
import type { Order } from "./wish.ts";

export interface Studio {
  /**
   * Prompts that are too long are truncated, of each of which `cut` hears before the work. Throws as `Pipeline.sample` and as `loadPipeline` does;
   * after any error the next call works.
   */
  sample(order: Order, signal: AbortSignal, report: (stage: Stage) => void, cut: (prompt: TruncatedPrompt) => void): Promise<SampledClip>;
}

interface Loaded {
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
  "latents-absent",
  "id-out-of-range",
  "frames-not-finite",
]);

/** On the processor by an engine where it is given, else on the graphics card. */
export function createStudio(engine: Engine | undefined): Studio {
  const open = engine === undefined ? onCard : onProcessor(engine);
  const loaded = new Map<ModelEntry, Loaded>();
  const drop = async (model: ModelEntry) => {
    const { pipeline } = loaded.get(model) ?? {};
    loaded.delete(model);
    await pipeline?.dispose();
  };

  return {
    sample: async (order, signal, report, onTruncated) => {
      const { model, beside, seed, steps, guidance } = order;
      const { prompt = {}, ...rest } = requestOf(order);
      for (const one of [...loaded.keys()]) if (one !== model && !beside.includes(one)) await drop(one);
      const loading = loaded.get(model)?.loading ?? new AbortController();
      const stop = () => loading.abort();
      signal.addEventListener("abort", stop);
      const onProgress = (progress: Progress) => {
        const own = loaded.get(model);
        if (progress.phase === "step" && own !== undefined) own.ready = true;
        report(stageOf(progress, engine));
      };
      try {
        const own = loaded.get(model) ?? { loading, pipeline: await open(model, loading.signal, onProgress), ready: false };
        loaded.set(model, own);
        const asked = { seed, steps, guidance, ...rest };
        return await own.pipeline.sample(prompt, { ...asked, longPrompt: "truncate", onTruncated, signal, onProgress });
      } catch (error) {
        // What an abort leaves of a half-loaded model is not used again.
        const kept = error instanceof MvcError && harmless.has(error.code) && (loaded.get(model)?.ready || error.code !== "aborted");
        if (!kept) await drop(model);
        throw error;
      } finally {
        signal.removeEventListener("abort", stop);
      }
    },
  };
}

type Open = (model: ModelEntry, signal: AbortSignal, onProgress: (progress: Progress) => void) => Promise<Pipeline>;

/** The first clip on a model hears what loading it says; later ones load nothing. */
const onCard: Open = (model, signal, onProgress) => {
  onProgress({ phase: "load", step: 0, steps: model.bytes });
  return loadPipeline(model.path, { backend: "webgpu", signal, onProgress });
};

/** The engine comes beside the first model's files, and counts as one of them. */
function onProcessor(engine: Engine): Open {
  let here = false;
  return async ({ path, onnxBytes }, signal, onProgress) => {
    const total = (onnxBytes ?? 0) + (here ? 0 : engine.bytes);
    const loaded = { engine: 0, model: 0 };
    const tell = (part: Partial<typeof loaded>) => {
      Object.assign(loaded, part);
      onProgress({ phase: "load", step: loaded.engine + loaded.model, steps: total });
    };
    tell({});
    const module = engine.load((step) => tell({ engine: step }), signal);
    // Heard where it is needed.
    module.catch(() => {});
    const hear = (progress: Progress) => (progress.phase === "load" ? tell({ model: progress.step }) : onProgress(progress));
    const pipeline = await loadPipeline(path, { backend: "onnx", onnxRuntime: () => module, signal, onProgress: hear });
    await module;
    here = true;
    return pipeline;
  };
}

function stageOf({ phase, step, steps }: Progress, engine: Engine | undefined): Stage {
  if (phase === "load") return { at: "download", loaded: step, total: steps };
  if (phase === "compile") return { at: "compile", done: step, of: steps, what: engine === undefined ? "kernels" : "graphs" };
  return { at: phase, step, steps };
}

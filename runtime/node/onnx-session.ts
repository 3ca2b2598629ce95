/** Graphs of a package in a folder to sessions of onnxruntime-node, by their paths. */

import { resolve } from "node:path";
import type { InferenceSession, Tensor } from "onnxruntime-node";
import { mvcError, reasonOf } from "../errors.ts";
import { type OpenedGraph, onnxTensor, runnerOnOnnx } from "../onnx-runner.ts";
import type { Package } from "../package.ts";
import type { GraphRunner } from "../session.ts";

export interface OnnxOptions {
  /** Threads within an op; ONNX Runtime's own choice (the physical cores) when not given. */
  readonly threads?: number;
  /** What the engine computes on; "cpu" when not given. Its WebGPU is there to be measured against. */
  readonly provider?: "cpu" | "webgpu";
}

/** Each graph is loaded at its first run. */
export function onnxRunner(pack: Package, folder: string, options: OnnxOptions = {}): GraphRunner {
  return runnerOnOnnx(pack, { open: (graph, { file }) => openGraph(graph, resolve(folder, file), folder, options) });
}

/** Loaded at the first need: the library is 46 MB, and most commands never run a graph. */
async function engine(): Promise<typeof import("onnxruntime-node")> {
  const loaded = await import("onnxruntime-node").catch((error: unknown) => {
    const hint = "install it with `npm install onnxruntime-node --ignore-scripts`: its script would fetch CUDA, which is not needed";
    throw mvcError("backend-missing", { backend: "ONNX Runtime", reason: reasonOf(error), hint });
  });
  holdHalvesAsBits(loaded.Tensor);
  return loaded;
}

/**
 * The engine's JavaScript looks once, when its first tensor is made, whether `Float16Array` is there, and then hands its
 * native part arrays that this does not know (1.30 on Node 24: "not enough space"). So it must not find it then.
 */
function holdHalvesAsBits(make: typeof Tensor): void {
  const known = Object.getOwnPropertyDescriptor(globalThis, "Float16Array");
  if (known === undefined) return;
  Reflect.deleteProperty(globalThis, "Float16Array");
  try {
    new make("float32", new Float32Array(1), [1]);
  } finally {
    Object.defineProperty(globalThis, "Float16Array", known);
  }
}

/**
 * `model` is a file, or what would be in it; `folder` is the package, which has the weights; `more` is handed to the engine. Throws MvcError `graph-failed`.
 * @internal
 */
export async function openGraph(
  graph: string,
  model: string | Uint8Array,
  folder: string,
  options: OnnxOptions = {},
  more: InferenceSession.SessionOptions = {},
): Promise<OpenedGraph> {
  const { InferenceSession, Tensor } = await engine();
  const settings: InferenceSession.SessionOptions = {
    executionProviders: [options.provider ?? "cpu"],
    ...(options.threads === undefined ? {} : { intraOpNumThreads: options.threads }),
    // A graph's file tells the engine where its weights lie; bytes alone do not.
    ...(typeof model === "string" ? {} : { extra: { session: { model_external_initializers_file_folder_path: resolve(folder) } } }),
    // Errors are thrown as well: the engine's log on standard error would say them twice.
    logSeverityLevel: 4,
    ...more,
  };
  const opened = typeof model === "string" ? InferenceSession.create(model, settings) : InferenceSession.create(model, settings);
  const session = await opened.catch((error: unknown) => {
    throw mvcError("graph-failed", { graph, reason: reasonOf(error) });
  });
  return { session, tensor: (data) => onnxTensor(Tensor, data) };
}

/** Graphs of a package in a folder to runs of ONNX Runtime on the CPU. */

import { resolve } from "node:path";
import type { InferenceSession, Tensor } from "onnxruntime-node";
import type { GraphSpec } from "../../compiler/package/manifest.ts";
import { mvcError, reasonOf, throwIfAborted } from "../errors.ts";
import { checkFeeds, graphSpec } from "../feeds.ts";
import type { Package } from "../package.ts";
import { graphsOf } from "../roles.ts";
import type { GraphRunner } from "../session.ts";
import type { TensorData, Tensors } from "../tensor.ts";

export interface OnnxOptions {
  /** Threads within an op; ONNX Runtime's own choice (the physical cores) when not given. */
  readonly threads?: number;
  /** What the engine computes on; "cpu" when not given. Its WebGPU is there to be measured against. */
  readonly provider?: "cpu" | "webgpu";
}

/** Opens nothing yet: each graph is loaded at its first run, so that a loop that never decodes never holds the decoder. */
export function onnxRunner(pack: Package, folder: string, options: OnnxOptions = {}): GraphRunner {
  const sessions = new Map<string, Promise<InferenceSession>>();
  const running = new Set<Promise<unknown>>();
  let disposed = false;

  const session = (graph: string): Promise<InferenceSession> => {
    if (disposed) throw mvcError("disposed", { what: "the package's session" });
    const spec = graphSpec(pack.manifest, graph);
    if (spec.parameters > 0 && !pack.weights) throw mvcError("weights-absent", { graph });
    let opened = sessions.get(graph);
    if (!opened) {
      if (!spec.onnx) throw mvcError("target-absent", { graph, target: "onnx" });
      opened = openSession(graph, resolve(folder, spec.onnx.file), folder, options);
      sessions.set(graph, opened);
    }
    return opened;
  };

  return {
    load: async (parts, signal) => {
      for (const graph of graphsOf(parts)) {
        throwIfAborted(signal, "loading");
        await session(graph);
      }
    },
    run: async (graph, feeds) => {
      const opened = session(graph);
      const run = opened.then((one) => runSession(one, graph, graphSpec(pack.manifest, graph), feeds));
      running.add(run);
      return run.finally(() => running.delete(run));
    },
    dispose: async () => {
      disposed = true;
      // The engine frees a session's memory while it is being run.
      await Promise.allSettled(running);
      const opened = await Promise.allSettled(sessions.values());
      sessions.clear();
      for (const one of opened) if (one.status === "fulfilled") await one.value.release();
    },
  };
}

/** Loaded at the first need: the library is 46 MB, and most commands never run a graph. */
async function engine(): Promise<typeof import("onnxruntime-node")> {
  const loaded = await import("onnxruntime-node").catch((error: unknown) => {
    throw mvcError("backend-missing", { backend: "ONNX Runtime", reason: reasonOf(error) });
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
 * `model` is a file, or what would be in it; `folder` is the package, which has the weights. Throws MvcError `graph-failed`.
 * @internal
 */
export async function openSession(
  graph: string,
  model: string | Uint8Array,
  folder: string,
  options: OnnxOptions = {},
): Promise<InferenceSession> {
  const { InferenceSession } = await engine();
  const settings: InferenceSession.SessionOptions = {
    executionProviders: [options.provider ?? "cpu"],
    ...(options.threads === undefined ? {} : { intraOpNumThreads: options.threads }),
    // A graph's file tells the engine where its weights lie; bytes alone do not.
    ...(typeof model === "string" ? {} : { extra: { session: { model_external_initializers_file_folder_path: resolve(folder) } } }),
    // Errors are thrown as well: the engine's log on standard error would say them twice.
    logSeverityLevel: 4,
  };
  const opened = typeof model === "string" ? InferenceSession.create(model, settings) : InferenceSession.create(model, settings);
  return opened.catch((error: unknown) => {
    throw mvcError("graph-failed", { graph, reason: reasonOf(error) });
  });
}

/**
 * All outputs of the session's model. Throws MvcError `tensor-…`, `graph-failed`.
 * @internal
 */
export async function runSession(session: InferenceSession, graph: string, spec: GraphSpec, feeds: Tensors): Promise<Tensors> {
  const { Tensor } = await engine();
  const inputs = Object.fromEntries(checkFeeds(graph, spec, feeds).map(([name, tensor]) => [name, toOnnx(Tensor, tensor)]));
  const outputs = await session.run(inputs).catch((error: unknown) => {
    throw mvcError("graph-failed", { graph, reason: reasonOf(error) });
  });
  return Object.fromEntries(session.outputNames.map((name) => [name, fromOnnx(graph, name, outputs[name])]));
}

function toOnnx(make: typeof Tensor, tensor: TensorData): Tensor {
  if (tensor.dtype === "f32") return new make("float32", tensor.data, tensor.shape);
  if (tensor.dtype === "i32") return new make("int32", tensor.data, tensor.shape);
  return new make("float16", tensor.data, tensor.shape);
}

function fromOnnx(graph: string, name: string, tensor: Tensor | undefined): TensorData {
  if (!tensor) throw mvcError("graph-failed", { graph, reason: `it gave no output "${name}"` });
  const { data, type, dims: shape } = tensor;
  if (type === "float32" && data instanceof Float32Array) return { dtype: "f32", shape, data };
  if (type === "int32" && data instanceof Int32Array) return { dtype: "i32", shape, data };
  if (type === "float16" && ArrayBuffer.isView(data)) {
    return { dtype: "f16", shape, data: new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2) };
  }
  throw mvcError("graph-failed", { graph, reason: `the output "${name}" has the type ${type}, which packages do not use` });
}

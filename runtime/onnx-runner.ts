/** Graphs of a package to runs of ONNX Runtime on the processor, by whichever build of it the caller has: Node's or the web's. */

import type { GraphSpec, OnnxSpec } from "../compiler/package/manifest.ts";
import { mvcError, reasonOf, throwIfAborted } from "./errors.ts";
import { checkFeeds, graphSpec } from "./feeds.ts";
import type { Package } from "./package.ts";
import { graphsOf } from "./roles.ts";
import type { GraphRunner } from "./session.ts";
import type { TensorData, Tensors } from "./tensor.ts";

/** Of a tensor of ONNX Runtime, what is read of a result. */
export interface OnnxTensor {
  readonly type: string;
  readonly dims: readonly number[];
  readonly data: unknown;
}

/** What is used of `Tensor` of onnxruntime-node and onnxruntime-web. */
export interface OnnxTensorClass {
  new (type: "float32", data: Float32Array, dims: readonly number[]): OnnxTensor;
  new (type: "float16", data: Uint16Array, dims: readonly number[]): OnnxTensor;
  new (type: "int32", data: Int32Array, dims: readonly number[]): OnnxTensor;
}

/** What is used of their `InferenceSession`. */
export interface OnnxSession {
  readonly outputNames: readonly string[];
  /** Into `fetches`, where they are given: tensors by output. */
  run(
    feeds: { readonly [name: string]: OnnxTensor },
    fetches?: { readonly [name: string]: OnnxTensor },
  ): Promise<{ readonly [name: string]: OnnxTensor | undefined }>;
  release(): Promise<void>;
}

/** A session, and what makes the tensors that it takes. */
export interface OpenedGraph {
  readonly session: OnnxSession;
  readonly tensor: (data: TensorData) => OnnxTensor;
}

/** How an engine opens a graph of a package. */
export interface OnnxOpening {
  /** Throws MvcError `graph-failed`, `backend-missing`, and what reading files throws. */
  readonly open: (graph: string, spec: OnnxSpec) => Promise<OpenedGraph>;
  /** Graphs that are open, of those that were asked to be loaded together. */
  readonly onOpen?: ((opened: number, graphs: number) => void) | undefined;
}

/** Opens nothing yet: each graph is loaded at its first run, so that a loop that never decodes never holds the decoder. */
export function runnerOnOnnx(pack: Package, { open, onOpen }: OnnxOpening): GraphRunner {
  const graphs = new Map<string, Promise<OpenedGraph>>();
  const running = new Set<Promise<unknown>>();
  let disposed = false;

  const opened = (graph: string): Promise<OpenedGraph> => {
    if (disposed) throw mvcError("disposed", { what: "the package's session" });
    const { onnx, parameters } = graphSpec(pack.manifest, graph);
    if (parameters > 0 && !pack.weights && !onnx?.weights) throw mvcError("weights-absent", { graph });
    let known = graphs.get(graph);
    if (!known) {
      if (!onnx) throw mvcError("target-absent", { graph, target: "onnx" });
      known = open(graph, onnx);
      graphs.set(graph, known);
      known.catch(() => graphs.delete(graph));
    }
    return known;
  };

  return {
    load: async (parts, signal) => {
      const wanted = graphsOf(parts);
      if (wanted.every((graph) => graphs.has(graph))) return;
      for (const [i, graph] of wanted.entries()) {
        throwIfAborted(signal, "loading");
        onOpen?.(i, wanted.length);
        await opened(graph);
      }
      onOpen?.(wanted.length, wanted.length);
    },
    run: async (graph, feeds) => {
      const run = opened(graph).then((one) => runOpened(one, graph, graphSpec(pack.manifest, graph), feeds));
      running.add(run);
      return run.finally(() => running.delete(run));
    },
    dispose: async () => {
      disposed = true;
      // The engine frees a session's memory while it is being run.
      await Promise.allSettled(running);
      const all = await Promise.allSettled(graphs.values());
      graphs.clear();
      for (const one of all) if (one.status === "fulfilled") await one.value.session.release();
    },
  };
}

/** All outputs of the session's model. Throws MvcError `tensor-…`, `graph-failed`. */
export async function runOpened({ session, tensor: made }: OpenedGraph, graph: string, spec: GraphSpec, feeds: Tensors): Promise<Tensors> {
  const inputs = Object.fromEntries(checkFeeds(graph, spec, feeds).map(([name, tensor]) => [name, made(tensor)]));
  const outputs = await session.run(inputs).catch((error: unknown) => {
    throw mvcError("graph-failed", { graph, reason: reasonOf(error) });
  });
  return Object.fromEntries(session.outputNames.map((name) => [name, fromOnnx(graph, name, outputs[name])]));
}

/** An engine's tensor over the same memory. */
export function onnxTensor(Tensor: OnnxTensorClass, tensor: TensorData): OnnxTensor {
  if (tensor.dtype === "f32") return new Tensor("float32", tensor.data, tensor.shape);
  if (tensor.dtype === "i32") return new Tensor("int32", tensor.data, tensor.shape);
  return new Tensor("float16", tensor.data, tensor.shape);
}

function fromOnnx(graph: string, name: string, tensor: OnnxTensor | undefined): TensorData {
  if (!tensor) throw mvcError("graph-failed", { graph, reason: `it gave no output "${name}"` });
  const { data, type, dims: shape } = tensor;
  if (type === "float32" && data instanceof Float32Array) return { dtype: "f32", shape, data };
  if (type === "int32" && data instanceof Int32Array) return { dtype: "i32", shape, data };
  if (type === "float16" && ArrayBuffer.isView(data)) {
    return { dtype: "f16", shape, data: new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2) };
  }
  throw mvcError("graph-failed", { graph, reason: `the output "${name}" has the type ${type}, which packages do not use` });
}

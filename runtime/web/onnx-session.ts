/** Graphs of a package behind an address to sessions of onnxruntime-web. */

import type { OnnxSpec } from "../../compiler/package/manifest.ts";
import { mvcError, reasonOf } from "../errors.ts";
import { sampleByGraphs } from "../loop.ts";
import { type OnnxSession, type OnnxTensorClass, type OpenedGraph, onnxTensor, runnerOnOnnx } from "../onnx-runner.ts";
import { alwaysHashed, type Package, readGraphFile } from "../package.ts";
import type { GraphRunner } from "../session.ts";
import type { TensorData } from "../tensor.ts";
import type { CountedFiles } from "./counted-files.ts";

/** What is used of the module onnxruntime-web. */
export interface OnnxEngine {
  readonly Tensor: OnnxTensorClass;
  readonly InferenceSession: { create(model: Uint8Array, options?: OnnxSettings): Promise<OnnxSession> };
}

export interface OnnxSettings {
  executionProviders?: readonly string[];
  externalData?: readonly { readonly path: string; readonly data: Uint8Array }[];
  logSeverityLevel?: 4;
}

/** Loads what a clip needs before it is begun; the engine with the first graph. What was downloaded is let go with the first clip. */
export function webOnnxRunner(
  pack: Package,
  files: CountedFiles,
  engine: () => Promise<OnnxEngine>,
  onOpen: (opened: number, graphs: number) => void,
): GraphRunner {
  const open = async (graph: string, spec: OnnxSpec): Promise<OpenedGraph> => {
    const { InferenceSession, Tensor } = await engine().catch((error: unknown) => {
      const hint =
        "see that the page serves onnxruntime-web's script and its .wasm, and that its policy lets a script or a worker compile it";
      throw mvcError("backend-missing", { backend: "ONNX Runtime", reason: reasonOf(error), hint });
    });
    const { file } = spec.weights ?? pack.manifest.weights;
    const weights = pack.manifest.graphs[graph]?.parameters === 0 ? [] : [{ path: file, data: await readWeights(files, pack, spec) }];
    // A worker of the engine keeps what it is given, and tensors share memory: it gets copies.
    const model = Uint8Array.from(await readGraphFile(files, spec));
    const opened = InferenceSession.create(model, { executionProviders: ["wasm"], externalData: weights, logSeverityLevel: 4 });
    const session = await opened.catch((error: unknown) => {
      throw mvcError("graph-failed", { graph, reason: reasonOf(error) });
    });
    return { session, tensor: (data) => onnxTensor(Tensor, copyOf(data)) };
  };
  const runner = runnerOnOnnx(pack, { open, onOpen });
  return {
    ...runner,
    sample: async (job) => {
      await runner.load(job.parts, job.signal);
      files.release();
      return sampleByGraphs(runner, job);
    },
  };
}

async function readWeights(files: CountedFiles, pack: Package, { weights }: OnnxSpec): Promise<Uint8Array> {
  if (weights === undefined) return files.read(pack.manifest.weights.file);
  return weights.bytes < alwaysHashed ? readGraphFile(files, weights) : files.read(weights.file);
}

function copyOf(tensor: TensorData): TensorData {
  if (tensor.dtype === "f32") return { ...tensor, data: tensor.data.slice() };
  return tensor.dtype === "f16" ? { ...tensor, data: tensor.data.slice() } : { ...tensor, data: tensor.data.slice() };
}

/** A batch and the weights of the moment to losses and gradients, then a share of the weights to the next ones, in a worker of its own: a session of ONNX Runtime holds its thread while it runs. */

import { parentPort, workerData } from "node:worker_threads";
import { reasonOf } from "../../runtime/errors.ts";
import { openGraph } from "../../runtime/node/onnx-session.ts";
import type { OnnxTensor } from "../../runtime/onnx-runner.ts";
import { f32 } from "../../runtime/tensor.ts";
import { adamwStep } from "../adamw.ts";
import type { Placed, WorkerData, WorkerReply, WorkerRequest } from "./onnx-worker-messages.ts";
import { trainingSettings } from "./session-settings.ts";

const { stage, model, threads, losses, trained, flat, optimizer, gradients, frozen, frozenValues } = workerData as WorkerData;
const port = parentPort;
if (port === null) throw new Error("training: the worker was started as a program");
const reply = (message: WorkerReply) => port.postMessage(message);

try {
  const { session, tensor } = await openGraph(stage, model, ".", { threads }, trainingSettings);
  const weights = new Float32Array(flat.value.length);
  const own = new Float32Array(flat.value.length);
  const fixed = Float32Array.from(new Float32Array(frozenValues));
  const view = (vector: Float32Array, { shape, start, end }: Placed) => tensor(f32(shape, vector.subarray(start, end)));
  const given: { [name: string]: OnnxTensor } = {};
  for (const weight of frozen) given[weight.name] = view(fixed, weight);
  for (const weight of trained) given[weight.name] = view(weights, weight);
  const made: { [name: string]: OnnxTensor } = {};
  const lost = losses.map(() => new Float32Array(1));
  for (const [i, name] of losses.entries()) made[name] = tensor(f32([1], lost[i] as Float32Array));
  for (const weight of trained) made[weight.gradient] = view(own, weight);

  const compute = async (batches: Extract<WorkerRequest, { readonly kind: "gradients" }>["batches"]): Promise<readonly number[][]> => {
    weights.set(flat.value);
    const means: number[][] = [];
    for (const { part, feeds } of batches) {
      await session.run({ ...given, ...Object.fromEntries([...feeds].map(([name, data]) => [name, tensor(data)])) }, made);
      gradients[part]?.set(own);
      means.push(lost.map(([loss = Number.NaN]) => loss));
    }
    return means;
  };

  port.on("message", async (request: WorkerRequest) => {
    try {
      const [total] = gradients;
      if (request.kind === "update" && total !== undefined) adamwStep(flat, total, request.factor, request.figures, optimizer);
      reply({ kind: "done", losses: request.kind === "gradients" ? await compute(request.batches) : [] });
    } catch (thrown) {
      reply({ kind: "failed", reason: reasonOf(thrown) });
    }
  });
  reply({ kind: "ready" });
} catch (thrown) {
  reply({ kind: "failed", reason: reasonOf(thrown) });
}

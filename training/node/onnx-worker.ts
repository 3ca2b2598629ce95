/** A batch and the weights of the moment to losses and gradients, in a worker of its own: a session of ONNX Runtime holds its thread while it runs. */

import { parentPort, workerData } from "node:worker_threads";
import { reasonOf } from "../../runtime/errors.ts";
import { openGraph } from "../../runtime/node/onnx-session.ts";
import type { OnnxTensor } from "../../runtime/onnx-runner.ts";
import { f32 } from "../../runtime/tensor.ts";
import type { Placed, StepReply, StepRequest, WorkerData } from "./onnx-worker-messages.ts";
import { trainingSettings } from "./session-settings.ts";

const { stage, model, threads, losses, trained, values, frozen, frozenValues } = workerData as WorkerData;
const port = parentPort;
if (port === null) throw new Error("training: the worker was started as a program");
const reply = (message: StepReply) => port.postMessage(message);

try {
  const { session, tensor } = await openGraph(stage, model, ".", { threads }, trainingSettings);
  const shared = new Float32Array(values);
  const weights = new Float32Array(shared.length);
  const gradients = new Float32Array(shared.length);
  const fixed = Float32Array.from(new Float32Array(frozenValues));
  const view = (vector: Float32Array, { shape, start, end }: Placed) => tensor(f32(shape, vector.subarray(start, end)));
  const given: { [name: string]: OnnxTensor } = {};
  for (const weight of frozen) given[weight.name] = view(fixed, weight);
  for (const weight of trained) given[weight.name] = view(weights, weight);
  const made: { [name: string]: OnnxTensor } = {};
  const lost = losses.map(() => new Float32Array(1));
  for (const [i, name] of losses.entries()) made[name] = tensor(f32([1], lost[i] as Float32Array));
  for (const weight of trained) made[weight.gradient] = view(gradients, weight);

  port.on("message", async ({ batches }: StepRequest) => {
    try {
      weights.set(shared);
      const means: number[][] = [];
      for (const { feeds, gradients: to } of batches) {
        await session.run({ ...given, ...Object.fromEntries([...feeds].map(([name, data]) => [name, tensor(data)])) }, made);
        new Float32Array(to).set(gradients);
        means.push(lost.map(([loss = Number.NaN]) => loss));
      }
      reply({ kind: "done", losses: means });
    } catch (thrown) {
      reply({ kind: "failed", reason: reasonOf(thrown) });
    }
  });
  reply({ kind: "ready" });
} catch (thrown) {
  reply({ kind: "failed", reason: reasonOf(thrown) });
}

/** A stage's graph to steps on a WebGPU device: the loss and its gradients by the kernels that sample, then AdamW there; the weights never leave it. */

import { sizeOf } from "../../compiler/graph/graph.ts";
import { type Device, usage } from "../../runtime/webgpu/device.ts";
import { type GpuGraph, loadGraph } from "../../runtime/webgpu/graph.ts";
import { pipelinesOf } from "../../runtime/webgpu/pipelines.ts";
import { readBack } from "../../runtime/webgpu/read-back.ts";
import type { Engine, EngineJob, Feeds, StepResult, TrainingState, WeightState } from "../engine.ts";
import { type Banks, banksOf } from "./banks.ts";
import { createOptimizer, type Vectors } from "./optimizer.ts";
import { packedWeights } from "./packed-weights.ts";
import { type PlannedStage, planStage } from "./plan-stage.ts";

export interface WebGpuEngine extends Engine {
  /** The loss and its gradients as they lie on the device, for tools that look into a step. */
  readonly loss: GpuGraph;
}

const floatBytes = Float32Array.BYTES_PER_ELEMENT;

/**
 * The device is the engine's own and goes with it, also where opening fails. `stage` is the job's, where it has been planned in the device's limits.
 * @throws MvcError `training-limit`, `out-of-memory`, `graph-failed`, `device-lost`, `device-failed`
 */
export async function openWebGpuEngine(device: Device, job: EngineJob, stage?: PlannedStage): Promise<WebGpuEngine> {
  try {
    return await open(device, job, stage ?? planStage(job, device.gpu.limits));
  } catch (thrown) {
    device.close();
    throw thrown;
  }
}

async function open(device: Device, job: EngineJob, { graph, planned }: PlannedStage): Promise<WebGpuEngine> {
  const { trained, optimizer, parts } = job;
  const { maxStorageBufferBindingSize, maxBufferSize } = device.gpu.limits;
  const lengths = new Map(graph.values.flatMap((value) => (value.kind === "weight" ? [[value.path, sizeOf(value.type.shape)]] : [])));
  const banks = banksOf(trained, (path) => lengths.get(path) ?? 0, Math.min(maxStorageBufferBindingSize, maxBufferSize));
  const vectors = await vectorsOf(device, banks, job);
  const sources = new Map(banks.places.map(({ path, bank, start }) => [path, { buffer: vectors.value[bank] as GPUBuffer, start }]));
  const pipelines = pipelinesOf(device);
  const weights = packedWeights(device, pipelines, sources, job.frozen);
  const loss = await loadGraph(device, pipelines, weights, graph.name, planned, { compile: "meanwhile" });
  const names = graph.outputs.map(({ name }) => name);
  const losses = names.slice(0, names.length - trained.length);
  const update = await createOptimizer(device, pipelines, { banks, vectors, optimizer, parts, losses: losses.length });
  await loss.compile();
  pipelines.submit(weights.pack);

  const gradients = banks.places.map((place, i) => ({ place, from: loss.output(names[losses.length + i] ?? "") }));
  return {
    loss,
    step: async (batches, figures): Promise<StepResult> => {
      if (batches.length !== parts) throw new Error(`training: a step of ${batches.length} batches in place of ${parts}`);
      for (const [part, feeds] of batches.entries()) {
        feed(device, loss, feeds);
        loss.submit();
        update.take(
          part,
          losses.map((name) => loss.output(name)),
          gradients,
        );
      }
      update.advance(figures);
      pipelines.submit(weights.pack);
      const { losses: means, gradientNorm } = await update.report();
      device.check();
      return { losses: new Map(losses.map((name, i) => [name, means[i] ?? Number.NaN])), gradientNorm };
    },
    state: () => stateOf(device, banks, vectors),
    dispose: async () => device.close(),
  };
}

/** The flat vectors as the job's state has them. */
async function vectorsOf(device: Device, { places, lengths }: Banks, { state }: EngineJob): Promise<Vectors> {
  const states = places.map(({ path }) => {
    const found = state.get(path);
    if (found === undefined) throw new Error(`training: there is no state of ${path}`);
    return found;
  });
  const make = (what: string, valuesOf: (one: WeightState) => Float32Array | undefined) =>
    Promise.all(
      lengths.map(async (length, bank) => {
        const buffer = await device.buffer(
          `${what} of trained weights`,
          length * floatBytes,
          usage.STORAGE | usage.COPY_DST | usage.COPY_SRC,
        );
        for (const [i, place] of places.entries()) {
          const values = place.bank === bank ? valuesOf(states[i] as WeightState) : undefined;
          if (values !== undefined) device.gpu.queue.writeBuffer(buffer, place.start * floatBytes, values as Float32Array<ArrayBuffer>);
        }
        return buffer;
      }),
    );
  const averaged = states[0]?.average !== undefined;
  return {
    value: await make("values", ({ value }) => value),
    first: await make("first moments", ({ first }) => first),
    second: await make("second moments", ({ second }) => second),
    average: averaged ? await make("averages", ({ average }) => average) : undefined,
    gradient: await make("gradients", () => undefined),
  };
}

async function stateOf(device: Device, { places, lengths }: Banks, { value, first, second, average }: Vectors): Promise<TrainingState> {
  const read = async (buffers: readonly GPUBuffer[]) => {
    const banks: Float32Array[] = [];
    for (const [bank, buffer] of buffers.entries())
      banks.push(new Float32Array(await readBack(device, buffer, (lengths[bank] ?? 0) * floatBytes)));
    return (place: Banks["places"][number]) => banks[place.bank]?.subarray(place.start, place.start + place.length) ?? new Float32Array();
  };
  const [values, firsts, seconds] = [await read(value), await read(first), await read(second)];
  const averages = average && (await read(average));
  device.check();
  return new Map(
    places.map((place) => [
      place.path,
      {
        value: values(place),
        first: firsts(place),
        second: seconds(place),
        ...(averages === undefined ? {} : { average: averages(place) }),
      },
    ]),
  );
}

function feed(device: Device, loss: GpuGraph, feeds: Feeds): void {
  for (const { name } of loss.plan.inputs) {
    const tensor = feeds.get(name);
    if (tensor === undefined) throw new Error(`training: the input ${name} is not fed`);
    device.gpu.queue.writeBuffer(loss.input(name), 0, tensor.data as Float32Array<ArrayBuffer>);
  }
}

/** A run of a loaded graph to the values between its dispatches, as the host has tensors. */

import type { PlannedValue } from "../../compiler/package/plan.ts";
import { halvesToFloats } from "../half.ts";
import { elements, type TensorData } from "../tensor.ts";
import type { GpuGraph } from "./graph.ts";
import { pipelinesOf } from "./pipelines.ts";
import type { WebGpuRunner } from "./runner.ts";

/**
 * Runs the graph on the inputs as they are, and stops to read each of the values that `shapeOf` gives a shape. `seen`
 * hears them in the order in which they are made; the run ends where it says "stop".
 */
export async function readValues(
  runner: WebGpuRunner,
  graph: GpuGraph,
  shapeOf: (value: number) => readonly number[] | undefined,
  seen: (value: number, tensor: TensorData) => "go on" | "stop",
): Promise<void> {
  const pipelines = pipelinesOf(runner.device);
  let done = 0;
  for (const planned of [...graph.plan.values].sort((a, b) => a.after - b.after)) {
    const shape = shapeOf(planned.value);
    if (shape === undefined) continue;
    const from = done;
    pipelines.submit((pass) => graph.encode(pass, from, planned.after + 1));
    done = Math.max(done, planned.after + 1);
    if (seen(planned.value, await readValue(runner, graph, planned, shape)) === "stop") return;
  }
}

async function readValue(runner: WebGpuRunner, graph: GpuGraph, planned: PlannedValue, shape: readonly number[]): Promise<TensorData> {
  const { binding, dtype, strides, start } = planned;
  const buffer = graph.buffer(binding);
  const bytes = await ("size" in binding ? runner.read(buffer, binding.size, binding.offset) : runner.read(buffer, buffer.size));
  const stored =
    dtype === "i32" ? new Int32Array(bytes) : dtype === "f32" ? new Float32Array(bytes) : halvesToFloats(new Uint16Array(bytes));
  const data = dtype === "i32" ? new Int32Array(elements(shape)) : new Float32Array(elements(shape));
  const place = shape.map(() => 0);
  let from = start;
  for (let i = 0; i < data.length; i++) {
    data[i] = stored[from] ?? Number.NaN;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const stride = strides[axis] ?? 0;
      place[axis] = (place[axis] ?? 0) + 1;
      from += stride;
      if ((place[axis] ?? 0) < (shape[axis] ?? 1)) break;
      from -= stride * (shape[axis] ?? 1);
      place[axis] = 0;
    }
  }
  return data instanceof Int32Array ? { dtype: "i32", shape, data } : { dtype: "f32", shape, data };
}

/** A loaded graph to the time that each of its dispatches takes on the device. */

import { type Device, usage } from "./device.ts";
import type { GpuGraph } from "./graph.ts";
import { type Encode, pipelinesOf } from "./pipelines.ts";
import type { WebGpuRunner } from "./runner.ts";

/** A device, and how its buffers are read. */
type Reading = Pick<WebGpuRunner, "device" | "read">;

/** WebGPU's largest set of queries. */
const mostQueries = 4096;

/**
 * Nanoseconds of each dispatch in the order of the plan, the least of `rounds` runs on the inputs as they are. By
 * timestamps on the device where it has them; else by the host's clock, one submission a dispatch, which adds the way there.
 */
export async function timeDispatches(runner: Reading, graph: GpuGraph, rounds: number): Promise<readonly number[]> {
  const works = graph.plan.dispatches.map(
    (_, i): Encode =>
      (pass) =>
        graph.encode(pass, i, i + 1),
  );
  return timeEach(runner, works, rounds);
}

/** As `timeDispatches`, of any work. */
export async function timeEach(runner: Reading, works: readonly Encode[], rounds: number): Promise<readonly number[]> {
  const least = works.map(() => Number.POSITIVE_INFINITY);
  for (let round = 0; round < rounds; round++) {
    const most = mostQueries / 2;
    for (let from = 0; from < works.length; from += most) {
      const times = await timeOnce(runner, works.slice(from, from + most));
      for (const [i, time] of times.entries()) least[from + i] = Math.min(least[from + i] ?? time, time);
    }
  }
  return least;
}

async function timeOnce(runner: Reading, works: readonly Encode[]): Promise<readonly number[]> {
  const { device } = runner;
  return hasTimestamps(device) ? byTimestamps(runner, works) : byClock(device, works);
}

export function hasTimestamps({ gpu }: Device): boolean {
  return gpu.features.has("timestamp-query");
}

async function byTimestamps({ device, read }: Reading, works: readonly Encode[]): Promise<readonly number[]> {
  const { gpu } = device;
  const count = 2 * works.length;
  const querySet = gpu.createQuerySet({ type: "timestamp", count });
  const resolved = await device.buffer("timestamps", count * 8, usage.COPY_SRC | usage.QUERY_RESOLVE);
  try {
    for (const [i, work] of works.entries()) {
      const encoder = gpu.createCommandEncoder();
      const timestampWrites = { querySet, beginningOfPassWriteIndex: 2 * i, endOfPassWriteIndex: 2 * i + 1 };
      const pass = encoder.beginComputePass({ timestampWrites });
      work(pass);
      pass.end();
      // Submitted one by one, so that no submission outlasts a watchdog.
      gpu.queue.submit([encoder.finish()]);
    }
    const encoder = gpu.createCommandEncoder();
    encoder.resolveQuerySet(querySet, 0, count, resolved, 0);
    gpu.queue.submit([encoder.finish()]);
    const stamps = new BigUint64Array(await read(resolved, count * 8));
    return works.map((_, i) => Number((stamps[2 * i + 1] ?? 0n) - (stamps[2 * i] ?? 0n)));
  } finally {
    querySet.destroy();
    device.free(resolved);
  }
}

async function byClock(device: Device, works: readonly Encode[]): Promise<readonly number[]> {
  const times: number[] = [];
  for (const work of works) {
    const started = performance.now();
    pipelinesOf(device).submit(work);
    await device.gpu.queue.onSubmittedWorkDone();
    times.push((performance.now() - started) * 1e6);
  }
  return times;
}

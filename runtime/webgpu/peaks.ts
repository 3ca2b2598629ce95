/** What a device reaches on the two simplest kernels, multiply-adds in registers and a copy, for figures to be held against. */

import { usage } from "./device.ts";
import { pipelinesOf } from "./pipelines.ts";
import { timeEach } from "./profile.ts";
import type { WebGpuRunner } from "./runner.ts";

export interface Peaks {
  readonly flopsPerSecond: number;
  /** Read and written. */
  readonly bytesPerSecond: number;
}

/** Eight independent chains of vec4 multiply-adds a thread, so that none waits for the one before. */
const chains = 8;
const turns = 64;
const flopsOfThread = chains * turns * 4 * 2;
/** A second: integrated graphics of ten years ago do twice as many, two cores that played a card 9e9. */
const leastOfCards = 1.5e11;
const arithmetic = `@group(0) @binding(0) var<storage, read_write> result: array<vec4<f32>>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let x = vec4<f32>(f32(id.x) * 1e-6);
${Array.from({ length: chains }, (_, i) => `  var a${i} = x + ${i}.0;`).join("\n")}
  for (var turn = 0u; turn < ${turns}u; turn++) {
${Array.from({ length: chains }, (_, i) => `    a${i} = fma(a${i}, x, x);`).join("\n")}
  }
  result[id.x] = ${Array.from({ length: chains }, (_, i) => `a${i}`).join(" + ")};
}
`;
const copying = `@group(0) @binding(0) var<storage, read_write> result: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> source: array<vec4<f32>>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) { result[id.x] = source[id.x]; }
`;

/** Of each side of the copy: more than caches hold, and within the bindings that every device grants. */
const copied = 64 * 2 ** 20;
const workgroup = 64;
const mostWorkgroups = copied / 16 / workgroup / 2;
/** Nanoseconds of work that stand well above what starting it takes. */
const enough = 5e6;

export async function measurePeaks(runner: WebGpuRunner): Promise<Peaks> {
  const { device } = runner;
  const result = await device.buffer("peak result", copied, usage.STORAGE);
  const source = await device.buffer("peak source", copied, usage.STORAGE);
  try {
    const multiplied = await threadsPerSecond(runner, "peak_multiply_add", arithmetic, [result], 64);
    const moved = await threadsPerSecond(runner, "peak_copy", copying, [result, source], mostWorkgroups);
    return { flopsPerSecond: multiplied * flopsOfThread, bytesPerSecond: moved * 16 * 2 };
  } finally {
    device.free(result);
    device.free(source);
  }
}

/** Whether the device multiplies as fast as a graphics card does, whatever it is called. Takes some ten milliseconds. */
export async function isFast(runner: WebGpuRunner): Promise<boolean> {
  const { device } = runner;
  const result = await device.buffer("peak result", mostWorkgroups * workgroup * 16, usage.STORAGE);
  try {
    return (await threadsPerSecond(runner, "peak_multiply_add", arithmetic, [result], 64)) * flopsOfThread > leastOfCards;
  } finally {
    device.free(result);
  }
}

/** The best of each size, from one that a processor does at once to one that fills a graphics card. */
async function threadsPerSecond(
  runner: WebGpuRunner,
  name: string,
  code: string,
  buffers: readonly GPUBuffer[],
  from: number,
): Promise<number> {
  const pipelines = pipelinesOf(runner.device);
  const pipeline = await pipelines.get(name, code);
  let best = 0;
  for (let groups = from; groups <= mostWorkgroups; groups *= 8) {
    const [time = 1] = await timeEach(runner, [pipelines.work(pipeline, buffers, [groups, 1])], 3);
    best = Math.max(best, (groups * workgroup * 1e9) / time);
    if (time > enough) break;
  }
  return best;
}

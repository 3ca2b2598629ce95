// What the device does between two runs of the network, beside the host's arithmetic: guidance, limits and matrices of every size.

import { describe, expect, test } from "vitest";
import { advance, startState } from "../../runtime/sampler/advance.ts";
import { guide } from "../../runtime/sampler/guidance.ts";
import { levelOf } from "../../runtime/sampler/level.ts";
import { mixWidth, mostRegisters } from "../../runtime/sampler/mix.ts";
import { normals } from "../../runtime/sampler/random.ts";
import type { Limit, SamplerStep } from "../../runtime/sampler/step.ts";
import { openDevice, usage } from "../../runtime/webgpu/device.ts";
import { pipelinesOf } from "../../runtime/webgpu/pipelines.ts";
import { createUpdate } from "../../runtime/webgpu/update.ts";
import { relativeError } from "../golden/cases.ts";
import { gpu, noGpu } from "../gpu.ts";

const clips = 2;
/** More than a workgroup of either kernel takes at once, and no multiple of one. */
const count = clips * 333;

/** Two steps whose matrices are full of numbers that a seed gives. */
function stepsOf(seed: number, registers: number, limit: Limit | undefined): SamplerStep[] {
  return [0, 1].map((i) => {
    const numbers = normals(seed, i, (registers + 1) * mixWidth + 2);
    const row = (r: number) => [...numbers.subarray(r * mixWidth, (r + 1) * mixWidth)].map((value, j) => (j < 4 + registers ? value : 0));
    const mix = [...numbers.subarray(-2), ...new Array(mixWidth - 2).fill(0)];
    const rows: SamplerStep["rows"] = [row(0), ...Array.from({ length: registers }, (_, r) => row(r + 1))];
    const free = rows.map((weights) => weights.map((weight, j) => (j === 2 && limit === undefined ? 0 : weight)));
    return { time: 0, data: limit && { mix, limit }, rows: free as unknown as SamplerStep["rows"], level: levelOf(0, 1) };
  });
}

const limits: readonly (Limit | undefined)[] = [
  undefined,
  { kind: "clip", range: 0.7 },
  { kind: "threshold", ratio: 0.9, most: 5 },
  { kind: "threshold", ratio: 1, most: 50 },
  { kind: "threshold", ratio: 0.6, most: 1.5 },
];

describe.skipIf(noGpu !== undefined)("on a device", () => {
  test("guided steps with each number of registers and each limit give the host's latents", async () => {
    const device = await openDevice(gpu);
    const buffer = (numbers: number, flags: number) => device.buffer("numbers", numbers * 4, flags);
    const both = usage.STORAGE | usage.COPY_DST | usage.COPY_SRC;
    const [latent, output] = [await buffer(2 * count, both), await buffer(2 * count, both)];
    const back = await buffer(2 * count, usage.MAP_READ | usage.COPY_DST);
    const pipelines = pipelinesOf(device);
    const read = async () => {
      pipelines.copy(latent, back, 0, 0, 8 * count);
      await back.mapAsync(1);
      const held = new Float32Array(back.getMappedRange().slice(0));
      back.unmap();
      return held;
    };
    const update = await createUpdate(device, pipelines, { latent, output, halves: 2, clips, count });
    const [start, stacked, noise] = [normals(1, 0, count), normals(1, 1, 2 * count), normals(1, 2, count)];
    device.gpu.queue.writeBuffer(output, 0, stacked as Float32Array<ArrayBuffer>);
    // Each a kernel, and a limit with it.
    for (const [i, registers] of [0, 1, 3, 5, mostRegisters].entries()) {
      for (const limit of [limits[i], limits[(i + 2) % limits.length]]) {
        let state = startState(start, registers);
        await update.begin(start, registers);
        for (const step of stepsOf(10 * registers + i, registers, limit)) {
          update.advance(step, { weight: 3, rescale: 0 }, noise);
          state = advance(step, state, { model: guide(stacked, 3), noise, clips });
        }
        const found = await read();
        // Sums of at most eight products in f32, twice: a few units in the last place of the largest, which cancellation may leave small.
        expect(relativeError(found.subarray(0, count), state[0]), `${registers} registers, limit ${i}`).toBeLessThan(1e-5);
        expect(found.subarray(count)).toEqual(found.subarray(0, count));
      }
    }
    await device.close();
  });
});

/** A step's plan and its loss's own to what each gradient kernel does of the work a second beside the kernel of the op that it belongs to, timed in turn. */

import type { Dispatch } from "../compiler/package/plan.ts";
import type { Device } from "../runtime/webgpu/device.ts";
import type { GpuGraph } from "../runtime/webgpu/graph.ts";
import type { Encode } from "../runtime/webgpu/pipelines.ts";
import { timeEach } from "../runtime/webgpu/profile.ts";
import { readBack } from "../runtime/webgpu/read-back.ts";
import { median } from "./median.ts";

export interface BesideForward {
  readonly kernel: string;
  readonly forward: string;
  /** How many dispatches of the step are such a pair, and the work of all of them. */
  readonly count: number;
  readonly flops: number;
  /** GFLOP/s of the gradient's kernel, and times that of the forward one: medians. */
  readonly rate: number;
  readonly ratio: number;
}

interface Pair {
  readonly gradient: number;
  readonly forward: number;
  count: number;
}

/** The op that a dispatch belongs to: of several that share a kernel, the first. */
function pathOf({ label }: Dispatch): string {
  return label.replace(/ \(.*\)$/, "");
}

/**
 * A gradient is a dispatch of the step whose kernel the loss alone does not have; its op's own kernel is the loss's of that path that is
 * nearest in work. Those that have none, as element ops and sums, which count no work, are left out.
 */
function pairsOf(step: GpuGraph, loss: GpuGraph): readonly Pair[] {
  const own = new Map<string, number[]>();
  for (const [i, dispatch] of loss.plan.dispatches.entries()) {
    if (dispatch.flops > 0) own.set(pathOf(dispatch), [...(own.get(pathOf(dispatch)) ?? []), i]);
  }
  const forwards = new Set(loss.plan.dispatches.map((_, i) => loss.kernelOf(i)));
  const pairs = new Map<string, Pair>();
  for (const [i, dispatch] of step.plan.dispatches.entries()) {
    const found = own.get(pathOf(dispatch)) ?? [];
    if (dispatch.flops === 0 || forwards.has(step.kernelOf(i)) || found.length === 0) continue;
    const apart = (one: number) => Math.abs(Math.log((loss.plan.dispatches[one]?.flops ?? 0) / dispatch.flops));
    const forward = found.reduce((a, b) => (apart(b) < apart(a) ? b : a));
    const key = `${step.kernelOf(i)} ${loss.kernelOf(forward)}`;
    const known = pairs.get(key);
    if (known === undefined) pairs.set(key, { gradient: i, forward, count: 1 });
    else known.count++;
  }
  return [...pairs.values()];
}

export async function besideForward(device: Device, step: GpuGraph, loss: GpuGraph, rounds: number): Promise<readonly BesideForward[]> {
  const pairs = pairsOf(step, loss);
  const one =
    (graph: GpuGraph, i: number): Encode =>
    (pass) =>
      graph.encode(pass, i, i + 1);
  const works = pairs.flatMap(({ gradient, forward }) => [one(step, gradient), one(loss, forward)]);
  const runner = { device, read: (buffer: GPUBuffer, bytes: number, offset = 0) => readBack(device, buffer, bytes, offset) };
  const times: (readonly number[])[] = [];
  for (let round = 0; round < rounds; round++) times.push(await timeEach(runner, works, 1));
  return pairs.map(({ gradient, forward, count }, i) => {
    const [work, ownWork] = [step.plan.dispatches[gradient]?.flops ?? 0, loss.plan.dispatches[forward]?.flops ?? 0];
    const rates = times.map((round) => [work / (round[2 * i] ?? 0), ownWork / (round[2 * i + 1] ?? 0)] as const);
    return {
      kernel: step.kernelOf(gradient),
      forward: loss.kernelOf(forward),
      count,
      flops: count * work,
      rate: median(rates.map(([rate]) => rate)),
      ratio: median(rates.map(([rate, own]) => rate / own)),
    };
  });
}

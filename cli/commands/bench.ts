/** `mvc bench`: where a graph's time goes on the graphics card, kernel by kernel, and the same graph beside ONNX Runtime. */

import pc from "picocolors";
import { reasonOf } from "../../runtime/errors.ts";
import { graphSpec } from "../../runtime/feeds.ts";
import { mvcError, openPackage, type Package, packageFolder } from "../../runtime/index.ts";
import { openDawn } from "../../runtime/node/dawn.ts";
import { onnxRunner } from "../../runtime/node/onnx-session.ts";
import { tuningFile } from "../../runtime/node/tuning-file.ts";
import type { GraphRunner } from "../../runtime/session.ts";
import type { Tensors } from "../../runtime/tensor.ts";
import { openDevice } from "../../runtime/webgpu/device.ts";
import { measurePeaks, type Peaks } from "../../runtime/webgpu/peaks.ts";
import { hasTimestamps, timeDispatches } from "../../runtime/webgpu/profile.ts";
import { type WebGpuRunner, webgpuRunner } from "../../runtime/webgpu/runner.ts";
import { randomFeeds } from "../random-feeds.ts";
import { table } from "../table.ts";
import { errorOf } from "../tensor-error.ts";
import type { Outcome } from "../terminal.ts";

export interface BenchOptions {
  readonly graph?: string;
  readonly rounds: number;
  readonly json?: true;
}

/** All calls of one kernel in one run. Seconds. */
interface KernelTime {
  readonly kernel: string;
  readonly calls: number;
  readonly seconds: number;
  readonly flops: number;
  readonly bytes: number;
}

interface EngineTime {
  readonly engine: string;
  /** Medians; `times` is how many times ours it takes, the median of pairs that ran in turn. */
  readonly seconds?: number;
  readonly times?: number;
  /** The largest difference from ours, relative to the largest value. */
  readonly difference?: number;
  /** Why it did not run. */
  readonly absent?: string;
}

interface Report {
  readonly graph: string;
  readonly adapter: string;
  readonly timestamps: boolean;
  readonly peaks: Peaks;
  readonly kernels: readonly KernelTime[];
  /** One run from the host's inputs to the host's outputs. */
  readonly seconds: number;
  readonly rivals: readonly EngineTime[];
}

export async function bench(folder: string, options: BenchOptions): Promise<Outcome> {
  if (options.rounds < 1) throw mvcError("option-invalid", { option: "--rounds", expected: "1 or more", found: String(options.rounds) });
  const pack = await openPackage(packageFolder(folder));
  const graph = options.graph ?? pack.manifest.sampler?.step ?? Object.keys(pack.manifest.graphs)[0] ?? "";
  const feeds = randomFeeds(graphSpec(pack.manifest, graph));
  const runner = webgpuRunner(pack, await openDevice(await openDawn()), { tunings: tuningFile(folder) });
  try {
    const report = await measure(pack, folder, graph, feeds, runner, options.rounds);
    process.stdout.write(options.json ? `${JSON.stringify(report, null, 2)}\n` : shown(report));
  } finally {
    await runner.dispose();
  }
  return "done";
}

async function measure(
  pack: Package,
  folder: string,
  graph: string,
  feeds: Tensors,
  runner: WebGpuRunner,
  rounds: number,
): Promise<Report> {
  const peaks = await measurePeaks(runner);
  const loaded = await runner.feed(graph, feeds);
  await runner.run(graph, feeds);
  const times = await timeDispatches(runner, loaded, rounds);
  const kernels = new Map<string, KernelTime>();
  for (const [i, { flops, bytes }] of loaded.plan.dispatches.entries()) {
    const kernel = loaded.kernelOf(i);
    const before = kernels.get(kernel) ?? { kernel, calls: 0, seconds: 0, flops: 0, bytes: 0 };
    kernels.set(kernel, {
      kernel,
      calls: before.calls + 1,
      seconds: before.seconds + (times[i] ?? 0) / 1e9,
      flops: before.flops + flops,
      bytes: before.bytes + bytes,
    });
  }
  const { seconds, rivals } = await beside(runner, pack, folder, graph, feeds, rounds);
  return {
    graph,
    adapter: runner.device.name,
    timestamps: hasTimestamps(runner.device),
    peaks,
    kernels: [...kernels.values()].sort((a, b) => b.seconds - a.seconds),
    seconds,
    rivals,
  };
}

/** Runs the engines in turn, each once before anything counts. */
async function beside(ours: GraphRunner, pack: Package, folder: string, graph: string, feeds: Tensors, rounds: number) {
  const engines = (["webgpu", "cpu"] as const).map((provider) => ({
    engine: provider === "webgpu" ? "ONNX Runtime on WebGPU" : "ONNX Runtime on the CPU",
    runner: onnxRunner(pack, folder, { provider }),
    seconds: [] as number[],
    difference: 0,
    absent: undefined as string | undefined,
  }));
  const expected = await ours.run(graph, feeds);
  for (const rival of engines) {
    try {
      rival.difference = Math.max(
        ...Object.entries(await rival.runner.run(graph, feeds)).map(([name, found]) => errorOf(found, expected[name] ?? found)),
      );
    } catch (error) {
      rival.absent = reasonOf(error);
    }
  }
  const own: number[] = [];
  for (let round = 0; round < rounds; round++) {
    own.push(await secondsOf(() => ours.run(graph, feeds)));
    for (const { runner, seconds, absent } of engines)
      if (absent === undefined) seconds.push(await secondsOf(() => runner.run(graph, feeds)));
  }
  await Promise.all(engines.map(({ runner }) => runner.dispose()));
  const rivals = engines.map(
    ({ engine, seconds, difference, absent }): EngineTime =>
      absent === undefined
        ? { engine, seconds: median(seconds), times: median(seconds.map((time, i) => time / (own[i] ?? Number.NaN))), difference }
        : { engine, absent },
  );
  return { seconds: median(own), rivals };
}

async function secondsOf(run: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await run();
  return (performance.now() - started) / 1000;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** Kernels that are listed by name; the others are summed. */
const listed = 25;

function shown({ graph, adapter, timestamps, peaks, kernels, seconds, rivals }: Report): string {
  const sum = (name: string, some: readonly KernelTime[]): KernelTime => ({
    kernel: name,
    calls: some.reduce((total, { calls }) => total + calls, 0),
    seconds: some.reduce((total, one) => total + one.seconds, 0),
    flops: some.reduce((total, { flops }) => total + flops, 0),
    bytes: some.reduce((total, { bytes }) => total + bytes, 0),
  });
  const all = sum(`${graph}, in all`, kernels);
  const rest = kernels.slice(listed);
  const rows = [...kernels.slice(0, listed), ...(rest.length === 0 ? [] : [sum(`${rest.length} others`, rest)]), all].map((one) => [
    one.kernel,
    String(one.calls),
    milliseconds(one.seconds),
    percent(one.seconds / all.seconds),
    giga(one.flops / one.seconds),
    percent(one.flops / one.seconds / peaks.flopsPerSecond),
    giga(one.bytes / one.seconds),
    percent(one.bytes / one.seconds / peaks.bytesPerSecond),
  ]);
  const how = timestamps ? "timestamps on the device" : "the host's clock, one submission a dispatch: this device has no timestamps";
  const engines = rivals.map(({ engine, seconds: time, times, difference, absent }) =>
    absent === undefined
      ? `${engine}: ${milliseconds(time ?? 0)} ms, ${times?.toFixed(2)} x as long; differs by ${difference?.toExponential(1)} of the largest value`
      : `${engine}: ${absent}`,
  );
  return [
    `${pc.bold(adapter)}: at most ${giga(peaks.flopsPerSecond)} GFLOP/s in registers and ${giga(peaks.bytesPerSecond)} GB/s copying, as measured now`,
    pc.dim(`times by ${how}`),
    ...table(["kernel", "calls", "ms", "share", "GFLOP/s", "of peak", "GB/s", "of peak"], rows),
    `${graph} from the host and back: ${milliseconds(seconds)} ms`,
    ...engines,
    "",
  ].join("\n");
}

const giga = (value: number) => (value / 1e9).toFixed(2);
const milliseconds = (value: number) => (value * 1000).toFixed(value < 0.01 ? 2 : 1);
const percent = (value: number) => `${(value * 100).toFixed(1)} %`;

/** Times a step of Mini's denoiser on a WebGPU device beside its loss alone and the ONNX engine's step, compares their gradients, and prints what each kind of kernel takes of it and does beside the forward one. */

import { readSafetensors } from "../runtime/index.ts";
import { openDawn } from "../runtime/node/dawn.ts";
import { floatsOf, type TensorData } from "../runtime/tensor.ts";
import { openDevice } from "../runtime/webgpu/device.ts";
import { loadGraph } from "../runtime/webgpu/graph.ts";
import { pipelinesOf } from "../runtime/webgpu/pipelines.ts";
import { timeDispatches } from "../runtime/webgpu/profile.ts";
import { readBack } from "../runtime/webgpu/read-back.ts";
import { freshState } from "../training/adamw.ts";
import type { Engine, EngineJob, TrainingState } from "../training/engine.ts";
import { openOnnxEngine } from "../training/node/onnx-engine.ts";
import { openWebGpuEngine } from "../training/webgpu/engine.ts";
import { packedWeights } from "../training/webgpu/packed-weights.ts";
import { planStage } from "../training/webgpu/plan-stage.ts";
import { besideForward } from "./gradient-kernels.ts";
import { median } from "./median.ts";
import { denoiser, inputOf } from "./mini-denoiser.ts";

const [batch = "8", rounds = "5", kernels = "12"] = process.argv.slice(2);

const stage = denoiser(Number(batch));
const paths = stage.trained.map(({ path }) => path);
const stored = await readSafetensors("models/mini.safetensors");
const feeds = new Map(
  stage.loss.values.flatMap((value) => (value.kind === "input" ? [[value.name, inputOf(value.name, value.type.shape)] as const] : [])),
);
const job: EngineJob = {
  stage: "denoiser",
  lossGraph: stage.loss,
  trained: stage.trained,
  optimizer: { ...stage, clipNorm: null, ema: null },
  state: new Map(paths.map((path) => [path, freshState(floatsOf(stored[path] as TensorData), null)])),
  frozen: new Map(),
  parts: 1,
};

const timed = async (run: () => Promise<unknown>) => {
  const started = performance.now();
  await run();
  return performance.now() - started;
};
const stepOf = (engine: Engine, step: number) => engine.step([feeds], { step, learningRate: 1e-6 });

const device = await openDevice(await openDawn());
let ours!: Awaited<ReturnType<typeof openWebGpuEngine>>;
const opened = await timed(async () => {
  ours = await openWebGpuEngine(device, job);
});
console.log(
  `${device.name}; a batch of ${batch}; opened in ${(opened / 1000).toFixed(1)} s; ${(device.memory() / 2 ** 20).toFixed(0)} MiB on the device`,
);
const other = await openOnnxEngine(job);
const [a, b] = [await stepOf(ours, 1), await stepOf(other, 1)];
console.log(`loss ${[...a.losses.values()][0]} and ${[...b.losses.values()][0]}, norm ${a.gradientNorm} and ${b.gradientNorm}`);

/** After the first step Adam's first moment is a tenth of the gradient. */
function compareGradients(mine: TrainingState, theirs: TrainingState): void {
  let [difference, size] = [0, 0];
  const worst: { readonly path: string; readonly error: number }[] = [];
  for (const [path, { first }] of theirs) {
    const own = mine.get(path)?.first ?? new Float32Array();
    let [off, all] = [0, 0];
    for (const [i, value] of first.entries()) {
      off += (value - (own[i] ?? Number.NaN)) ** 2;
      all += value ** 2;
    }
    difference += off;
    size += all;
    worst.push({ path, error: Math.sqrt(off / all) });
  }
  console.log(`gradients differ by ${Math.sqrt(difference / size).toExponential(1)}, relative L2 of all together; the farthest:`);
  for (const { path, error } of worst.sort((x, y) => y.error - x.error).slice(0, 5)) console.log(`  ${error.toExponential(1)} ${path}`);
}
compareGradients(await ours.state(), await other.state());

/** The loss alone, on the weights as they were. */
async function openLoss() {
  const { planned } = planStage({ ...job, trained: [] }, device.gpu.limits);
  const pipelines = pipelinesOf(device);
  const values = new Map(paths.map((path) => [path, floatsOf(stored[path] as TensorData)]));
  const graph = await loadGraph(device, pipelines, packedWeights(device, pipelines, new Map(), values), stage.loss.name, planned, {
    compile: "meanwhile",
  });
  await graph.compile();
  for (const { name } of graph.plan.inputs)
    device.gpu.queue.writeBuffer(graph.input(name), 0, feeds.get(name)?.data as Float32Array<ArrayBuffer>);
  return graph;
}
const alone = await openLoss();
const runAlone = async () => {
  alone.submit();
  await device.gpu.queue.onSubmittedWorkDone();
};
await runAlone();

const times: (readonly [number, number, number])[] = [];
for (let i = 0; i < Number(rounds); i++)
  times.push([await timed(() => stepOf(ours, i + 2)), await timed(runAlone), await timed(() => stepOf(other, i + 2))]);
const middle = (of: (one: readonly [number, number, number]) => number) => median(times.map(of));
console.log(
  `a step: WebGPU ${middle(([step]) => step).toFixed(0)} ms, its loss alone ${middle(([, loss]) => loss).toFixed(0)} ms, ONNX Runtime on the processor ${middle(([, , cpu]) => cpu).toFixed(0)} ms (medians of ${rounds})`,
);
console.log(
  `as long as the loss alone ${middle(([step, loss]) => step / loss).toFixed(2)} x, as ONNX Runtime's step ${middle(([step, , cpu]) => step / cpu).toFixed(2)} x (medians of ratios in turn)`,
);
await other.dispose();

const { dispatches } = ours.loss.plan;
const runner = { device, read: (buffer: GPUBuffer, bytes: number, offset = 0) => readBack(device, buffer, bytes, offset) };
const nanoseconds = await timeDispatches(runner, ours.loss, 1);
const spent = dispatches.map(({ flops }, i) => ({ kernel: ours.loss.kernelOf(i), flops, nanoseconds: nanoseconds[i] ?? 0 }));
const total = spent.reduce((sum, { nanoseconds }) => sum + nanoseconds, 0);
const byKind = new Map<string, { nanoseconds: number; flops: number; count: number }>();
for (const { kernel, nanoseconds, flops } of spent) {
  const kind = byKind.get(kernel) ?? { nanoseconds: 0, flops: 0, count: 0 };
  byKind.set(kernel, { nanoseconds: kind.nanoseconds + nanoseconds, flops: kind.flops + flops, count: kind.count + 1 });
}
console.log(`${spent.length} dispatches, ${byKind.size} kernels, ${(total / 1e6).toFixed(0)} ms on the device; the heaviest:`);
for (const [kernel, { nanoseconds, flops, count }] of [...byKind]
  .sort(([, x], [, y]) => y.nanoseconds - x.nanoseconds)
  .slice(0, Number(kernels)))
  console.log(
    `  ${((100 * nanoseconds) / total).toFixed(1).padStart(5)} % ${(nanoseconds / 1e6).toFixed(1).padStart(8)} ms ${String(count).padStart(4)} x ${(flops / nanoseconds).toFixed(2).padStart(7)} GFLOP/s ${kernel}`,
  );

const beside = [...(await besideForward(device, ours.loss, alone, Number(rounds)))].sort((a, b) => a.ratio - b.ratio);
const work = beside.reduce((sum, { flops }) => sum + flops, 0);
const below = (least: number) => beside.filter(({ ratio }) => ratio < least).reduce((sum, { flops }) => sum + flops, 0) / work;
console.log(
  `${beside.length} gradient kernels beside their ops' own, GFLOP/s; ${(100 * below(0.5)).toFixed(0)} % of their work below 0.5 x, ${(100 * below(1)).toFixed(0)} % below 1 x; the slowest:`,
);
for (const { kernel, forward, count, flops, rate, ratio } of beside.slice(0, Number(kernels)))
  console.log(
    `  ${ratio.toFixed(2).padStart(5)} x ${rate.toFixed(2).padStart(7)} GFLOP/s ${((100 * flops) / work).toFixed(1).padStart(5)} % ${String(count).padStart(4)} x ${kernel} beside ${forward}`,
  );
await ours.dispose();

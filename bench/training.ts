/** Times a step of Mini's denoiser on the ONNX engine beside PyTorch eager (golden/reference/time_training.py), in turn on the same batch, and prints the ratio. */

import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { readSafetensors, writeSafetensors } from "../runtime/index.ts";
import { floatsOf, type TensorData } from "../runtime/tensor.ts";
import { freshState } from "../training/adamw.ts";
import { openOnnxEngine, partsOf } from "../training/node/onnx-engine.ts";
import { median } from "./median.ts";
import { denoiser, inputOf } from "./mini-denoiser.ts";

const [python, rounds = "12", batch = "8"] = process.argv.slice(2);
if (python === undefined) throw new Error("usage: node dist/bench/training.js PYTHON [ROUNDS] [BATCH]");
const parts = partsOf(Number(batch));

const stage = denoiser(Number(batch) / parts);
const paths = stage.trained.map(({ path }) => path);
const stored = await readSafetensors("models/mini.safetensors");
const weightOf = (path: string) => {
  const tensor = stored[path];
  if (tensor === undefined) throw new Error(`models/mini.safetensors has no ${path}`);
  return floatsOf(tensor);
};
const inputs = new Map(stage.loss.values.flatMap((value) => (value.kind === "input" ? [[value.name, value.type.shape] as const] : [])));
const whole = new Map([...inputs].map(([name, [, ...shape]]) => [name, inputOf(name, [Number(batch), ...shape])] as const));
const batches = Array.from({ length: parts }, (_, part) => {
  const own = [...whole].map(([name, { dtype, shape, data }]) => {
    const [clips = 1, ...rest] = shape;
    const length = data.length / parts;
    const slice = data.slice(part * length, (part + 1) * length);
    return [name, { dtype, shape: [clips / parts, ...rest], data: slice } as TensorData] as const;
  });
  return new Map(own);
});
const folder = resolve("out/bench");
mkdirSync(folder, { recursive: true });
const inputFile = join(folder, "training-inputs.safetensors");
await writeSafetensors(inputFile, Object.fromEntries(whole));

const engine = await openOnnxEngine({
  stage: "denoiser",
  lossGraph: stage.loss,
  trained: stage.trained,
  optimizer: stage,
  state: new Map(paths.map((path) => [path, freshState(weightOf(path), stage.ema)])),
  frozen: new Map(),
  parts,
});

interface Timed {
  readonly loss: number;
  /** Of wall time, and of all threads together. */
  readonly ms: number;
  readonly cpu: number;
  readonly peakMB: number;
}

let step = 0;
async function ours(): Promise<Timed> {
  const [started, before] = [performance.now(), process.cpuUsage()];
  const { losses } = await engine.step(batches, { step: ++step, learningRate: 1e-6 });
  const [ms, used] = [performance.now() - started, process.cpuUsage(before)];
  const [loss = Number.NaN] = losses.values();
  return { loss, ms, cpu: (used.user + used.system) / 1000, peakMB: process.resourceUsage().maxRSS / 1024 };
}

const rival = spawn(python, ["time_training.py", resolve("models/mini.safetensors"), inputFile, "--threads", "2"], {
  cwd: "golden/reference",
  stdio: ["pipe", "pipe", "inherit"],
});
const lines = createInterface({ input: rival.stdout })[Symbol.asyncIterator]();
async function theirs(): Promise<Timed> {
  rival.stdin.write("step\n");
  const { value, done } = await lines.next();
  if (done) throw new Error("time_training.py has ended");
  return JSON.parse(value) as Timed;
}

const [first, other] = [await ours(), await theirs()];
const difference = Math.abs(first.loss / other.loss - 1);
if (!(difference < 1e-5)) throw new Error(`the losses are ${first.loss} and ${other.loss}: it is not the same step`);
const pairs: (readonly [ours: Timed, theirs: Timed])[] = [];
for (let i = 0; i < Number(rounds); i++) pairs.push([await ours(), await theirs()]);
rival.stdin.end();
await engine.dispose();

console.log(`a batch of ${batch} in ${parts} parts; losses agree to ${difference.toExponential(1)}`);
for (const [i, name] of ["mvc", "PyTorch"].entries()) {
  const times = pairs.map((pair) => pair[i] as Timed);
  const [ms, cpu] = [times.map((one) => one.ms), times.map((one) => one.cpu)];
  const peak = Math.max(...times.map(({ peakMB }) => peakMB));
  console.log(
    `${name.padEnd(8)} median ${median(ms).toFixed(0)} ms, least ${Math.min(...ms).toFixed(0)} ms; processor ${median(cpu).toFixed(0)} ms, least ${Math.min(...cpu).toFixed(0)} ms; peak ${peak.toFixed(0)} MB`,
  );
}
const ratio = (what: "ms" | "cpu") => median(pairs.map(([mine, his]) => his[what] / mine[what])).toFixed(2);
console.log(`PyTorch takes ${ratio("ms")} x as long, and ${ratio("cpu")} x the processor's time (medians of ${pairs.length} pairs)`);

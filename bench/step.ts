/** Times a package's `step` beside PyTorch's own ONNX export of the same network, in turn in one process on one ONNX Runtime, and prints the ratio. */

import { resolve } from "node:path";
import type { InferenceSession, Tensor } from "onnxruntime-node";
import { Tensor as OrtTensor, InferenceSession as Session } from "onnxruntime-node";
import { openPackage, packageFolder } from "../runtime/index.ts";
import { normals } from "../runtime/sampler/random.ts";
import { elements } from "../runtime/tensor.ts";
import { median } from "./median.ts";

const [folder, rivalFile, rounds = "30"] = process.argv.slice(2);
if (folder === undefined || rivalFile === undefined) throw new Error("usage: node dist/bench/step.js PACKAGE RIVAL.onnx [ROUNDS]");
const { manifest } = await openPackage(packageFolder(folder));
const { sampler, graphs } = manifest;
const condition = sampler?.conditions[0]?.name;
if (!sampler?.prepare || condition === undefined) throw new Error(`${folder} has no sampler that prepares a text`);

const threads = { intraOpNumThreads: 2, interOpNumThreads: 1, logSeverityLevel: 3 as const };
// A session's idle threads spin for a while and would take the processor from the other's: neither may.
const settings = { ...threads, extra: { session: { intra_op: { allow_spinning: "0" } } } };
const open = (graph: string) => Session.create(resolve(folder, graphs[graph]?.onnx?.file ?? ""), settings);
const prepare = await open(sampler.prepare);
const step = await open(sampler.step);
const rival = await Session.create(resolve(rivalFile), settings);

type Feeds = { readonly [name: string]: Tensor };
const shapeOf = (graph: string, input: string) => graphs[graph]?.inputs.find((tensor) => tensor.name === input)?.shape ?? [];
const random = (shape: readonly number[], stream: number) => new OrtTensor("float32", normals(5, stream, elements(shape)), shape);
const text = random(shapeOf(sampler.prepare, condition), 0);
const latent = random(shapeOf(sampler.step, sampler.latent), 1);
const time = new OrtTensor(
  "float32",
  new Float32Array(shapeOf(sampler.step, sampler.time)[0] ?? 1).fill(500),
  shapeOf(sampler.step, sampler.time),
);

const prepared = await prepare.run({ [condition]: text });
const stepFeeds: Feeds = { ...prepared, [sampler.latent]: latent, [sampler.time]: time };
const rivalFeeds: Feeds = { z: latent, t: time, text };

function only(outputs: InferenceSession.OnnxValueMapType): Float32Array {
  return Object.values(outputs)[0]?.data as Float32Array;
}
const [a, b] = [only(await step.run(stepFeeds)), only(await rival.run(rivalFeeds))];
const largest = b.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
const difference = b.reduce((most, value, i) => Math.max(most, Math.abs(value - (a[i] ?? Number.NaN))), 0) / largest;
if (!(difference < 1e-4)) throw new Error(`the two differ by ${difference} of the largest value: they are not the same network`);

async function timed(run: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await run();
  return performance.now() - started;
}
const times = { ours: [] as number[], rival: [] as number[], prepare: [] as number[] };
for (let i = 0; i < Number(rounds); i++) {
  times.ours.push(await timed(() => step.run(stepFeeds)));
  times.rival.push(await timed(() => rival.run(rivalFeeds)));
}
for (let i = 0; i < Number(rounds); i++) times.prepare.push(await timed(() => prepare.run({ [condition]: text })));
const sorted = (values: readonly number[]) => [...values].sort((x, y) => x - y);
const least = (values: readonly number[]) => sorted(values)[0] ?? Number.NaN;
const pairs = times.rival.map((rivalTime, i) => rivalTime / (times.ours[i] ?? Number.NaN));
console.log(`agree to ${difference.toExponential(1)} of the largest value`);
for (const [name, values] of Object.entries(times))
  console.log(`${name.padEnd(8)} median ${median(values).toFixed(1)} ms, least ${least(values).toFixed(1)} ms`);
console.log(
  `PyTorch's export takes ${median(pairs).toFixed(2)} x as long as our step (median of ${pairs.length} pairs; by the least times ${(least(times.rival) / least(times.ours)).toFixed(2)} x)`,
);

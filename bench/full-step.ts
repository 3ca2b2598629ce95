/** Times `prepare` and `step` of a package once on ONNX Runtime, with random text and latent: whether a full-size model runs here, and how long a step takes. */

import { loadPipeline } from "../runtime/index.ts";
import { normals } from "../runtime/sampler/random.ts";
import { elements, f32, type TensorData, type Tensors } from "../runtime/tensor.ts";

const folder = process.argv[2];
if (folder === undefined) throw new Error("usage: node dist/bench/full-step.js PACKAGE");
const pipeline = await loadPipeline(folder);
const { graphs, sampler } = pipeline.package.manifest;
if (sampler === null) throw new Error(`${folder} has no sampler`);

function random(graph: string, given: Tensors): Tensors {
  const inputs = graphs[graph]?.inputs ?? [];
  const feeds = inputs.map(({ name, shape }, i): [string, TensorData] => [name, given[name] ?? f32(shape, normals(1, i, elements(shape)))]);
  return Object.fromEntries(feeds);
}

async function timed(graph: string, feeds: Tensors): Promise<Tensors> {
  const started = performance.now();
  const outputs = await pipeline.run(graph, feeds);
  const seconds = (performance.now() - started) / 1000;
  const gflop = (graphs[graph]?.flops ?? 0) / 1e9;
  console.log(`${graph}: ${seconds.toFixed(1)} s, ${gflop.toFixed(0)} GFLOP, ${(gflop / seconds).toFixed(0)} GFLOP/s`);
  return outputs;
}

const prepared = sampler.prepare === null ? {} : await timed(sampler.prepare, random(sampler.prepare, {}));
const feeds = random(sampler.step, prepared);
await timed(sampler.step, feeds);
const again = await timed(sampler.step, feeds);
const finite = Object.values(again).every((tensor) => tensor.data.every((value) => Number.isFinite(value)));
console.log(`finite: ${finite}; peak memory ${(process.resourceUsage().maxRSS / 2 ** 20).toFixed(1)} GiB`);
await pipeline.dispose();

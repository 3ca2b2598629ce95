/** Times each of a graph's heaviest ops alone, by our kernels and by ONNX Runtime's on the same WebGPU adapter, and prints the ratios. */

import { placementOf } from "../cli/probes.ts";
import { randomFeeds } from "../cli/random-feeds.ts";
import { readGraph } from "../cli/reference-runner.ts";
import { errorOf } from "../cli/tensor-error.ts";
import type { Graph, OpValue } from "../compiler/graph/graph.ts";
import { valuesById } from "../compiler/graph/graph.ts";
import { opEntry } from "../compiler/ops/table.ts";
import type { GraphSpec } from "../compiler/package/manifest.ts";
import { onnxPasses, runPasses } from "../compiler/passes/passes.ts";
import { emitOnnx } from "../compiler/targets/onnx/emit.ts";
import { planGraph } from "../compiler/targets/webgpu/plan-graph.ts";
import { openPackage, type Package, packageFolder } from "../runtime/index.ts";
import { openDawn } from "../runtime/node/dawn.ts";
import { openGraph } from "../runtime/node/onnx-session.ts";
import { runOpened } from "../runtime/onnx-runner.ts";
import type { TensorData } from "../runtime/tensor.ts";
import { openDevice } from "../runtime/webgpu/device.ts";
import { webgpuRunner } from "../runtime/webgpu/runner.ts";

const [folder, graphName = "step", rounds = "3", share = "0.9"] = process.argv.slice(2);
if (folder === undefined) throw new Error("usage: node dist/bench/hot-ops.js PACKAGE [GRAPH] [ROUNDS] [SHARE]");
const pack = await openPackage(packageFolder(folder));
const graph = await readGraph(folder, graphName);
const byId = valuesById(graph);
const device = await openDevice(await openDawn());

interface HotOp {
  readonly op: OpValue;
  count: number;
  readonly flops: number;
}

/** The ops that make up `share` of the graph's work, those of one kind and shape once. */
function hotOps(): readonly HotOp[] {
  const kinds = new Map<string, HotOp>();
  for (const op of graph.values) {
    if (op.kind !== "op") continue;
    const types = op.inputs.map((id) => byId(id).type);
    const flops = opEntry(op.op).flops(types, op.type, op.attributes);
    const kind = JSON.stringify([op.op, op.attributes, types]);
    const known = kinds.get(kind);
    if (known === undefined) kinds.set(kind, { op, count: 1, flops });
    else known.count++;
  }
  const all = [...kinds.values()].sort((a, b) => b.count * b.flops - a.count * a.flops);
  const total = all.reduce((sum, { count, flops }) => sum + count * flops, 0);
  let left = Number(share) * total;
  return all.filter(({ count, flops }) => {
    const wanted = left > 0;
    left -= count * flops;
    return wanted;
  });
}

/** The op alone: what it computes with comes in, but its weights. */
function aloneGraph(op: OpValue): Graph {
  const inputs = [...new Set(op.inputs)].map((id) => {
    const value = byId(id);
    if (value.kind !== "op") return value;
    return { kind: "input" as const, id, type: value.type, name: `x${id}`, axes: value.type.shape.map(String) };
  });
  return { name: "alone", values: [...inputs, op], outputs: [{ name: "y", value: op.id, axes: op.type.shape.map(String) }] };
}

function specOf(alone: Graph, op: OpValue): GraphSpec {
  const inputs = alone.values.flatMap((value) =>
    value.kind === "input" ? [{ name: value.name, dtype: value.type.dtype, shape: value.type.shape, axes: value.axes }] : [],
  );
  const outputs = [{ name: "y", dtype: op.type.dtype, shape: op.type.shape, axes: [] }];
  const file = (name: string) => ({ file: name, bytes: 0, sha256: "" });
  return { inputs, outputs, flops: 0, parameters: 0, webgpu: { plan: file("alone.json"), kernels: file("alone.wgsl") } };
}

/** The package with the op for its only graph. */
function packageOf(alone: Graph, spec: GraphSpec): Package {
  const { plan, source } = planGraph(alone);
  const made = new Map([
    ["alone.json", JSON.stringify(plan)],
    ["alone.wgsl", source],
  ]);
  const read: Package["files"]["read"] = async (file, start, end) => {
    const text = made.get(file);
    return text === undefined ? pack.files.read(file, start, end) : new TextEncoder().encode(text);
  };
  return { ...pack, files: { ...pack.files, read }, manifest: { ...pack.manifest, graphs: { alone: spec } } };
}

async function least(run: () => Promise<unknown>): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < Number(rounds); i++) {
    const started = performance.now();
    await run();
    best = Math.min(best, performance.now() - started);
  }
  return best;
}

const placement = placementOf(pack);
for (const { op, count, flops } of hotOps()) {
  const alone = aloneGraph(op);
  const spec = specOf(alone, op);
  const feeds = randomFeeds(spec);
  const runner = webgpuRunner(packageOf(alone, spec), device);
  const model = emitOnnx(runPasses(alone, onnxPasses), placement);
  const rival = await openGraph("alone", model, folder, { provider: "webgpu" });
  const [found, expected] = [await runner.run("alone", feeds), await runOpened(rival, "alone", spec, feeds)];
  const difference = errorOf(found.y as TensorData, expected.y as TensorData);
  const ours = await least(() => runner.run("alone", feeds));
  const theirs = await least(() => runOpened(rival, "alone", spec, feeds));
  await rival.session.release();
  const shapes = op.inputs.map((id) => byId(id).type.shape.join("x")).join(" ");
  const words = [op.op, shapes, `${count} times`, `${(flops / 1e9).toFixed(3)} GFLOP`];
  const times = `${ours.toFixed(1)} ms beside ${theirs.toFixed(1)} ms`;
  console.log(`${(theirs / ours).toFixed(2)} x  ${words.join(", ")}: ${times}; differ by ${difference.toExponential(1)}`);
}
device.close();

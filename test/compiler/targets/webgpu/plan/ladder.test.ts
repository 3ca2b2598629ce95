// A device that allows more never builds less: models and random graphs on ladders of limits, from absurd ones to more than 32 bits address.

import { describe, expect, test } from "vitest";
import { bytesOf, type Graph, type Origin, sizeOf } from "../../../../../compiler/graph/graph.ts";
import { GraphBuilder } from "../../../../../compiler/rewriting/builder.ts";
import { type DeviceLimits, defaultLimits } from "../../../../../compiler/targets/webgpu/plan/limits.ts";
import { planModel } from "../../../../../compiler/targets/webgpu/plan-model.ts";
import { compileFile } from "../../../../golden/cases.ts";
import { randomGraph } from "../../../random-graph.ts";

const seeds = 7;
const frame = compileFile("golden/cases/blocks.mv", { preset: "Small" });

const origin: Origin = { path: "", span: { file: "ladder", start: 0, end: 0 }, expandedFrom: [] };

/** The graph with inputs of one element each, and one element of each output: all that is large is the plan's own to place. */
function hollow(graph: Graph): Graph {
  const builder = new GraphBuilder(1 + Math.max(...graph.values.map(({ id }) => id)));
  for (const value of graph.values) {
    if (value.kind !== "input" || sizeOf(value.type.shape) === 1) {
      builder.keep(value);
      continue;
    }
    const { shape, dtype } = value.type;
    const ones = shape.map(() => 1);
    const small = builder.input(value.name, { dtype, shape: ones }, ones.map(String));
    builder.keep({ kind: "op", id: value.id, type: value.type, op: "broadcast", inputs: [small], attributes: { shape }, origin });
  }
  const outputs = graph.outputs.map((output) => {
    let value = output.value;
    for (const axis of builder.typeOf(value).shape.keys()) value = builder.op("slice", [value], { axis, start: 0, size: 1 }, origin);
    return { ...output, value, axes: output.axes.map(() => "1") };
  });
  return builder.finish(graph.name, outputs);
}

function builds(graph: Graph, limits: Partial<DeviceLimits>): boolean {
  const alone = { ...frame, graphs: new Map([[graph.name, graph]]), origins: new Map([[graph.name, origin.span]]), sampler: null };
  return planModel(alone, { ...defaultLimits, ...limits }).ok;
}

/** Sizes around those of the graph's own values, where decisions turn, and then up to what no device has. */
function sizesOf(graph: Graph): readonly number[] {
  const own = graph.values.map(({ type }) => sizeOf(type.shape) * 4);
  const largest = Math.max(...own, ...graph.values.map(({ type }) => bytesOf(type)));
  return [16, ...[0.1, 0.3, 0.6, 1, 1.01, 2, 8].map((part) => Math.round(largest * part)), 2 ** 27, 2 ** 31 - 4, 2 ** 53 - 1];
}

/** The first rung on which the graph builds, and every one after it on which it does not. */
function falls(graph: Graph, rungs: readonly Partial<DeviceLimits>[]): readonly string[] {
  const built = rungs.map((limits) => builds(graph, limits));
  const first = built.indexOf(true);
  return first < 0 ? [] : rungs.slice(first).flatMap((limits, i) => (built[first + i] === true ? [] : [JSON.stringify(limits)]));
}

const ladders: { readonly [name: string]: (graph: Graph) => readonly Partial<DeviceLimits>[] } = {
  "bytes of a binding": (graph) => sizesOf(graph).map((bytes) => ({ maxStorageBufferBindingSize: bytes })),
  "bytes of a buffer": (graph) => sizesOf(graph).map((bytes) => ({ maxBufferSize: bytes })),
  bytes: (graph) => sizesOf(graph).map((bytes) => ({ maxStorageBufferBindingSize: bytes, maxBufferSize: bytes })),
  bindings: () => [1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 64].map((count) => ({ maxStorageBuffersPerShaderStage: count })),
  workgroups: () => [1, 8, 64, 4096, 65535, 2 ** 31].map((count) => ({ maxComputeWorkgroupsPerDimension: count })),
  threads: () =>
    [8, 32, 64, 128, 256, 1024].map((count) => ({ maxComputeInvocationsPerWorkgroup: count, maxComputeWorkgroupSizeX: count })),
};

describe.each(Object.entries(ladders))("%s", (_, ladder) => {
  test.each(["f32", "f16"] as const)("random graphs, %s", (dtype) => {
    for (let seed = 0; seed < seeds; seed++) {
      const whole = randomGraph(seed, dtype, 12);
      const graph = seed % 4 === 1 ? whole : hollow(whole);
      expect(falls(graph, ladder(graph)), `seed ${seed}`).toEqual([]);
      expect(builds(graph, {}), `seed ${seed}`).toBe(true);
    }
  });
});

test("the small model's decoder", () => {
  const graph = compileFile("models/magicvideo.mv", { preset: "Mini", precision: "f16" }).graphs.get("decode") as Graph;
  for (const what of ["bytes", "bindings"]) expect(falls(graph, ladders[what]?.(graph) ?? []), what).toEqual([]);
});

test("the full size, in both precisions, from what every device grants to what 32 bits address", () => {
  const both = [27, 29, 31, 32].map((bits) => ({ maxStorageBufferBindingSize: 2 ** bits, maxBufferSize: 2 ** bits }));
  // Bindings that are larger than any buffer are no larger in truth.
  const rungs = [...both, { maxStorageBufferBindingSize: 2 ** 31 }];
  for (const precision of ["f32", "f16"] as const) {
    for (const [name, graph] of compileFile("models/magicvideo.mv", { precision }).graphs) {
      if (name !== "decode" && name !== "encode") continue;
      for (const limits of rungs) expect(builds(graph, limits), `${name} ${precision} ${JSON.stringify(limits)}`).toBe(true);
    }
  }
});

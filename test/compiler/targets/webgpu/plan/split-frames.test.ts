// Values that are too large for a binding, a few frames at a time: the same numbers, in pieces that fit, on random graphs and on each form that was once wrong.

import { expect, test } from "vitest";
import { type Attributes, bytesOf, type Graph, type OpValue, type TensorType, type ValueId } from "../../../../../compiler/graph/graph.ts";
import { printGraph } from "../../../../../compiler/graph/print.ts";
import { GraphBuilder } from "../../../../../compiler/rewriting/builder.ts";
import { verify } from "../../../../../compiler/rewriting/verify.ts";
import { boundsOf, defaultLimits } from "../../../../../compiler/targets/webgpu/plan/limits.ts";
import { splitFrames } from "../../../../../compiler/targets/webgpu/plan/split-frames.ts";
import { graphOf } from "../../../ops/one-op.ts";
import { type Check, expectNoComplaint, patternCases } from "../../../passes/cases.ts";
import { differenceOf, numbersOf, outputsOf } from "../../../passes/same-numbers.ts";

const graphs = 1000;
const bounds = (binding: number) => ({ ...boundsOf(defaultLimits), binding });

const check =
  (limit: number): Check =>
  (graph, given = numbersOf(graph), expected = outputsOf(graph, given)) => {
    try {
      return differenceOf(outputsOf(verify(splitFrames(graph, bounds(limit)).graph, "split-frames"), given), expected, 0);
    } catch (error) {
      return String(error);
    }
  };

const bytesOfOps = (graph: Graph) => graph.values.flatMap(({ kind, type }) => (kind === "op" ? [bytesOf(type)] : []));

test("random graphs in pieces are the whole, bit for bit", () => {
  let split = 0;
  for (const one of patternCases(graphs)) {
    const limit = Math.ceil(Math.max(...bytesOfOps(one.graph)) / (2 + (one.seed % 3)));
    expectNoComplaint(check(limit), one);
    if (splitFrames(one.graph, bounds(limit)).graph !== one.graph) split++;
  }
  expect(split).toBeGreaterThanOrEqual(graphs / 10);
});

/** The graph in pieces, once it is seen to compute the same. */
function inPieces(graph: Graph, limit: number): Graph {
  expect(check(limit)(graph), printGraph(graph)).toBeUndefined();
  return splitFrames(graph, bounds(limit)).graph;
}

const origin = { path: "", span: { file: "test.mv", start: 0, end: 0 }, expandedFrom: [] };
const float = (...shape: number[]): TensorType => ({ dtype: "f32", shape });

/** The op's result summed to one number a row, so that what is too large is not also what must come out whole. */
function narrowed(op: OpValue["op"], inputs: readonly TensorType[], attributes: Attributes): Graph {
  const graph = graphOf(op, inputs, attributes);
  const builder = new GraphBuilder();
  for (const value of graph.values) builder.keep(value);
  const result = graph.outputs[0]?.value ?? -1;
  const { shape } = builder.typeOf(result);
  const weight = builder.weight("narrow.weight", float(1, shape.at(-1) ?? 1), { kind: "ones" });
  const sums = builder.op("linear", [result, weight], { out: 1, bias: false, init: "default" }, origin);
  return builder.finish("narrowed", [{ name: "y", value: sums, axes: [] }]);
}

/** Ops and their inputs, each of twice the bytes of the limit. */
const halved: readonly (readonly [OpValue["op"], readonly TensorType[], Attributes])[] = [
  ["silu", [float(2, 12)], {}],
  // A matrix with as many rows as there are rows to split stays whole.
  ["linear", [float(4, 4)], { out: 4 }],
  ["conv2d", [float(4, 2, 3, 3)], { out: 4, kernel: 3, padding: "same" }],
  ["conv1d", [float(4, 4, 3)], { out: 4, kernel: 3, groups: 4 }],
  ["convTranspose2d", [float(4, 4, 1, 3)], { out: 4, kernel: 3, groups: 2 }],
  ["averagePool2d", [float(4, 4, 3, 3)], { kernel: 2, stride: 1 }],
  // What is looked up and what is a time have no axis for the width.
  ["embedding", [{ dtype: "i32", shape: [2, 3] }], { vocabulary: 8, width: 4, dtype: "f32" }],
  ["sinusoid", [float(4)], { width: 8 }],
  ["rotary", [float(4, 4), float(4)], {}],
  // A bias is cut with its clips, or is one for all.
  ["attend", [float(4, 3, 4), float(4, 3, 4), float(4, 3, 4), float(4, 1, 3, 3)], { heads: 2 }],
  ["attend", [float(4, 3, 4), float(4, 3, 4), float(4, 3, 4), float(1, 2, 1, 3)], { heads: 2 }],
];

test.each(halved)("%s of %j", (op, inputs, attributes) => {
  const graph = narrowed(op, inputs, attributes);
  const whole = Math.max(...bytesOfOps(graph));
  const pieces = inPieces(graph, whole / 2).values.filter(
    (value) => value.kind === "op" && value.op === op && bytesOf(value.type) > whole / 8,
  );
  expect(pieces.map(({ type }) => bytesOf(type))).toEqual([whole / 2, whole / 2]);
});

const kept: readonly (readonly [OpValue["op"], readonly TensorType[], Attributes])[] = [
  // Mixed along the axis.
  ["softmax", [float(4, 4)], { axis: 0 }],
  // A group a channel, but the pieces would have fewer channels than groups.
  ["conv3d", [float(1, 4, 2, 3, 3)], { out: 4, kernel: 3, groups: 4 }],
  ["averagePool1d", [float(8)], { kernel: 2, stride: 1 }],
  // Row by row, but no row's mask is another's.
  ["maskedSoftmax", [float(4, 4)], {}],
  // Any row may be looked up.
  ["gather", [float(4, 4), { dtype: "i32", shape: [4] }], { axis: 0 }],
];

test.each(kept)("%s of %j stays whole", (op, inputs, attributes) => {
  const graph = narrowed(op, inputs, attributes);
  expect(inPieces(graph, 32)).toBe(graph);
});

test("what also reads what comes after the pieces comes after them", () => {
  const builder = new GraphBuilder();
  const linear = (x: ValueId, name: string, out: number) => {
    const weight = builder.weight(name, float(out, builder.typeOf(x).shape.at(-1) ?? 1), { kind: "ones" });
    return builder.op("linear", [x, weight], { out, bias: false, init: "default" }, origin);
  };
  const wide = linear(builder.input("x", float(4, 4), ["N", "C"]), "wide", 16);
  const rows = linear(wide, "narrow", 4);
  const mixed = builder.op("softmax", [rows], { axis: 0 }, origin);
  const graph = builder.finish("late", [{ name: "y", value: builder.op("add", [rows, mixed], {}, origin), axes: ["N", "C"] }]);
  expect(inPieces(graph, 64)).not.toBe(graph);
});

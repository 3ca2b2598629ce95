// Every kernel that a device may choose for a dispatch, at awkward sizes, against the reference.

import { describe, expect, test } from "vitest";
import type { Attributes, Graph, Origin, ValueId } from "../../compiler/graph/graph.ts";
import type { OpName } from "../../compiler/graph/op-names.ts";
import { opEntry } from "../../compiler/ops/table.ts";
import { GraphBuilder, plainType } from "../../compiler/rewriting/builder.ts";
import { planGraph } from "../../compiler/targets/webgpu/plan-graph.ts";
import { noGpu } from "../gpu.ts";
import { agree, tolerances } from "./beside-interpreter.ts";

const origin: Origin = { path: "", span: { file: "variants", start: 0, end: 0 }, expandedFrom: [] };

/** Rows, pixels, queries and keys that no tile divides; operands in two buffers; halves that are gated; groups that are no fours. */
function awkward(): Graph {
  const dtype = "f32";
  const builder = new GraphBuilder();
  const made: ValueId[] = [];
  let inputs = 0;
  let layers = 0;
  const input = (...shape: number[]) => builder.input(`x${inputs++}`, { dtype, shape }, shape.map(String));
  const call = (op: OpName, operands: readonly ValueId[], attributes: Attributes): ValueId => {
    layers++;
    const types = operands.map((id) => plainType(builder.typeOf(id)));
    const weights = (opEntry(op).weights?.(types, attributes) ?? []).map(({ name, shape, init }) =>
      builder.weight(`layer${layers}.${name}`, { dtype, shape }, init),
    );
    return builder.op(op, [...operands, ...weights], attributes, origin);
  };
  const linear = (x: ValueId, out: number) => call("linear", [x], { out, bias: true, init: "default" });
  const conv = (x: ValueId, out: number, kernel: number, stride: number) =>
    call("conv2d", [x], { out, kernel, stride, padding: "same", bias: true });
  // A picture as applications give it lies channels-first; one that was computed, in fours.
  const picture = (...shape: readonly [number, number, number, number]) => conv(input(shape[0], 8, shape[2], shape[3]), shape[1], 1, 1);
  made.push(linear(input(70, 48), 320));
  made.push(call("geglu", [linear(input(75, 64), 256)], {}));
  made.push(linear(input(3, 192), 256));
  made.push(conv(picture(2, 32, 7, 9), 64, 3, 1));
  made.push(conv(picture(2, 32, 9, 7), 64, 3, 2));
  made.push(conv(picture(2, 32, 7, 9), 128, 1, 1));
  made.push(conv(call("concat", [picture(2, 16, 8, 8), picture(2, 32, 8, 8)], { axis: 1 }), 64, 3, 1));
  const sequence = input(1, 77, 80);
  made.push(call("attend", [sequence, sequence, sequence], { heads: 2, causal: true }));
  made.push(call("attend", [input(2, 70, 64), input(2, 50, 64), input(2, 50, 64)], { heads: 4, causal: false }));
  // Biases of keys that are fours and that are not, of one head for all, of one row for all queries; and in each form.
  for (const [tokens, keys, heads, bias, causal] of [
    [input(2, 70, 64), input(2, 50, 64), 4, input(2, 4, 70, 50), false],
    [input(2, 70, 64), input(2, 52, 64), 4, input(1, 4, 1, 52), false],
    [sequence, sequence, 2, input(1, 1, 77, 77), true],
    [input(2, 19, 112), input(2, 39, 112), 1, input(2, 1, 19, 39), false],
    [input(2, 9, 30), input(2, 9, 30), 3, input(1, 3, 9, 9), true],
  ] as const)
    made.push(call("attend", [tokens, keys, keys, bias], { heads, causal }));
  // Groups of three and of six channels: fours of them take several groups.
  made.push(call("silu", [call("groupNorm", [picture(70, 12, 5, 7)], { groups: 4, eps: 1e-5 })], {}));
  made.push(call("groupNorm", [input(20, 48, 3, 5)], { groups: 8, eps: 1e-5 }));
  const outputs = made.map((value, i) => ({ name: `y${i}`, value, axes: builder.typeOf(value).shape.map(String) }));
  return builder.finish("awkward", outputs);
}

const forms = [
  /^groupNorm_70x4x3x35/,
  /^groupNorm_20x8x6x15/,
  /^attend_1x.*_directed/,
  /^attend_2x/,
  /^linear_.*_rows8/,
  /^linear_.*_quads/,
  /^linear_geglu_.*_quads/,
  /^linear_tiled/,
  /^linear_geglu_tiled/,
  /^linear_split/,
  /^conv2d_.*_pixels4$/,
  /^conv2d_3x3_.*_quads/,
  /^conv2d_3x3_stride2_.*_quads/,
  /^conv2d_126x.*_quads/,
  /^conv2d_tiled/,
  /^attend_quads_.*_directed/,
  /^attend_quads_.*x70x50_/,
  /^attend_2x70x52_.*_biased_/,
  /^attend_quads_2x70x50_.*_biased_/,
  /^attend_quads_2x70x52_.*_biased_/,
  /^attend_quads_1x77x77_.*_directed_biased_/,
  /^attend_wide_2x19x39_.*_biased_/,
  /^attend_few_2x9x9_.*_directed_biased_/,
];

// In halves whole graphs are run by their other kernels (webgpu.test.ts): a small mistake would hide in their tolerance here.
describe.skipIf(noGpu !== undefined)("on WebGPU", () => {
  const graph = awkward();
  const { dispatches } = planGraph(graph).plan;
  const kernels = dispatches.map((dispatch) => [dispatch, ...(dispatch.variants ?? [])].map(({ kernel }) => kernel));
  const most = Math.max(...kernels.map(({ length }) => length));
  const rounds = Array.from({ length: most }, (_, round) =>
    kernels.flatMap((names) => (names[round] === undefined ? [] : [[names[0] as string, names[round]] as const])),
  );
  test("every form is among them", () => {
    const others = rounds.flat().map(([, other]) => other);
    expect(forms.filter((form) => !others.some((other) => form.test(other)))).toEqual([]);
  });
  test.each(rounds.map((round, i) => [i, round] as const))("kernel %d of each dispatch", (_, round) =>
    agree(graph, tolerances.f32, Object.fromEntries(round)),
  );
});

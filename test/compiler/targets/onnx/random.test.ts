// Random graphs through every pass and the emitter: what ONNX Runtime computes is what the interpreter makes of the graph as it was.

import { expect, test } from "vitest";
import { printGraph } from "../../../../compiler/graph/print.ts";
import { onnxPasses, passes, runPasses } from "../../../../compiler/passes/passes.ts";
import { outputsByOnnx } from "../../ops/one-op.ts";
import { patternCases } from "../../passes/cases.ts";
import { differenceOf } from "../../passes/same-numbers.ts";

/** As between the device and the interpreter: f32 sums in another order; halves, off by up to 5e-4 of themselves, through some ops. */
const within = { f32: 1e-4, f16: 2e-2 } as const;

test.each(patternCases(100))("seed $seed", async ({ graph, given, expected }) => {
  const emitted = runPasses(graph, [...passes, ...onnxPasses]);
  const half = graph.values.some(({ type }) => type.dtype === "f16");
  const difference = differenceOf(await outputsByOnnx(emitted, given), expected, within[half ? "f16" : "f32"]);
  expect(difference, printGraph(emitted)).toBeUndefined();
});

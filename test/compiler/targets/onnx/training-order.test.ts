// The order in which ONNX Runtime computes gradients, as it says itself: the last layer's first, each as soon as it can be, so that little is kept for it.

import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { expect, test } from "vitest";
import { differentiate } from "../../../../compiler/differentiate/differentiate.ts";
import { onnxPasses, runPasses } from "../../../../compiler/passes/passes.ts";
import { GraphBuilder } from "../../../../compiler/rewriting/builder.ts";
import { emitOnnx } from "../../../../compiler/targets/onnx/emit.ts";

const layers = [0, 1, 2, 3];

/** The sum of what linear layers with a function between them make. */
function chain() {
  const builder = new GraphBuilder();
  const origin = (path: string) => ({ path, span: { file: "test.mv", start: 0, end: 0 }, expandedFrom: [] });
  let x = builder.input("x", { dtype: "f32", shape: [5, 4] }, ["5", "4"]);
  for (const i of layers) {
    const weight = builder.weight(`layer${i}`, { dtype: "f32", shape: [4, 4] }, { kind: "zeros" });
    const made = builder.op("linear", [x, weight], { out: 4, bias: false, init: "default" }, origin(`layer${i}`));
    x = builder.op("tanh", [made], {}, origin(`layer${i}`));
  }
  const flat = builder.op("reshape", [x], { shape: [20] }, origin("loss"));
  return builder.finish("loss", [{ name: "loss", value: builder.op("sum", [flat], { axis: 0 }, origin("loss")), axes: ["1"] }]);
}

test("a gradient leaves before the pass goes on to the layer before", async () => {
  const paths = layers.map((i) => `layer${i}`);
  const graph = runPasses(differentiate(chain(), paths), onnxPasses);
  const folder = mkdtempSync(join(tmpdir(), "mvc-order-"));
  const options = { intraOpNumThreads: 1, enableProfiling: true, profileFilePrefix: join(folder, "profile") };
  const session = await InferenceSession.create(emitOnnx(graph, new Map(), { weightsAsInputs: true }), options);
  const filled = (shape: readonly number[]) => new Tensor("float32", new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(0.1), shape);
  await session.run(Object.fromEntries([["x", filled([5, 4])], ...paths.map((path) => [path, filled([4, 4])])]));
  session.endProfiling();
  await session.release();
  const [file = ""] = readdirSync(folder);
  const events = JSON.parse(readFileSync(join(folder, file), "utf8")) as readonly { readonly cat: string; readonly name: string }[];
  rmSync(folder, { recursive: true });
  const order = events
    .filter(({ cat, name }) => cat === "Node" && name.endsWith("_kernel_time"))
    .map(({ name }) => name.replace("_kernel_time", ""));
  const leaves = (i: number) => order.indexOf(`output/gradient of layer${i}`);
  const lastOf = (i: number) => order.findLastIndex((name) => name.startsWith(`layer${i}/`));
  expect(layers.map(leaves).every((at, i) => at > 0 && (i === 0 || at < leaves(i - 1)))).toBe(true);
  // What a layer computes last is its data's gradient; the next before it begins after.
  for (const i of layers.slice(1)) expect(leaves(i)).toBeLessThan(lastOf(i - 1));
});

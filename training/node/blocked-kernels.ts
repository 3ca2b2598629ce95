/** The ONNX Runtime of this machine to the block that its blocked kernels work in, by trying: they are its own, differ from processor to processor, and are nowhere told of. */

import { interpret } from "../../compiler/analysis/interpret.ts";
import { type Graph, sizeOf } from "../../compiler/graph/graph.ts";
import { GraphBuilder } from "../../compiler/rewriting/builder.ts";
import { type Block, emitOnnx } from "../../compiler/targets/onnx/emit.ts";
import { openGraph } from "../../runtime/node/onnx-session.ts";
import { f32 } from "../../runtime/tensor.ts";

/** The wider first: channels that fill 16 fill 8 too, and of a wrong guess the numbers are wrong, nothing else. */
const blocks: readonly Block[] = [16, 8];

const channels = 16;

/** One convolution, whose weight is an input as those of training are. */
function trial(): Graph {
  const builder = new GraphBuilder();
  const origin = { path: "trial", span: { file: "", start: 0, end: 0 }, expandedFrom: [] };
  const x = builder.input("x", { dtype: "f32", shape: [2, channels, 3, 4] }, ["N", "C", "H", "W"]);
  const weight = builder.input("weight", { dtype: "f32", shape: [channels, channels, 3, 3] }, ["O", "C", "K", "K"]);
  const attributes = {
    out: channels,
    kernel: 3,
    stride: 1,
    padding: "same",
    dilation: 1,
    groups: 1,
    bias: false,
    init: "default",
  } as const;
  return builder.finish("trial", [{ name: "y", value: builder.op("conv2d", [x, weight], attributes, origin), axes: ["N", "C", "H", "W"] }]);
}

let known: Promise<Block | undefined> | undefined;

/** Undefined where there are none: then convolutions are plain nodes. */
export function blockOfKernels(): Promise<Block | undefined> {
  known ??= found();
  return known;
}

async function found(): Promise<Block | undefined> {
  const graph = trial();
  const inputs = new Map(
    graph.values.flatMap((value, i) => {
      if (value.kind !== "input") return [];
      const { shape } = value.type;
      return [[value.name, { shape, data: Float32Array.from({ length: sizeOf(shape) }, (_, at) => Math.sin(at + i)) }] as const];
    }),
  );
  const expected = interpret(graph, inputs, () => ({ shape: [], data: new Float32Array() })).get("y")?.data ?? new Float32Array();
  for (const block of blocks) {
    try {
      const { session, tensor } = await openGraph("trial", emitOnnx(graph, new Map(), { block }), ".", { threads: 1 });
      const { y } = await session.run(Object.fromEntries([...inputs].map(([name, { shape, data }]) => [name, tensor(f32(shape, data))])));
      await session.release();
      const made = y?.data as Float32Array;
      // Sums of 144 products of at most 1, in f32.
      if (expected.every((value, i) => Math.abs(value - (made[i] ?? Number.NaN)) < 1e-4)) return block;
    } catch {
      // An engine or a processor without them refuses the nodes.
    }
  }
  return undefined;
}

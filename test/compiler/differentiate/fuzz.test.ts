// Random graphs of all ops: what the pass makes of them along a random direction, against a central difference in f64.

import { expect, test } from "vitest";
import { type Graph, sizeOf } from "../../../compiler/graph/graph.ts";
import { printGraph } from "../../../compiler/graph/print.ts";
import type { Tensor } from "../../../compiler/ops/op.ts";
import { GraphBuilder } from "../../../compiler/rewriting/builder.ts";
import { normals, uniforms } from "../../../runtime/sampler/random.ts";
import { opNames, RandomGraph } from "../random-graph.ts";
import { asWeight, gradientsAt, lossAt, type Point, weighed, weightPaths, wide } from "./central.ts";

const graphs = 100;
const mostElements = 150;

/** What reaches the loss by a step or a gate alone has no gradient, which the pass refuses. */
const drawn = opNames.filter((op) => op !== "step" && op !== "after");

/** Floats are weights; the loss weighs every output. */
function lossOf(seed: number): Graph {
  const random = new RandomGraph(seed, "f32", true, mostElements);
  for (let i = 0; i < 10; i++) random.call(random.random.pick(drawn));
  const graph = random.finish("random");
  const builder = new GraphBuilder();
  for (const value of graph.values) builder.keep(asWeight(value));
  const origin = { path: "loss", span: { file: "test.mv", start: 0, end: 0 }, expandedFrom: [] };
  const losses = graph.outputs.map(({ value }, i) => weighed(builder, value, seed, i));
  const loss = losses.reduce((sum, one) => builder.op("add", [sum, one], {}, origin));
  return builder.finish("random", [{ name: "loss", value: loss, axes: ["1"] }]);
}

/** Normals, and ids below 9. */
function pointOf(graph: Graph, seed: number): Point {
  const weights = new Map<string, Tensor<Float64Array>>();
  const inputs = new Map<string, Tensor<Float64Array>>();
  for (const value of graph.values) {
    const { shape } = value.type;
    if (value.kind === "weight") weights.set(value.path, wide(shape, normals(seed, value.id, sizeOf(shape))));
    if (value.kind !== "input") continue;
    inputs.set(value.name, { shape, data: Int32Array.from(uniforms(seed, value.id, sizeOf(shape)), (x) => Math.floor(x * 9)) });
  }
  return { weights, inputs };
}

/** The point moved along a direction of normals. */
function moved({ weights, inputs }: Point, seed: number, by: number): Point {
  const along = [...weights].map(([path, { shape, data }], i) => {
    const direction = normals(seed, 1_000_000 + i, data.length);
    return [
      path,
      wide(
        shape,
        Float64Array.from(data, (x, j) => x + by * (direction[j] as number)),
      ),
    ] as const;
  });
  return { inputs, weights: new Map(along) };
}

test(`${graphs} graphs`, () => {
  const seen = new Set<string>();
  for (let seed = 0; seed < graphs; seed++) {
    const graph = lossOf(seed);
    for (const value of graph.values) if (value.kind === "op") seen.add(value.op);
    const paths = weightPaths(graph);
    const point = pointOf(graph, seed);
    const gradients = gradientsAt(graph, paths, point);
    let slope = 0;
    let size = 0;
    for (const [i, path] of paths.entries()) {
      const gradient = gradients.get(path) ?? [];
      const direction = normals(seed, 1_000_000 + i, gradient.length);
      for (let j = 0; j < gradient.length; j++) {
        slope += (gradient[j] as number) * (direction[j] as number);
        size += (gradient[j] as number) ** 2;
      }
    }
    const h = 1e-6;
    const difference = (lossAt(graph, moved(point, seed, h)) - lossAt(graph, moved(point, seed, -h))) / (2 * h);
    // By what the slope along a normal direction is as a rule. A small one among large ones has the digits of those.
    const scale = Math.sqrt(size) + 1e-3;
    if (!(Math.abs(difference - slope) <= 1e-4 * scale))
      throw new Error(`seed ${seed}: ${slope}, but by differences ${difference}; the gradient's size is ${scale}\n${printGraph(graph)}`);
  }
  expect(drawn.filter((op) => !seen.has(op))).toEqual([]);
});

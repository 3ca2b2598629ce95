/** A loss of weights to its gradients, by the pass and by central differences, all in f64. */

import { interpretWide } from "../../../compiler/analysis/interpret.ts";
import { differentiate, gradientName } from "../../../compiler/differentiate/differentiate.ts";
import { type Attributes, type Graph, sizeOf, type TensorType, type Value, type ValueId } from "../../../compiler/graph/graph.ts";
import type { OpName } from "../../../compiler/graph/op-names.ts";
import type { Tensor } from "../../../compiler/ops/op.ts";
import { opEntry } from "../../../compiler/ops/table.ts";
import { GraphBuilder, plainType } from "../../../compiler/rewriting/builder.ts";
import { verify } from "../../../compiler/rewriting/verify.ts";
import { normals } from "../../../runtime/sampler/random.ts";

const origin = { path: "op", span: { file: "test.mv", start: 0, end: 0 }, expandedFrom: [] };

export type Numbers = ReadonlyMap<string, Tensor<Float64Array>>;

/** Weights by path and inputs by name. */
export interface Point {
  readonly weights: Numbers;
  readonly inputs: Numbers;
}

export function wide(shape: readonly number[], numbers: ArrayLike<number>): Tensor<Float64Array> {
  return { shape, data: Float64Array.from(numbers) };
}

/** Σ y r for normals r of a stream, as f32 [1]: what hides no element of y. */
export function weighed(builder: GraphBuilder, y: ValueId, seed: number, stream = 1): ValueId {
  const { dtype, shape } = builder.typeOf(y);
  const factors = builder.constant({ dtype: "f32", shape }, [...normals(seed, stream, sizeOf(shape))]);
  const floats = dtype === "f32" ? y : builder.op("cast", [y], { to: "f32" }, origin);
  const products = builder.op("mul", [floats, factors], {}, origin);
  return builder.op("sum", [builder.op("reshape", [products], { shape: [sizeOf(shape)] }, origin)], { axis: 0 }, origin);
}

/** A loss of one op: floats that it reads are weights `x0`, `x1`, … and those that it owns; whole numbers are below `ids`. */
export function lossOf(op: OpName, inputs: readonly TensorType[], given: Attributes = {}, ids = 3): Graph {
  const entry = opEntry(op);
  const builder = new GraphBuilder();
  const defaults = entry.signature.attributes.flatMap(({ name, default: value }) => (value === undefined ? [] : [[name, value] as const]));
  const attributes = { ...(entry.takesPrecision ? { dtype: "f32" } : {}), ...Object.fromEntries(defaults), ...given };
  const owned = entry.weights?.(inputs.map(plainType), attributes) ?? [];
  const operands = inputs.map((type, i) => {
    if (type.dtype !== "i32") return builder.weight(`x${i}`, type, { kind: "zeros" });
    const places = Array.from(normals(3, i, sizeOf(type.shape)), (x) => Math.floor(Math.abs(x) * 97) % ids);
    return builder.constant(type, places);
  });
  const weights = owned.map(({ name, shape, init }) => builder.weight(name, { dtype: "f32", shape }, init));
  const loss = weighed(builder, builder.op(op, [...operands, ...weights], attributes, origin), 5);
  return builder.finish(op, [{ name: "loss", value: loss, axes: ["1"] }]);
}

/** The mean square of the output against an input `target`. */
export function meanSquare(graph: Graph): Graph {
  const builder = new GraphBuilder();
  for (const value of graph.values) builder.keep(value);
  const output = graph.outputs[0]?.value ?? -1;
  const type = builder.typeOf(output);
  const target = builder.input("target", type, type.shape.map(String));
  const error = builder.op("sub", [output, target], {}, origin);
  const squares = builder.op("mul", [error, error], {}, origin);
  const flat = builder.op("reshape", [squares], { shape: [sizeOf(type.shape)] }, origin);
  return builder.finish(graph.name, [{ name: "loss", value: builder.op("mean", [flat], { axis: 0 }, origin), axes: ["1"] }]);
}

/** A float that a graph takes is a weight, so that it is differentiated; ids stay inputs. */
export function asWeight(value: Value): Value {
  if (value.kind !== "input" || value.type.dtype === "i32") return value;
  return { kind: "weight", id: value.id, type: value.type, path: value.name, init: { kind: "zeros" } };
}

export function weightPaths(graph: Graph): readonly string[] {
  return graph.values.flatMap((value) => (value.kind === "weight" ? [value.path] : []));
}

/** Normals for every weight and input, each through `shape`. */
export function randomPoint(graph: Graph, seed: number, shape: (x: number) => number = (x) => x): Point {
  const numbers = (kind: "weight" | "input") =>
    new Map(
      graph.values.flatMap((value, i) => {
        if (value.kind !== kind) return [];
        const name = value.kind === "weight" ? value.path : value.name;
        return [[name, wide(value.type.shape, Float64Array.from(normals(seed, i, sizeOf(value.type.shape)), shape))]];
      }),
    );
  return { weights: numbers("weight"), inputs: numbers("input") };
}

function outputsAt(graph: Graph, { weights, inputs }: Point): Numbers {
  return interpretWide(graph, inputs, (path) => weights.get(path) ?? fail(path));
}

function fail(path: string): never {
  throw new Error(`test: no weight ${path}`);
}

export function lossAt(graph: Graph, point: Point): number {
  return outputsAt(graph, point).get(graph.outputs[0]?.name ?? "")?.data[0] as number;
}

/** By the pass, at the point. */
export function gradientsAt(graph: Graph, paths: readonly string[], point: Point): ReadonlyMap<string, ArrayLike<number>> {
  const outputs = outputsAt(verify(differentiate(graph, paths), "differentiate"), point);
  return new Map(paths.map((path) => [path, outputs.get(gradientName(path))?.data ?? []]));
}

/** Of f64, whose 16 digits leave 11 beside this step, and the step's square is 1e-10. */
const h = 1e-5;

/** (loss(x + h) - loss(x - h)) / 2 h for each element of a weight. */
export function centralDifferences(graph: Graph, path: string, point: Point): Float64Array {
  const { shape, data } = point.weights.get(path) ?? fail(path);
  const at = (i: number, by: number) =>
    lossAt(graph, {
      ...point,
      weights: new Map(point.weights).set(path, wide(shape, (data as Float64Array).with(i, (data[i] as number) + by))),
    });
  return Float64Array.from({ length: data.length }, (_, i) => (at(i, h) - at(i, -h)) / (2 * h));
}

/** The largest difference over the largest number that is expected, or over 1: a gradient may be zero everywhere. */
export function error(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (found.length !== expected.length) return Number.POSITIVE_INFINITY;
  let [difference, largest] = [0, 1];
  for (let i = 0; i < expected.length; i++) {
    const one = Math.abs((found[i] as number) - (expected[i] as number));
    if (!(one <= difference)) difference = one;
    largest = Math.max(largest, Math.abs(expected[i] as number));
  }
  return difference / largest;
}

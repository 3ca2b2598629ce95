// Which rows each value of random graphs reads, against the truth: a row is changed, and the interpreter shows what changes with it.

import { expect, test } from "vitest";
import { readAt } from "../../../compiler/analysis/pace.ts";
import { type Reads, readsAlong } from "../../../compiler/analysis/reads.ts";
import { type Graph, type InputValue, type Origin, sizeOf, type ValueId } from "../../../compiler/graph/graph.ts";
import type { OpName } from "../../../compiler/graph/op-names.ts";
import { printGraph } from "../../../compiler/graph/print.ts";
import type { Tensor } from "../../../compiler/ops/op.ts";
import { type Given, numbersOf, type Outputs, outputsOf } from "../passes/same-numbers.ts";
import { opNames, RandomGraph } from "../random-graph.ts";

const graphs = 1500;
const mostElements = 400;
const origin: Origin = { path: "", span: { file: "random", start: 0, end: 0 }, expandedFrom: [] };

/** What moves rows, far more often than among all ops. */
const movers: readonly OpName[] = [
  "slice",
  "concat",
  "add",
  "mul",
  "reshape",
  "transpose",
  "broadcast",
  "matmul",
  "attend",
  "softmax",
  "gather",
];

/** Rows shifted along an axis, what is left filled with zeros; or one row in the place of all. */
function shift(graph: RandomGraph): void {
  const { builder, random, pool } = graph;
  const x = random.pick(pool);
  const { dtype, shape } = builder.typeOf(x);
  const axis = random.below(shape.length);
  const size = shape[axis] ?? 1;
  if (size < 2) return;
  const resized = (count: number) => shape.map((kept, i) => (i === axis ? count : kept));
  if (random.below(4) === 0) {
    const one = builder.op("slice", [x], { axis, start: random.below(size), size: 1 }, origin);
    pool.push(builder.op("broadcast", [one], { shape }, origin));
    return;
  }
  const by = 1 + random.below(size - 1);
  const early = random.below(3) === 0;
  const kept = builder.op("slice", [x], { axis, start: early ? by : 0, size: size - by }, origin);
  const zeros = builder.constant({ dtype, shape: resized(by) }, new Array(sizeOf(resized(by))).fill(0));
  const shifted = builder.op("concat", early ? [kept, zeros] : [zeros, kept], { axis }, origin);
  pool.push(builder.op("add", [x, shifted], {}, origin), shifted);
}

/** Axes in another order, merged to three, of which the middle one is looked back along, or cut. */
function merge(graph: RandomGraph): void {
  const { builder, random, pool } = graph;
  const x = random.pick(pool);
  const { shape } = builder.typeOf(x);
  const first = random.below(shape.length);
  const permutation = [...shape.keys()].map((axis) => (axis + first) % shape.length);
  const turned = permutation.map((axis) => shape[axis] ?? 1);
  const [from, to] = [random.below(2), 2 + random.below(2)];
  const wanted = [turned.slice(0, from), turned.slice(from, to), turned.slice(to)].map(sizeOf);
  const y = builder.op("reshape", [builder.op("transpose", [x], { permutation }, origin)], { shape: wanted }, origin);
  const size = wanted[1] ?? 1;
  const start = random.below(size);
  const cut = { axis: 1, start, size: 1 + random.below(size - start) };
  pool.push(
    random.below(2) === 0 ? builder.op("attend", [y, y, y], { heads: 1, causal: true }, origin) : builder.op("slice", [y], cut, origin),
  );
}

/** Each place of an axis twice, all or all but the first, or windows of places, so that rows are another number. */
function resize(graph: RandomGraph): void {
  const { builder, random, pool } = graph;
  const x = random.pick(pool);
  const { shape } = builder.typeOf(x);
  if (sizeOf(shape) > mostElements / 2) return;
  const axis = random.below(shape.length);
  const [before, after] = [shape.slice(0, axis), shape.slice(axis + 1)];
  const sized = (id: ValueId) => builder.typeOf(id).shape[axis] ?? 1;
  const slice = (id: ValueId, start: number, size: number) => builder.op("slice", [id], { axis, start, size }, origin);
  const twice = (id: ValueId) => {
    const apart = builder.op("reshape", [id], { shape: [...before, sized(id), 1, ...after] }, origin);
    const repeated = builder.op("broadcast", [apart], { shape: [...before, sized(id), 2, ...after] }, origin);
    return builder.op("reshape", [repeated], { shape: [...before, sized(id) * 2, ...after] }, origin);
  };
  const windows = (id: ValueId) => {
    const size = sized(id);
    const apart = builder.op("reshape", [id], { shape: [sizeOf(before), size, sizeOf(after)] }, origin);
    const last = builder.op("transpose", [apart], { permutation: [0, 2, 1] }, origin);
    const pooled = builder.op("averagePool1d", [last], { kernel: 1 + random.below(size), stride: 1 + random.below(3) }, origin);
    const back = builder.op("transpose", [pooled], { permutation: [0, 2, 1] }, origin);
    return builder.op("reshape", [back], { shape: [...before, builder.typeOf(back).shape[1] ?? 1, ...after] }, origin);
  };
  const made = random.below(2) === 0 ? twice : windows;
  const behind = sized(x) > 1 && random.below(2) === 0;
  pool.push(behind ? builder.op("concat", [slice(x, 0, 1), made(slice(x, 1, sized(x) - 1))], { axis }, origin) : made(x));
}

function randomRows(seed: number): Graph {
  const graph = new RandomGraph(seed, "f32", true, mostElements);
  const shape = Array.from({ length: 2 + graph.random.below(3) }, () => graph.random.pick([2, 3, 4, 6]));
  graph.pool.push(graph.operand(shape));
  for (let made = 0; made < 10; made++) {
    const kind = graph.random.below(7);
    if (kind < 2) shift(graph);
    else if (kind === 2) merge(graph);
    else if (kind === 3) resize(graph);
    else graph.call(graph.random.pick(graph.random.below(3) === 0 ? opNames : movers));
  }
  return graph.finish("rows");
}

/** Every op's value, by its id, when row `changed` of the input is another. */
function changedBy(graph: Graph, given: Given, input: InputValue, axis: number, changed: number): Outputs {
  const tensor = given.inputs.get(input.name);
  if (tensor === undefined) throw new Error(`no numbers for ${input.name}`);
  const inner = sizeOf(input.type.shape.slice(axis + 1));
  const length = input.type.shape[axis] ?? 1;
  const data = Float32Array.from(tensor.data, (x, i) => (Math.floor(i / inner) % length === changed ? x / 2 + 0.75 + (i % 7) / 8 : x));
  return outputsOf(graph, { ...given, inputs: new Map(given.inputs).set(input.name, { ...tensor, data }) });
}

/** What is read that was claimed not to be. */
function untrue(reads: Reads | undefined, { shape }: Tensor, element: number, row: number): string | undefined {
  if (reads === undefined) return "claims to read nothing";
  const { within, placed } = reads;
  if (row < within.low || row > within.high) return `claims to read ${within.low} to ${within.high}`;
  if (placed === undefined) return undefined;
  const index = Math.floor(element / sizeOf(shape.slice(placed.axis + 1))) % (shape[placed.axis] ?? 1);
  const own = Math.floor(index / placed.after) % placed.length;
  const { low, high } = readAt(placed.pace, own);
  return row >= low && row <= high ? undefined : `its row ${own} claims to read ${low} to ${high}`;
}

test("no value of a random graph reads a row that it claims not to read", () => {
  const tally = { values: 0, free: 0, exact: 0, shifted: 0, paced: 0, placeless: 0 };
  for (let seed = 0; seed < graphs; seed++) {
    const graph = randomRows(seed);
    const input = graph.values.find((value): value is InputValue => value.kind === "input" && value.type.dtype === "f32");
    if (input === undefined) continue;
    const axis = seed % input.type.shape.length;
    const reads = readsAlong(graph, new Map([[input.name, axis]]));
    const ops = graph.values.filter(({ kind }) => kind === "op");
    const all = { ...graph, outputs: ops.map(({ id }) => ({ name: String(id), value: id, axes: [] })) };
    const given = numbersOf(all);
    const before = outputsOf(all, given);
    for (let row = 0; row < (input.type.shape[axis] ?? 1); row++) {
      for (const [name, tensor] of changedBy(all, given, input, axis, row)) {
        const claim = reads.get(Number(name));
        const old = before.get(name)?.data;
        const lie = tensor.data.findIndex((x: number, i: number) => !Object.is(x, old?.[i]) && untrue(claim, tensor, i, row) !== undefined);
        if (lie >= 0)
          throw new Error(`seed ${seed}: %${name} reads row ${row}, but ${untrue(claim, tensor, lie, row)}\n${printGraph(graph)}`);
      }
    }
    for (const { id } of ops) {
      const found = reads.get(id);
      tally.values++;
      if (found === undefined) tally.free++;
      else if (found.placed === undefined) tally.placeless++;
      else if (found.placed.pace.rows !== found.placed.pace.per) tally.paced++;
      else if (found.placed.pace.low === 0 && found.placed.pace.high === 0) tally.exact++;
      else tally.shifted++;
    }
  }
  // All kinds of claims were made, and most say something.
  expect(tally.values).toBeGreaterThan(5 * graphs);
  expect(tally.exact).toBeGreaterThan(tally.values / 5);
  expect(tally.shifted).toBeGreaterThan(tally.values / 20);
  expect(tally.paced).toBeGreaterThan(tally.values / 40);
  expect(tally.free).toBeGreaterThan(tally.values / 20);
  expect(tally.placeless).toBeLessThan(tally.values / 2);
});

test("what stands elsewhere in the result, where an axis happens to be as long, is no row of it", () => {
  const graph = new RandomGraph(1, "f32", false);
  const { builder } = graph;
  const input = (name: string, dtype: "f32" | "i32", ...shape: number[]) => builder.input(name, { dtype, shape }, shape.map(String));
  const tokens = input("tokens", "f32", 4, 4, 4);
  // Four heads, queries and channels; of four indices, four rows of four.
  const attended = builder.op("attend", [tokens, tokens, tokens, input("bias", "f32", 4, 4, 4, 4)], { heads: 4, causal: true }, origin);
  const gathered = builder.op("gather", [tokens, input("indices", "i32", 4)], { axis: 1 }, origin);
  const placeOf = (value: number, input: string, axis: number) =>
    readsAlong(graph.builder.finish("rows", []), new Map([[input, axis]])).get(value)?.placed?.axis;
  expect([0, 1, 2, 3].map((axis) => placeOf(attended, "bias", axis))).toEqual([0, undefined, undefined, undefined]);
  expect([placeOf(gathered, "indices", 0), placeOf(gathered, "tokens", 0)]).toEqual([undefined, 0]);
  const first = builder.op("gather", [tokens, input("rows", "i32", 4)], { axis: 0 }, origin);
  expect([placeOf(first, "rows", 0), placeOf(first, "tokens", 0), placeOf(first, "tokens", 2)]).toEqual([0, undefined, 2]);
});

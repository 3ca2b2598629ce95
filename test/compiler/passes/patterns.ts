// A seed to a small graph of what the passes look for, and of what looks like it but must be left alone, among other ops.

import type { Attributes, Graph, OpValue, Origin, TensorType, Value, ValueId } from "../../../compiler/graph/graph.ts";
import { sizeOf } from "../../../compiler/graph/graph.ts";
import type { Random } from "../../dsl/random.ts";
import { opNames, RandomGraph } from "../random-graph.ts";

/** Elements of a value at most: thousands of graphs are interpreted. */
const mostElements = 256;

type Op = OpValue["op"];

/** One of them named as an output is. */
const paths = ["block0", "block1", "block1.layer", "y0"] as const;

class PatternGraph extends RandomGraph {
  private count = 0;

  constructor(seed: number) {
    super(seed, seed % 4 === 0 ? "f16" : "f32", true, mostElements);
  }

  chance(of: number): boolean {
    return this.random.below(of) === 0;
  }

  apply(op: Op, inputs: readonly ValueId[], attributes: Attributes = {}): ValueId {
    const origin: Origin = { path: this.random.pick(paths), span: { file: "random", start: 0, end: 0 }, expandedFrom: [] };
    return this.builder.op(op, inputs, attributes, origin);
  }

  shapeOf(id: ValueId): readonly number[] {
    return this.builder.typeOf(id).shape;
  }

  /** Lets later calls read the value. */
  keep(id: ValueId): void {
    if (this.builder.typeOf(id).dtype === this.dtype) this.pool.push(id);
  }

  linear(x: ValueId, out: number): ValueId {
    const width = this.shapeOf(x).at(-1) ?? 1;
    const path = `linear${this.count++}`;
    const bias = this.chance(2);
    const weight = (name: string, shape: readonly number[]) =>
      this.builder.weight(`${path}.${name}`, { dtype: this.dtype, shape }, { kind: "zeros" });
    const weights = [weight("weight", [out, width]), ...(bias ? [weight("bias", [out])] : [])];
    return this.apply("linear", [x, ...weights], { out, bias, init: "default" });
  }

  constant(shape: readonly number[], element: () => number): ValueId {
    return this.builder.constant(
      { dtype: this.dtype, shape },
      Array.from({ length: sizeOf(shape) }, () => element()),
    );
  }
}

type Pattern = (graph: PatternGraph) => void;

const reshape = (graph: PatternGraph, x: ValueId, shape: readonly number[]) => graph.apply("reshape", [x], { shape });
const broadcast = (graph: PatternGraph, x: ValueId, shape: readonly number[]) => graph.apply("broadcast", [x], { shape });

/** The shape with some axes, each so many times in eight, of size 1. */
const thinned = (shape: readonly number[], { random }: PatternGraph, eighths: number) =>
  shape.map((size) => (random.below(8) < eighths ? 1 : size));

function shuffled<T>(items: readonly T[], random: Random): readonly T[] {
  const rest = [...items];
  return items.flatMap(() => rest.splice(random.below(rest.length), 1));
}

/** A text of `tokens` of `width` numbers, repeated to `clips · frames` copies in one of the ways of which some are not the repetition of a clip's text. */
function repeatedText(graph: PatternGraph, clips: number, frames: number, tokens: number, width: number): ValueId {
  const merged = [clips * frames, tokens, width];
  const stretch = (from: readonly number[], to: readonly number[]) => {
    const source = graph.operand(from);
    // Stretched by a sum, or not what it was when it is merged, it is no repetition.
    const copies = graph.chance(16) ? graph.apply("add", [source, graph.operand(to)]) : broadcast(graph, source, to);
    return reshape(graph, graph.chance(16) ? graph.apply("tanh", [copies]) : copies, merged);
  };
  const to = [clips, frames, tokens, width];
  switch (graph.random.below(12)) {
    case 0:
      return stretch([1, 1, tokens, width], to);
    case 1:
      return stretch([1, frames, tokens, width], to);
    case 2:
      return stretch([clips, 1, 1, width], to);
    case 3:
      return stretch([clips, 1, tokens, 1], to);
    case 4:
      return stretch([1, 1, tokens, width], [frames, clips, tokens, width]);
    case 5:
      return stretch([1, tokens, width], merged);
    case 6:
      return stretch([clips, 1, 1, tokens, width], [clips, 1, frames, tokens, width]);
    case 7:
      return stretch([clips, 1, frames * tokens, width], [clips, 1, frames * tokens, width]);
    default:
      return stretch([clips, 1, tokens, width], to);
  }
}

const attendToText: Pattern = (graph) => {
  const { random } = graph;
  const [clips, frames] = [random.pick([1, 2, 3]), random.pick([1, 2, 3])];
  const [tokens, width] = [random.pick([1, 2, 3]), random.pick([1, 2, 4])];
  const out = random.pick([2, 4]);
  const text = () => repeatedText(graph, clips, frames, tokens, width);
  const key = text();
  const value = graph.chance(2) ? key : text();
  const causal = graph.chance(4);
  const query = graph.operand([clips * frames, causal ? tokens : random.pick([1, 2, 3]), out]);
  const operands = [query, graph.linear(key, out), graph.linear(value, out)];
  const heads = random.pick([1, 2]);
  const [rows = 1, queries = 1] = graph.shapeOf(query);
  const bias = () => graph.operand([random.pick([1, rows]), heads, random.pick([1, queries]), graph.shapeOf(key)[1] ?? 1]);
  graph.keep(graph.apply("attend", graph.chance(4) ? [...operands, bias()] : operands, { heads, causal }));
};

const linearOfText: Pattern = (graph) => {
  const { random } = graph;
  const [clips, frames, tokens, width] = [random.pick([1, 2, 3]), random.pick([1, 2, 3]), random.pick([1, 2]), random.pick([2, 3])];
  const repeated = repeatedText(graph, clips, frames, tokens, width);
  const total = clips * frames * tokens * width;
  const shape = random.pick([[clips * frames, tokens, width], [clips, frames * tokens, width], [clips * frames, tokens * width], [total]]);
  const source = broadcast(graph, graph.operand([clips, 1, tokens, width]), [clips, frames, tokens, width]);
  const rows = random.pick([repeated, reshape(graph, source, shape), graph.apply("tanh", [source]), source]);
  graph.keep(graph.linear(rows, random.pick([1, 2, 3])));
};

/** A shape of so many elements, with ones in it. */
function factored(total: number, random: Random): readonly number[] {
  const shape: number[] = [];
  let rest = total;
  while (shape.length < 4 && (rest > 1 || shape.length === 0 || random.below(2) === 0)) {
    const size = shape.length === 3 ? rest : random.pick([1, 2, 3, 4, rest].filter((one) => rest % one === 0));
    shape.push(size);
    rest /= size;
  }
  return shape;
}

const chainOfLayout: Pattern = (graph) => {
  const { random } = graph;
  let x =
    graph.chance(2) && graph.pool.length > 0 ? random.pick(graph.pool) : graph.operand(factored(random.pick([6, 12, 24, 36]), random));
  const shapes = [graph.shapeOf(x)];
  let back: readonly number[] = [];
  for (let length = 2 + random.below(4); length > 0; length--) {
    const shape = graph.shapeOf(x);
    const axes = [...shape.keys()];
    const kind = random.below(8);
    if (kind < 3) {
      const permutation = back.length === axes.length && graph.chance(2) ? back : shuffled(axes, random);
      x = graph.apply("transpose", [x], { permutation });
      back = axes.map((axis) => permutation.indexOf(axis));
    } else if (kind < 6) {
      const known = shapes.filter((one) => sizeOf(one) === sizeOf(shape));
      x = reshape(graph, x, graph.chance(2) ? random.pick(known) : factored(sizeOf(shape), random));
    } else if (kind === 6) {
      const stretched = shape.map((size) => (size === 1 && graph.chance(4) ? 2 : size));
      if (sizeOf(stretched) <= mostElements) x = broadcast(graph, x, stretched);
    } else x = graph.apply("tanh", [x]);
    shapes.push(graph.shapeOf(x));
    if (graph.chance(4)) graph.keep(x);
  }
  graph.keep(x);
};

const sumsOfShifts: Pattern = (graph) => {
  const { random } = graph;
  const shape = random.pick([
    [2, 3, 4, 4],
    [4, 4, 4],
    [1, 2, 8, 4],
    [16, 4],
  ]);
  let x = graph.operand(graph.chance(5) ? thinned(shape, graph, 3) : shape);
  for (let length = 2 + random.below(3); length > 0; length--) {
    const shift = graph.operand(thinned(shape, graph, graph.chance(4) ? 3 : 6));
    x = graph.apply(graph.chance(8) ? "sub" : "add", graph.chance(8) ? [shift, x] : [x, shift]);
    if (graph.chance(4)) graph.keep(graph.chance(2) ? x : graph.apply("tanh", [x]));
  }
  graph.keep(x);
};

const sumBehindTranspose: Pattern = (graph) => {
  const { random } = graph;
  const y = graph.operand(factored(random.pick([6, 12, 24]), random));
  const moved = graph.apply("transpose", [y], { permutation: shuffled([...graph.shapeOf(y).keys()], random) });
  const isView = !graph.chance(6);
  const shape = isView ? factored(sizeOf(graph.shapeOf(y)), random) : graph.shapeOf(moved);
  const view = isView ? reshape(graph, graph.chance(6) ? y : moved, shape) : graph.apply("tanh", [moved]);
  const wide = shape.map((size) => (size === 1 && graph.chance(3) ? 2 : size));
  const other = graph.operand(graph.chance(3) ? thinned(wide, graph, 3) : shape);
  const op = graph.chance(6) ? random.pick(["sub", "mul"] as const) : "add";
  graph.keep(graph.apply(op, graph.chance(4) ? [view, other] : [other, view]));
  if (graph.chance(4)) graph.keep(moved);
};

const knownNumbers: Pattern = (graph) => {
  const { random } = graph;
  const x = graph.chance(2) && graph.pool.length > 0 ? random.pick(graph.pool) : graph.operand(factored(random.pick([4, 6, 12]), random));
  const shape = graph.shapeOf(x);
  const element = random.pick([() => 0, () => 1, () => 1, () => 0, () => random.pick([1, 0]), () => 1 + random.below(3)]);
  // Sometimes the constant stretches x.
  const wide = shape.map((size) => (size === 1 && graph.chance(2) ? 2 : size));
  let known = graph.constant(thinned(sizeOf(wide) <= mostElements ? wide : shape, graph, 4), element);
  if (graph.chance(2))
    known = graph.apply(random.pick(["add", "mul", "sub"]), [
      known,
      graph.constant(
        graph.shapeOf(known).map(() => 1),
        element,
      ),
    ]);
  if (graph.chance(4)) known = graph.apply("tanh", [known]);
  const op = random.pick(["add", "sub", "mul", "div"] as const);
  // A divisor is never 0: numbers beyond f32 say nothing.
  const positive = (id: ValueId) => graph.apply("exp", [graph.apply("tanh", [id])]);
  const ones = () => graph.constant(graph.shapeOf(known), () => 1);
  if (op === "div")
    graph.keep(graph.apply("div", graph.chance(3) ? [known, positive(x)] : [x, graph.chance(2) ? ones() : positive(known)]));
  else graph.keep(graph.apply(op, graph.chance(2) ? [x, known] : [known, x]));
};

/** Ops of the graph once more, on the same inputs, and their readers on either. */
const sameAgain: Pattern = (graph) => {
  const ops = graph.builder.finish("so far", []).values.filter((value): value is OpValue => value.kind === "op");
  const again = new Map<ValueId, ValueId>();
  for (const op of ops.slice(graph.random.below(ops.length + 1)).slice(0, 4)) {
    const inputs = op.inputs.map((id) => again.get(id) ?? id);
    const attributes = op.op === "softmax" && graph.chance(2) ? { axis: 0 } : op.attributes;
    const made = graph.apply(op.op, inputs, attributes);
    again.set(op.id, made);
    graph.keep(made);
  }
  if (graph.chance(2)) graph.keep(graph.apply("tanh", [graph.constant([1, 2], () => graph.random.below(2))]));
};

/** A gate behind its layer, which at times is read by others too. */
const gatedLayer: Pattern = (graph) => {
  const { random } = graph;
  const wide = graph.linear(graph.operand([random.pick([1, 2, 3]), random.pick([2, 4])]), random.pick([2, 4, 6]));
  const gated = graph.apply("geglu", [graph.chance(8) ? graph.apply("tanh", [wide]) : wide]);
  graph.keep(gated);
  if (graph.chance(8)) graph.keep(graph.apply("tanh", [wide]));
};

const spreadWindows: Pattern = (graph) => {
  const { random } = graph;
  const [channels, groups] = [random.pick([2, 4]), random.pick([1, 1, 2])];
  const axes = graph.chance(4) ? [2, 3, 2] : graph.chance(2) ? [4] : [3, 4];
  const each = (from: readonly number[]) => axes.map(() => random.pick(from));
  const out = groups * random.pick([1, 2]);
  const kernel = each([1, 2, 3]);
  const x = graph.operand([random.pick([1, 2]), channels, ...axes]);
  const weight = graph.operand([channels, out / groups, ...kernel]);
  const bias = graph.chance(2) ? [graph.operand([out])] : [];
  const attributes = {
    ...{ out, kernel, groups, bias: bias.length > 0, init: "default" as const },
    stride: graph.chance(8) ? random.pick([1, 2]) : 1,
    padding: each([0]).map(() => random.pick(["same", "causal", "none", "same", 1] as const)),
    dilation: each([1, 1, 2]),
  };
  const op = (["convTranspose1d", "convTranspose2d", "convTranspose3d"] as const)[axes.length - 1] ?? "convTranspose1d";
  // More may be cut than there is.
  if (axes.every((size, i) => size + (attributes.dilation[i] ?? 1) * ((kernel[i] ?? 1) - 1) > 2 && (kernel[i] ?? 1) >= 2))
    graph.keep(graph.apply(op, [x, weight, ...bias], attributes));
};

const anything: Pattern = (graph) => {
  graph.call(graph.random.pick(opNames));
};

const patterns: readonly Pattern[] = [
  attendToText,
  linearOfText,
  chainOfLayout,
  sumsOfShifts,
  sumBehindTranspose,
  knownNumbers,
  sameAgain,
  gatedLayer,
  spreadWindows,
  anything,
];

/** Some results are outputs, some of those that others read too, some none: dead code. Ids are in no order. */
function finished(graph: PatternGraph): Graph {
  const { random } = graph;
  const { values } = graph.builder.finish("random", []);
  const read = new Set(values.flatMap((value) => (value.kind === "op" ? value.inputs : [])));
  const ops = values.filter((value) => value.kind === "op");
  const results = ops.filter(({ id }) => random.below(read.has(id) ? 12 : 2) === 0);
  const given = values.filter((value) => value.kind === "input" && read.has(value.id) && random.below(20) === 0);
  const chosen = results.length > 0 ? [...results, ...given] : ops.slice(-1);
  const kept = values.filter((value) => value.kind === "op" || read.has(value.id) || random.below(4) === 0);
  const outputs = chosen.map(({ id, type }, i) => ({ name: `y${i}`, value: id, axes: axesOf(type) }));
  return renumbered({ name: "random", values: kept, outputs }, random);
}

/** The same graph with other ids, in no order. */
export function renumbered(graph: Graph, random: Random): Graph {
  const numbers = shuffled(
    graph.values.map((_, i) => 2 * i),
    random,
  );
  const ids = new Map(graph.values.map((value, i) => [value.id, numbers[i] ?? 0]));
  const idOf = (id: ValueId) => ids.get(id) ?? -1;
  const values = graph.values.map((value): Value => {
    const id = idOf(value.id);
    return value.kind === "op" ? { ...value, id, inputs: value.inputs.map(idOf) } : { ...value, id };
  });
  return { ...graph, values, outputs: graph.outputs.map((output) => ({ ...output, value: idOf(output.value) })) };
}

function axesOf(type: TensorType): readonly string[] {
  return type.shape.map(String);
}

export function patternGraph(seed: number): Graph {
  const graph = new PatternGraph(seed);
  for (let moves = 2 + graph.random.below(4); moves > 0; moves--) graph.random.pick(patterns)(graph);
  if (graph.pool.length === 0) graph.keep(graph.apply("tanh", [graph.operand([2])]));
  return finished(graph);
}

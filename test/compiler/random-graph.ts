// A seed to a graph of random legal ops, shapes and attributes: one op many times, or many ops one after another.

import type { Attributes, DType, Graph, Origin, ValueId } from "../../compiler/graph/graph.ts";
import { sizeOf } from "../../compiler/graph/graph.ts";
import type { OpName, Padding } from "../../compiler/graph/op-names.ts";
import { opEntry, opTable } from "../../compiler/ops/table.ts";
import { GraphBuilder, plainType } from "../../compiler/rewriting/builder.ts";
import { Random } from "../dsl/random.ts";

const origin: Origin = { path: "", span: { file: "random", start: 0, end: 0 }, expandedFrom: [] };
const sizes = [1, 2, 3, 4, 5, 7, 8, 12, 16] as const;
/** Elements of a value at most, when not said: the interpreter is slow. */
const mostElements = 6000;

interface Call {
  readonly inputs: readonly ValueId[];
  readonly attributes: Attributes;
}

/** What an op's maker takes values from. */
interface Maker {
  readonly random: Random;
  readonly builder: GraphBuilder;
  /** The graph's float type. */
  readonly dtype: "f32" | "f16";
  /** A value of this shape, of the graph's float type or tokens. */
  readonly operand: (shape: readonly number[], dtype?: DType) => ValueId;
}

type Make = (x: ValueId, shape: readonly number[], maker: Maker) => Call | undefined;

const unary: Make = (x) => ({ inputs: [x], attributes: {} });
const binary: Make = (x, shape, { random, operand }) => ({
  inputs: [x, operand(shape.map((size) => (random.below(3) === 0 ? 1 : size)))],
  attributes: {},
});
const bounded = (x: ValueId, builder: GraphBuilder) => builder.op("tanh", [x], {}, origin);
const ofBounded: Make = (x, _, { builder }) => ({ inputs: [bounded(x, builder)], attributes: {} });
const divisorOf = (size: number, random: Random) => random.pick(sizes.filter((one) => size % one === 0));

/** Of a row that was stretched from one number nothing but rounding deviates, which a small one would make large. */
const normEps = 1e-2;

const convolved =
  (axes: number, paddings: readonly Padding[]): Make =>
  (given, old, { random, operand }) => {
    const enough = old.length >= axes + 2;
    // Values of many axes are rare, and small.
    const shape = enough
      ? old
      : [random.pick([1, 2]), random.pick(sizes), ...Array.from({ length: axes }, () => random.pick([1, 2, 3, 4, 5]))];
    const x = enough ? given : operand(shape);
    const kernels = axes === 3 ? [1, 2, 3] : [1, 3, 3, 5, 2];
    const each = <T>(from: readonly T[]) =>
      random.below(3) > 0 ? random.pick(from) : Array.from({ length: axes }, () => random.pick(from));
    const groups = random.below(2) === 0 ? 1 : divisorOf(shape.at(-axes - 1) ?? 1, random);
    return {
      inputs: [x],
      attributes: {
        out: groups === 1 ? random.pick(sizes) : groups * random.pick([1, 1, 2, 3, 4]),
        kernel: each(kernels),
        stride: each([1, 1, 2]),
        padding: each(paddings),
        dilation: each([1, 1, 1, 2]),
        groups,
        bias: random.below(3) > 0,
        init: "default",
      },
    };
  };
/** Of what was convolved, and a gradient of any size: what its windows read beyond it is zero. */
const weightGradient: Make = (given, old, { random, operand }) => {
  const axes = random.pick([1, 2, 3]);
  const enough = old.length >= axes + 2;
  const shape = enough ? old : [random.pick([1, 2]), random.pick(sizes), ...Array.from({ length: axes }, () => random.pick([1, 2, 3, 4]))];
  const channels = shape.at(-axes - 1) ?? 1;
  const groups = random.below(2) === 0 ? 1 : divisorOf(channels, random);
  const points = Array.from({ length: axes }, () => random.pick([1, 2, 3, 4]));
  const each = (from: readonly number[]) => Array.from({ length: axes }, () => random.pick(from));
  return {
    inputs: [enough ? given : operand(shape), operand([...shape.slice(0, -axes - 1), groups * random.pick([1, 2, 3, 4]), ...points])],
    attributes: { kernel: each([1, 2, 3]), stride: each([1, 1, 2]), dilation: each([1, 1, 2]), before: each([0, 1, 2]), groups },
  };
};
const zeros: readonly Padding[] = ["same", "same", "causal", "end", "none", 1];
const cuts: readonly Padding[] = ["same", "same", "causal", "none", 1];
const pooled =
  (axes: number): Make =>
  (x, shape, { random }) =>
    shape.length < axes
      ? undefined
      : { inputs: [x], attributes: { kernel: random.pick([1, 2, 3]), stride: random.pick(["kernel", 1, 2]) } };

/** Total: a new op is drawn by itself, or it does not compile. */
const makers: { readonly [O in OpName]: Make } = {
  conv1d: convolved(1, zeros),
  conv2d: convolved(2, zeros),
  conv3d: convolved(3, zeros),
  convTranspose1d: convolved(1, cuts),
  convTranspose2d: convolved(2, cuts),
  convTranspose3d: convolved(3, cuts),
  convWeightGradient: weightGradient,
  averagePool1d: pooled(1),
  averagePool2d: pooled(2),
  averagePool3d: pooled(3),
  linear: (x, shape, { random }) =>
    shape.length < 2 ? undefined : { inputs: [x], attributes: { out: random.pick(sizes), bias: random.below(3) > 0, init: "default" } },
  groupNorm: (x, shape, { random }) =>
    shape.length < 3
      ? undefined
      : { inputs: [x], attributes: { groups: divisorOf(shape.at(-3) ?? 1, random), eps: normEps, init: "default" } },
  layerNorm: (x, _, { random }) => ({ inputs: [x], attributes: { eps: normEps, affine: random.below(3) > 0, init: "default" } }),
  rmsNorm: (x, _, { random }) => ({ inputs: [x], attributes: { eps: 1e-6, affine: random.below(3) > 0, init: "default" } }),
  embedding: (_, shape, { random, operand }) => ({
    inputs: [operand(shape.slice(0, 2), "i32")],
    attributes: { vocabulary: 9, width: random.pick(sizes), init: "normal" },
  }),
  attend: (x, shape, { random, operand }) => {
    const [n = 1, s = 1, c = 1] = shape;
    if (shape.length !== 3) return undefined;
    const causal = random.below(2) === 0;
    const [keys, heads] = [causal ? s : random.pick([1, 3, 16, 40]), divisorOf(c, random)];
    const bias = [...[n, heads, s].map((size) => (random.below(3) === 0 ? 1 : size)), keys];
    const biases = random.below(2) === 0 ? [operand(bias)] : [];
    return { inputs: [x, operand([n, keys, c]), operand([n, keys, c]), ...biases], attributes: { heads, causal } };
  },
  silu: unary,
  gelu: (x, _, { random }) => ({ inputs: [x], attributes: { approximate: random.pick(["none", "tanh"]) } }),
  quickGelu: unary,
  sigmoid: unary,
  tanh: unary,
  exp: ofBounded,
  relu: unary,
  abs: unary,
  // Near zero a root would make any rounding large, as a wave of a large angle would.
  sqrt: (x, _, { builder }) => ({ inputs: [builder.op("sigmoid", [bounded(x, builder)], {}, origin)], attributes: {} }),
  // Likewise a logarithm: of 1 to e.
  log: (x, _, { builder }) => ({ inputs: [builder.op("exp", [builder.op("sigmoid", [x], {}, origin)], {}, origin)], attributes: {} }),
  sin: ofBounded,
  cos: ofBounded,
  geglu: (x, shape) => ((shape.at(-1) ?? 1) % 2 === 0 ? { inputs: [x], attributes: {} } : undefined),
  softmax: (x, shape, { random }) => ({ inputs: [x], attributes: { axis: random.below(shape.length) } }),
  // Of either sign it may cancel to nothing but its rounding.
  sum: (x, shape, { random, builder }) => ({
    inputs: [builder.op("sigmoid", [x], {}, origin)],
    attributes: { axis: random.below(shape.length) },
  }),
  mean: (x, shape, { random, builder }) => ({
    inputs: [builder.op("sigmoid", [x], {}, origin)],
    attributes: { axis: random.below(shape.length) },
  }),
  max: (x, shape, { random }) => ({ inputs: [x], attributes: { axis: random.below(shape.length) } }),
  maskedSoftmax: (x, shape) => (shape.length < 2 ? undefined : { inputs: [x], attributes: {} }),
  matmul: (x, shape, { random, operand }) =>
    shape.length < 2 ? undefined : { inputs: [x, operand([...shape.slice(0, -2), shape.at(-1) ?? 1, random.pick(sizes)])], attributes: {} },
  sinusoid: (_, shape, { random, operand }) => ({
    inputs: [operand(shape.slice(0, 1), "f32")],
    attributes: {
      width: 2 * random.pick(sizes),
      order: random.pick(["cos-sin", "sin-cos"]),
      shift: random.pick([0, 0.5]),
      maxPeriod: random.pick([100, 10000]),
      scale: random.pick([1, 2]),
      dtype: "f32",
    },
  }),
  // Positions of a few turns: of many, an angle's rounding would be large.
  rotary: (x, shape, { random, operand }) => {
    const places = shape.slice(0, -1).map((size) => (random.below(3) === 0 ? 1 : size));
    const attributes = { base: 100, pairs: random.pick(["interleaved", "halves"]) };
    return (shape.at(-1) ?? 1) % 2 === 0 ? { inputs: [x, operand(places, random.pick(["i32", "f32"]))], attributes } : undefined;
  },
  gather: (x, shape, { random, operand, builder }) => {
    const axis = random.below(shape.length);
    const indices = Array.from({ length: 1 + random.below(shape.length < 5 ? 2 : 1) }, () => random.pick(sizes));
    if (random.below(2) === 0) {
      const known = Array.from({ length: sizeOf(indices) }, () => random.below(shape[axis] ?? 1));
      return { inputs: [x, builder.constant({ dtype: "i32", shape: indices }, known)], attributes: { axis } };
    }
    // Ids are drawn below 9.
    return { inputs: [operand(shape.with(axis, 9)), operand(indices, "i32")], attributes: { axis } };
  },
  upsample: (x, shape) => (shape.length < 2 ? undefined : { inputs: [x], attributes: { factor: 2 } }),
  concat: (x, shape, { random, operand }) => {
    const axis = random.below(shape.length);
    const other = operand(shape.map((size, i) => (i === axis ? random.pick(sizes) : size)));
    return { inputs: random.below(2) === 0 ? [x, other] : [other, x], attributes: { axis } };
  },
  slice: (x, shape, { random }) => {
    const axis = random.below(shape.length);
    const start = random.below(shape[axis] ?? 1);
    return { inputs: [x], attributes: { axis, start, size: 1 + random.below((shape[axis] ?? 1) - start) } };
  },
  pad: (x, shape, { random }) => ({
    inputs: [x],
    attributes: { axis: random.below(shape.length), before: random.below(5), after: random.below(5) },
  }),
  add: binary,
  sub: binary,
  mul: binary,
  // A divisor near zero would make any rounding large.
  div: (x, shape, { builder, operand }) => ({
    inputs: [x, builder.op("exp", [bounded(operand(shape), builder)], {}, origin)],
    attributes: {},
  }),
  reshape: (x, shape, { random }) => {
    const axis = random.below(shape.length);
    const [size, part] = [shape[axis] ?? 1, divisorOf(shape[axis] ?? 1, random)];
    const split = [...shape.slice(0, axis), size / part, part, ...shape.slice(axis + 1)];
    const at = random.below(split.length - 1);
    const merged = [...split.slice(0, at), (split[at] ?? 1) * (split[at + 1] ?? 1), ...split.slice(at + 2)];
    return { inputs: [x], attributes: { shape: random.below(2) === 0 && split.length <= 5 ? split : merged } };
  },
  transpose: (x, shape, { random }) => {
    const rest = [...shape.keys()];
    const permutation = shape.map(() => rest.splice(random.below(rest.length), 1)[0] ?? 0);
    return { inputs: [x], attributes: { permutation } };
  },
  broadcast: (_, shape, { random, operand }) => ({
    inputs: [operand(shape.map((size) => (random.below(2) === 0 ? 1 : size)))],
    attributes: { shape },
  }),
  cast: (x, _, { random }) => ({ inputs: [x], attributes: { to: random.pick(["f32", "f16"]) } }),
  after: (x, shape, { operand }) => ({ inputs: [x, operand(shape)], attributes: {} }),
  // Of whole numbers: of a sum near zero its rounding would decide.
  step: (_, shape, { builder, operand, dtype }) => ({
    inputs: [builder.op("cast", [operand(shape, "i32")], { to: dtype }, origin)],
    attributes: {},
  }),
  erf: unary,
  scatterAdd: (x, shape, { random, operand }) => {
    const axis = random.below(shape.length);
    const rank = 1 + random.below(Math.min(2, shape.length - axis));
    return { inputs: [x, operand(shape.slice(axis, axis + rank), "i32")], attributes: { axis, size: random.pick([9, 12]) } };
  },
};

export const opNames = Object.keys(opTable) as readonly OpName[];

export class RandomGraph implements Maker {
  readonly builder = new GraphBuilder();
  readonly random: Random;
  readonly dtype: "f32" | "f16";
  /** What later calls may read, all of the graph's float type. */
  readonly pool: ValueId[] = [];
  private readonly reuse: boolean;
  private readonly most: number;
  private made = 0;

  /** `reuse` has operands come from what was computed before, where it has the shape; no value has more than `most` elements. */
  constructor(seed: number, dtype: "f32" | "f16", reuse: boolean, most = mostElements) {
    this.random = new Random(seed);
    this.dtype = dtype;
    this.reuse = reuse;
    this.most = most;
  }

  readonly operand = (shape: readonly number[], dtype: DType = this.dtype): ValueId => {
    const known = this.pool.filter((id) => {
      const type = this.builder.typeOf(id);
      return type.dtype === dtype && type.shape.join() === shape.join();
    });
    if (this.reuse && known.length > 0 && this.random.below(2) === 0) return this.random.pick(known);
    return this.builder.input(`x${this.made++}`, { dtype, shape }, shape.map(String));
  };

  /** Adds a call of the op, on a value of the pool or on a new one; whether one was found that the op takes. */
  call(op: OpName): boolean {
    for (let attempt = 0; attempt < 60; attempt++) {
      const reused = this.reuse && this.pool.length > 0 && this.random.below(8) > 0;
      const x = reused ? this.random.pick(this.pool) : undefined;
      const shape = x === undefined ? this.shape() : this.builder.typeOf(x).shape;
      const trial = this.legal(op, x, shape);
      if (trial) return true;
    }
    return false;
  }

  private legal(op: OpName, given: ValueId | undefined, shape: readonly number[]): boolean {
    const make = makers[op];
    const dtype = this.dtype;
    const entry = opEntry(op);
    const x = given ?? this.operand(shape);
    const call = make(x, shape, this);
    if (call === undefined) return false;
    const types = call.inputs.map((id) => plainType(this.builder.typeOf(id)));
    const found = entry.infer(types, call.attributes);
    if ("code" in found || sizeOf(found.axes.map(({ size }) => size)) > this.most) return false;
    const weights = (entry.weights?.(types, call.attributes) ?? []).map(({ name, shape: own, init }) =>
      this.builder.weight(`layer${this.made++}.${name}`, { dtype, shape: own }, init),
    );
    const made = this.builder.op(
      op,
      [...call.inputs, ...weights],
      { ...call.attributes, ...(op === "embedding" ? { dtype } : {}) },
      origin,
    );
    const type = this.builder.typeOf(made);
    this.pool.push(type.dtype === dtype ? made : this.builder.op("cast", [made], { to: dtype }, origin));
    return true;
  }

  private shape(): readonly number[] {
    for (;;) {
      const shape = Array.from({ length: 1 + this.random.below(5) }, () => this.random.pick(sizes));
      if (sizeOf(shape) <= this.most / 4) return shape;
    }
  }

  /** Outputs are what nothing reads. What no output needs is left out. */
  finish(name: string): Graph {
    const whole = this.builder.finish(name, []);
    const read = new Set(whole.values.flatMap((value) => (value.kind === "op" ? value.inputs : [])));
    const ends = this.pool.filter((id) => !read.has(id));
    const outputs = ends.map((value, i) => ({ name: `y${i}`, value, axes: this.builder.typeOf(value).shape.map(String) }));
    const needed = new Set<ValueId>(ends);
    for (const value of [...whole.values].reverse())
      if (value.kind === "op" && needed.has(value.id)) for (const id of value.inputs) needed.add(id);
    return { ...whole, values: whole.values.filter(({ id }) => needed.has(id)), outputs };
  }
}

/** One op, `count` times on inputs of its own. */
export function randomCalls(op: OpName, seed: number, dtype: "f32" | "f16", count: number): Graph {
  const graph = new RandomGraph(seed, dtype, false);
  for (let i = 0; i < count; i++) if (!graph.call(op)) throw new Error(`random graph: no legal call of ${op} was found`);
  return graph.finish(op);
}

/** `count` ops that read each other's results. */
export function randomGraph(seed: number, dtype: "f32" | "f16", count: number): Graph {
  const graph = new RandomGraph(seed, dtype, true);
  for (let i = 0; i < count; i++) graph.call(graph.random.pick(opNames));
  return graph.finish("mixed");
}

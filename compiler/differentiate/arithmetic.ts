/** What gradient rules are written with: element arithmetic, numbers, sums over what was stretched. */

import type { ValueId } from "../graph/graph.ts";
import type { OpName } from "../graph/op-names.ts";
import type { Lowering } from "../ops/op.ts";
import { inputAt } from "../ops/rules.ts";
import type { Differentiated, GradientRule } from "./rule.ts";

/** Makes ops by short names; `of` is whose rank and dtype numbers take. */
export class Arithmetic {
  private readonly make: Lowering;

  constructor(make: Lowering) {
    this.make = make;
  }

  add(a: ValueId, b: ValueId): ValueId {
    return this.make.op("add", [a, b], {});
  }

  sub(a: ValueId, b: ValueId): ValueId {
    return this.make.op("sub", [a, b], {});
  }

  mul(a: ValueId, b: ValueId): ValueId {
    return this.make.op("mul", [a, b], {});
  }

  div(a: ValueId, b: ValueId): ValueId {
    return this.make.op("div", [a, b], {});
  }

  /** A number that stretches to the value's shape. */
  number(number: number, of: ValueId): ValueId {
    const { dtype, shape } = this.make.typeOf(of);
    return this.make.constant({ dtype, shape: shape.map(() => 1) }, [number]);
  }

  times(a: ValueId, number: number): ValueId {
    return this.mul(a, this.number(number, a));
  }

  plus(a: ValueId, number: number): ValueId {
    return this.add(a, this.number(number, a));
  }

  /** number - a. */
  from(number: number, a: ValueId): ValueId {
    return this.sub(this.number(number, a), a);
  }

  op(op: "sigmoid" | "tanh" | "exp" | "sqrt" | "sin" | "cos" | "step" | "erf", x: ValueId): ValueId {
    return this.make.op(op, [x], {});
  }

  sum(x: ValueId, axis: number): ValueId {
    return this.make.op("sum", [x], { axis });
  }

  mean(x: ValueId, axis: number): ValueId {
    return this.make.op("mean", [x], { axis });
  }

  reshape(x: ValueId, shape: readonly number[]): ValueId {
    return sameShape(this.shapeOf(x), shape) ? x : this.make.op("reshape", [x], { shape });
  }

  transpose(x: ValueId, permutation: readonly number[]): ValueId {
    return this.make.op("transpose", [x], { permutation });
  }

  /** The last two axes exchanged. */
  turned(x: ValueId): ValueId {
    const rank = this.shapeOf(x).length;
    const axes = Array.from({ length: rank }, (_, axis) => axis);
    return this.transpose(x, [...axes.slice(0, -2), rank - 1, rank - 2]);
  }

  stretched(x: ValueId, shape: readonly number[]): ValueId {
    return sameShape(this.shapeOf(x), shape) ? x : this.make.op("broadcast", [x], { shape });
  }

  matmul(a: ValueId, b: ValueId): ValueId {
    return this.make.op("matmul", [a, b], {});
  }

  slice(x: ValueId, axis: number, start: number, size: number): ValueId {
    return size === this.shapeOf(x)[axis] ? x : this.make.op("slice", [x], { axis, start, size });
  }

  pad(x: ValueId, axis: number, before: number, after: number): ValueId {
    return before + after === 0 ? x : this.make.op("pad", [x], { axis, before, after });
  }

  averagePool(x: ValueId, factor: number): ValueId {
    return this.make.op("averagePool2d", [x], { kernel: factor, stride: "kernel" });
  }

  /** Numbers along the last axis. */
  row(numbers: readonly number[], of: ValueId): ValueId {
    const { dtype, shape } = this.make.typeOf(of);
    return this.make.constant({ dtype, shape: shape.map((_, i) => (i === shape.length - 1 ? numbers.length : 1)) }, numbers);
  }

  /** [n] along one axis of as many. */
  alongAxis(x: ValueId, axis: number, axes: number): ValueId {
    return this.reshape(
      x,
      Array.from({ length: axes }, (_, i) => (i === axis ? (this.shapeOf(x)[0] ?? 1) : 1)),
    );
  }

  concat(parts: readonly ValueId[], axis: number): ValueId {
    return this.make.op("concat", parts, { axis });
  }

  /** In the dtype of `like`. */
  cast(x: ValueId, like: ValueId): ValueId {
    const { dtype } = this.make.typeOf(like);
    return this.make.typeOf(x).dtype === dtype ? x : this.make.op("cast", [x], { to: dtype });
  }

  shapeOf(x: ValueId): readonly number[] {
    return this.make.typeOf(x).shape;
  }

  /** Sums over the axes that `shape` has as 1, of as many axes: one sum for each run of them, as neighbours are one axis. */
  sumTo(x: ValueId, shape: readonly number[]): ValueId {
    const runs: { size: number; summed: boolean }[] = [];
    for (const [axis, size] of this.shapeOf(x).entries()) {
      const summed = shape[axis] === 1 && size > 1;
      const last = runs.at(-1);
      if (size === 1) continue;
      if (last?.summed === summed) last.size *= size;
      else runs.push({ size, summed });
    }
    if (!runs.some(({ summed }) => summed)) return this.reshape(x, shape);
    let made = this.reshape(
      x,
      runs.map(({ size }) => size),
    );
    // The innermost first: what is left for the others is less.
    for (const axis of [...runs.keys()].reverse()) if (inputAt(runs, axis).summed) made = this.sum(made, axis);
    return this.reshape(made, shape);
  }

  /** Sums over all axes but this one, to [n]. */
  sumAround(x: ValueId, axis: number): ValueId {
    const shape = this.shapeOf(x);
    const kept = shape.map((size, i) => (i === axis ? size : 1));
    return this.reshape(this.sumTo(x, kept), [shape[axis] ?? 1]);
  }
}

export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, i) => size === b[i]);
}

/** A rule for an op of one input, which is wanted if the rule is asked at all. */
export function ofOne<O extends OpName>(
  rule: (math: Arithmetic, op: Differentiated<O> & { readonly x: ValueId }) => ValueId,
): GradientRule<O> {
  return (make, op) => [rule(new Arithmetic(make), { ...op, x: inputAt(op.inputs, 0) })];
}

/** `view`, `arrange` and `expand`: from the names of a value's axes to the reshape, transpose and broadcast that carry it there. */

import type { CallExpression } from "../../dsl/index.ts";
import { type Axis, axisName, type Factor, plainAxis, showAxes } from "../graph/axis.ts";
import { sizeOf, type TensorType, type ValueId } from "../graph/graph.ts";
import type { OpAttributes } from "../graph/op-names.ts";
import { type Frame, fail, newValue, originAt } from "./frame.ts";
import { axisOf, type IntStatic, type TensorStatic } from "./static.ts";

/** The same elements in the same order under other axes. */
export function view(call: CallExpression, x: TensorStatic, sizes: readonly IntStatic[], frame: Frame): TensorStatic {
  const axes = sizes.map(axisOf);
  const [fromSize, toSize] = [x.type.axes, axes].map((list) => sizeOf(list.map((axis) => axis.size)));
  if (fromSize !== toSize) {
    const holes = { from: showAxes(x.type.axes), to: showAxes(axes), fromSize: fromSize ?? 0, toSize: toSize ?? 0 };
    return fail(frame, "cannot-view", call.callSpan, holes);
  }
  const emit = emitter(call, frame, x.type.dtype);
  return { kind: "tensor", type: { dtype: x.type.dtype, axes }, id: emit.reshape(x.id, sizesOf(axes)) };
}

/** Reorders and merges axes by name; with `repeats` it also repeats the value along names that it lacks. */
export function arrange(call: CallExpression, x: TensorStatic, wanted: readonly IntStatic[], repeats: boolean, frame: Frame): TensorStatic {
  const target = wanted.map(axisOf);
  const source = x.type.axes.flatMap((axis) => axis.factors);
  const factors = target.flatMap((axis) => (axis.size === 1 && axis.factors.every((factor) => factor.name === "1") ? [] : axis.factors));
  const from = matchFactors(source, factors);
  const refuse = (why: string): never =>
    fail(frame, "cannot-arrange", call.callSpan, { wanted: showAxes(target), value: showAxes(x.type.axes), why });

  const lost = source.filter((factor, i) => !from.includes(i) && factor.size !== 1);
  if (lost.length > 0) return refuse(`${lost.map((factor) => `${factor.name} (${factor.size})`).join(", ")} would be lost`);
  const missing = factors.filter((_, i) => from[i] === undefined);
  if (missing.length > 0 && !repeats) return refuse(`the value has no axis ${missing.map((factor) => factor.name).join(", ")}`);

  const emit = emitter(call, frame, x.type.dtype);
  const kept = from.filter((i) => i !== undefined);
  const inSourceOrder = [...kept].sort((a, b) => a - b);
  let id = emit.reshape(
    x.id,
    inSourceOrder.map((i) => sizeAt(source, i)),
  );
  id = emit.transpose(
    id,
    kept.map((i) => inSourceOrder.indexOf(i)),
  );
  if (missing.length > 0) {
    id = emit.reshape(
      id,
      factors.map((factor, i) => (from[i] === undefined ? 1 : factor.size)),
    );
    id = emit.broadcast(
      id,
      factors.map((factor) => factor.size),
    );
  }
  id = emit.reshape(id, sizesOf(target));
  return { kind: "tensor", type: { dtype: x.type.dtype, axes: target }, id };
}

/** For each wanted factor the index of the source's: by name and size first; then axes that the source gives no name, by size and order. */
function matchFactors(source: readonly Factor[], wanted: readonly Factor[]): (number | undefined)[] {
  const used = new Set<number>();
  const take = (matches: (factor: Factor) => boolean): number | undefined => {
    const index = source.findIndex((factor, i) => !used.has(i) && matches(factor));
    if (index < 0) return undefined;
    used.add(index);
    return index;
  };
  const named = wanted.map((factor) => take((candidate) => candidate.name === factor.name && candidate.size === factor.size));
  return named.map((index, i) => {
    const factor = wanted[i];
    if (index !== undefined || factor === undefined) return index;
    return take((candidate) => candidate.size === factor.size && candidate.name === String(candidate.size));
  });
}

function sizeAt(factors: readonly Factor[], index: number): number {
  return factors[index]?.size ?? 1;
}

function sizesOf(axes: readonly Axis[]): number[] {
  return axes.map((axis) => axis.size);
}

/** Emits data movement, leaving out steps that move nothing. */
function emitter(call: CallExpression, frame: Frame, dtype: TensorType["dtype"]) {
  const { builder } = frame.expansion;
  const origin = originAt(frame, call.span);
  const op = <O extends "reshape" | "transpose" | "broadcast">(
    name: O,
    id: ValueId,
    attributes: OpAttributes[O],
    shape: readonly number[],
  ) => builder.op(name, [id], attributes, origin, newValue(frame, call.callSpan, { dtype, axes: shape.map(plainAxis) }));
  const same = (a: readonly number[], b: readonly number[]) => a.length === b.length && a.every((size, i) => size === b[i]);
  return {
    reshape: (id: ValueId, shape: readonly number[]): ValueId =>
      same(builder.typeOf(id).shape, shape) ? id : op("reshape", id, { shape }, shape),
    transpose: (id: ValueId, permutation: readonly number[]): ValueId => {
      if (permutation.every((axis, i) => axis === i)) return id;
      const shape = builder.typeOf(id).shape;
      return op(
        "transpose",
        id,
        { permutation },
        permutation.map((axis) => shape[axis] ?? 1),
      );
    },
    broadcast: (id: ValueId, shape: readonly number[]): ValueId =>
      same(builder.typeOf(id).shape, shape) ? id : op("broadcast", id, { shape }, shape),
  };
}

/** Axis names of a type, for inputs and outputs of graphs. */
export function axisNames(axes: readonly Axis[]): string[] {
  return axes.map(axisName);
}

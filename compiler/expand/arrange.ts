/** `view`, `arrange` and `expand`: from the names of a value's axes to the reshape, transpose and broadcast that carry it there. */

import type { CallExpression } from "../../dsl/index.ts";
import { Axis, plainAxis, showAxes } from "../graph/axis.ts";
import { sizeOf, type TensorType, type ValueId } from "../graph/graph.ts";
import type { OpAttributes } from "../graph/op-names.ts";
import { definedFactors, movedByView } from "../graph/same-axes.ts";
import type { MovedAxes } from "./code/recorder.ts";
import { type Frame, fail, newValue, originAt } from "./frame.ts";
import { type Ambiguous, matchAxes, type Piece } from "./match-axes.ts";
import { axisOf, type IntStatic, type TensorStatic } from "./static.ts";

/** The same elements in the same order under other axes. */
export function view(call: CallExpression, x: TensorStatic, sizes: readonly IntStatic[], frame: Frame): TensorStatic {
  const axes = sizes.map(axisOf);
  const [fromSize, toSize] = [x.type.axes, axes].map((list) => sizeOf(list.map((axis) => axis.size)));
  if (fromSize !== toSize) {
    const holes = { from: showAxes(x.type.axes), to: showAxes(axes), fromSize: fromSize ?? 0, toSize: toSize ?? 0 };
    return fail(frame, "cannot-view", call.callSpan, holes);
  }
  const moved = movedByView(x.type.axes, axes);
  if (moved !== undefined) {
    const message = `a view moves no element, but between ${showAxes(x.type.axes)} and ${showAxes(axes)} ${moved}`;
    const hint = "`arrange` moves axes by name; `view` renames, splits and joins them where they are";
    return fail(frame, "axis-mismatch", call.callSpan, { message }, { hint });
  }
  const emit = emitter(call, frame, x.type.dtype);
  return { kind: "tensor", type: { dtype: x.type.dtype, axes }, id: emit.reshape(x.id, sizesOf(axes)) };
}

/** Reorders and merges axes by name; with `repeats` it also repeats the value along names that it lacks. */
export function arrange(call: CallExpression, x: TensorStatic, wanted: readonly IntStatic[], repeats: boolean, frame: Frame): TensorStatic {
  const target = wanted.map(axisOf);
  const lists = () => ({ wanted: showAxes(target), value: showAxes(x.type.axes) });
  const match = matchAxes(x.type.axes, target, repeats);
  if ("ambiguous" in match) {
    return fail(frame, "ambiguous-axes", call.callSpan, { ...lists(), why: whyAmbiguous(match) }, { hint: ambiguousHint(match) });
  }
  const { parts } = match;
  const pieces = match.pieces.flat();
  const from = pieces.map((piece) => piece.from);
  const refuse = (why: string): never => fail(frame, "cannot-arrange", call.callSpan, { ...lists(), why });

  const lost = parts.filter((_, i) => !from.includes(i));
  if (lost.length > 0) return refuse(`${lost.map((part) => `${part.name} (${part.size})`).join(", ")} would be lost`);
  const missing = pieces.filter((piece) => piece.from === undefined);
  if (missing.length > 0 && !repeats) return refuse(`the value has no axis ${missing.map(({ axis }) => axis.name).join(", ")}`);

  const emit = emitter(call, frame, x.type.dtype);
  const kept = from.filter((i) => i !== undefined);
  const inSourceOrder = [...kept].sort((a, b) => a - b);
  let id = emit.reshape(
    x.id,
    inSourceOrder.map((i) => parts[i]?.size ?? 1),
  );
  id = emit.transpose(
    id,
    kept.map((i) => inSourceOrder.indexOf(i)),
  );
  if (missing.length > 0) {
    id = emit.reshape(
      id,
      pieces.map(({ axis, from }) => (from === undefined ? 1 : axis.size)),
    );
    id = emit.broadcast(
      id,
      pieces.map(({ axis }) => axis.size),
    );
  }
  id = emit.reshape(id, sizesOf(target));
  frame.expansion.recorder?.moved(call, steps(x.type.axes, parts, pieces, target), frame);
  return { kind: "tensor", type: { dtype: x.type.dtype, axes: target }, id };
}

/** The same moves in axes with their names. */
function steps(from: readonly Axis[], parts: readonly Axis[], pieces: readonly Piece[], target: readonly Axis[]): MovedAxes {
  const kept = pieces.flatMap(({ from }) => (from === undefined ? [] : [from]));
  const inSourceOrder = [...kept].sort((a, b) => a - b);
  const split = inSourceOrder.map((i) => parts[i] ?? plainAxis(1));
  const order = kept.map((i) => inSourceOrder.indexOf(i));
  const turned = order.map((i) => split[i] ?? plainAxis(1));
  const repeats = pieces.length > kept.length;
  const ones = pieces.map(({ axis, from }) => (from === undefined ? plainAxis(1) : axis));
  const stretched = pieces.map(({ axis }) => axis);
  // Axes of other names may be of one size only because a factor is 1 in this build, as the batch is.
  const alike = (a: Axis, b: Axis | undefined) =>
    a.size === b?.size &&
    (a.key === b.key || ![a, b].some(({ factors }) => factors.some(({ size, form }) => size === 1 && form.number === undefined)));
  const unlike = (a: readonly Axis[], b: readonly Axis[]) =>
    a.length === b.length && a.every((axis, i) => alike(axis, b[i])) ? undefined : b;
  return {
    split: unlike(from, split),
    order: order.every((axis, i) => axis === i) ? undefined : order,
    ones: repeats ? unlike(turned, ones) : undefined,
    stretched: repeats ? unlike(ones, stretched) : undefined,
    to: unlike(repeats ? stretched : turned, target),
  };
}

function whyAmbiguous({ ambiguous: [first, ...others], by }: Ambiguous): string {
  const size = first?.size ?? 1;
  const names = [first, ...others].flatMap((axis) => (axis === undefined ? [] : [axis.name]));
  const what =
    by === "name" ? `${names[0]} (${size}) is there more than once` : `${[...new Set(names)].join(" and ")} may be any axis of ${size}`;
  return `${what}, and nothing tells which is which`;
}

function ambiguousHint({ ambiguous: [first], by }: Ambiguous): string {
  const name = first === undefined ? "1" : first.name;
  return by === "name"
    ? `give each a name of its own where it is made: \`const rows = ${name};\`, \`const columns = ${name};\``
    : `name the axes of the value before: \`view(…, […, ${name}, …])\``;
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

/** Axis names of a type, for inputs and outputs of graphs: who runs a graph knows its dims, not the consts of its source. */
export function axisNames(axes: readonly Axis[]): string[] {
  return axes.map((axis) => (axis.plain ? axis : new Axis(axis.size, definedFactors(axis.factors))).name);
}

/** Values that hold several tensors, lists and records of them: each tensor with the shape that a type gives it, and put back in its place. */

import { type Expression, isAnyAxis, type Span, type TypeNode } from "../../dsl/index.ts";
import { type Axis, plainAxis } from "../graph/axis.ts";
import { axisExpressionSize } from "./axes.ts";
import { type Frame, fail, nested, spend } from "./frame.ts";
import { axisOf, describe, ListStatic, record, type Static, type TensorStatic } from "./static.ts";
import { type AxisExpression, fits, formOf, type PlacedType, showType, type TensorShape } from "./types.ts";

/** A tensor of a value, and where in it it lies. */
export interface TensorPart {
  /** As a source would say it: `skips[0]`, `latent.mean`. */
  readonly name: string;
  readonly path: readonly (string | number)[];
  readonly shape: TensorShape;
  readonly value: TensorStatic;
  readonly span: Span;
}

/** A value that has come to where a type says what it must be. */
export interface Typed {
  readonly name: string;
  readonly value: Static;
  readonly type: TypeNode;
  /** The file that the type is written in. */
  readonly file: string;
  /** What the value was made by, where its parts may be written out; else the place of all errors. */
  readonly source: Expression | Span;
}

interface Place {
  readonly name: string;
  readonly path: readonly (string | number)[];
  readonly source: Expression | Span;
}

/** The value with each of its tensors replaced; refused where it is not of the type. Parts that it shares count as often as they stand in it. */
export function mapTensors({ name, value, type, file, source }: Typed, frame: Frame, replace: (part: TensorPart) => TensorStatic): Static {
  const { program } = frame.expansion;
  const whole = formOf(program, { type, file });
  // What most types are needs no way down through parts.
  if (whole.kind === "tensor" && value.kind === "tensor")
    return replace({ name, path: [], shape: whole.shape, value, span: "kind" in source ? source.span : source });
  const map = (part: Static, placed: PlacedType, place: Place): Static => {
    const span = "kind" in place.source ? place.source.span : place.source;
    const form = formOf(program, placed);
    const refuse = (expected: string): never =>
      fail(frame, "wrong-kind", span, { expected: `${expected} for \`${place.name}\``, found: describe(part) });
    switch (form.kind) {
      case "tensor":
        return part.kind === "tensor" ? replace({ ...place, shape: form.shape, value: part, span }) : refuse("a tensor");
      case "list": {
        if (part.kind !== "list") return refuse("a list");
        spend(frame, span, "items", part.length);
        const items = part.items.map((item, i) => map(item, form.element, itemOf(place, i)));
        return nested(frame, span, ListStatic.of(items));
      }
      case "record": {
        if (part.kind !== "record" || part.fields.size !== form.fields.size) return refuse(showType(placed.type));
        spend(frame, span, "items", part.fields.size);
        const fields = [...form.fields].map(([field, of]): [string, Static] => {
          const found = part.fields.get(field);
          return [field, found === undefined ? refuse(showType(placed.type)) : map(found, of, fieldOf(place, field))];
        });
        return nested(frame, span, record(new Map(fields)));
      }
      case "known":
        return fits(program, part, placed.type, placed.file) ? part : refuse(showType(placed.type));
    }
  };
  return map(value, { type, file }, { name, path: [], source });
}

/** The tensors of a value, in the order in which they stand in it. */
export function tensorParts(typed: Typed, frame: Frame): readonly TensorPart[] {
  const parts: TensorPart[] = [];
  mapTensors(typed, frame, (part) => {
    parts.push(part);
    return part.value;
  });
  return parts;
}

function itemOf({ name, path, source }: Place, i: number): Place {
  const item = "kind" in source && source.kind === "list" ? source.items[i] : undefined;
  return { name: `${name}[${i}]`, path: [...path, i], source: item ?? source };
}

function fieldOf({ name, path, source }: Place, field: string): Place {
  const written = "kind" in source && source.kind === "record" ? source.fields.find((one) => one.name.name === field)?.value : undefined;
  return { name: `${name}.${field}`, path: [...path, field], source: written ?? source };
}

/** The axes that a type gives a tensor, as `frame` names them. `_` has no name: it takes the size of the tensor's own axis. */
export function declaredAxes(axes: readonly AxisExpression[], found: readonly Axis[], frame: Frame): Axis[] {
  return axes.map((axis, i) => (isAnyAxis(axis.expression) ? plainAxis(found[i]?.size ?? 1) : axisOf(axisExpressionSize(axis, frame))));
}

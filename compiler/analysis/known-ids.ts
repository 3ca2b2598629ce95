/** Values that the source alone decides, computed where ids are looked up by them: the first id that is not in its table. */

import { sizeOf, type Value, type ValueId } from "../graph/graph.ts";
import type { Floats, Tensor } from "../ops/op.ts";
import { opEntry } from "../ops/table.ts";
import { lookupOf } from "./id-bounds.ts";

/** More elements than these are left to whoever runs the graph. */
const mostElements = 65_536;

export interface BeyondTable {
  readonly id: number;
  readonly rows: number;
  /** Which of the op's inputs holds it. */
  readonly input: number;
}

/** What the constants of a graph come to, by what finds its values: the builder of one that still grows. */
const known = new WeakMap<Values, KnownValues>();

interface Values {
  valueOf(id: ValueId): Value;
}

/** The first id of an op that is beyond its table of so many rows; undefined where there is none, or where inputs decide. */
export function idBeyondTable(values: Values, op: ValueId): BeyondTable | undefined {
  const found = known.get(values) ?? new KnownValues((id) => values.valueOf(id));
  known.set(values, found);
  return found.beyondTable(op);
}

/** Each op is computed once. */
class KnownValues {
  private readonly known = new Map<ValueId, Tensor<Floats> | undefined>();
  private readonly value: (id: ValueId) => Value;

  constructor(value: (id: ValueId) => Value) {
    this.value = value;
  }

  beyondTable(id: ValueId): BeyondTable | undefined {
    const op = this.value(id);
    const lookup = op.kind === "op" ? lookupOf(op) : undefined;
    if (op.kind !== "op" || lookup === undefined) return undefined;
    const rows = this.value(lookup.table).type.shape[lookup.axis] ?? 0;
    const found = this.of(lookup.ids)?.data.find((one) => one < 0 || one >= rows);
    return found === undefined ? undefined : { id: found, rows, input: op.inputs.indexOf(lookup.ids) };
  }

  /** Without recursion: a source may write a long chain. */
  private of(wanted: ValueId): Tensor<Floats> | undefined {
    const open = [wanted];
    for (let id = open.at(-1); id !== undefined; id = open.at(-1)) {
      const value = this.value(id);
      const missing = this.isOpen(value) ? value.inputs.filter((input) => !this.known.has(input)) : [];
      if (missing.length > 0) {
        open.push(...missing);
        continue;
      }
      if (!this.known.has(id)) this.known.set(id, this.compute(value));
      open.pop();
    }
    return this.known.get(wanted);
  }

  private isOpen(value: Value): value is Extract<Value, { kind: "op" }> {
    return value.kind === "op" && sizeOf(value.type.shape) <= mostElements;
  }

  private compute(value: Value): Tensor<Floats> | undefined {
    if (value.kind === "constant") {
      const { dtype, shape } = value.type;
      return { shape, data: dtype === "i32" ? Int32Array.from(value.data) : Float32Array.from(value.data) };
    }
    if (!this.isOpen(value) || this.beyondTable(value.id) !== undefined) return undefined;
    const inputs = value.inputs.flatMap((id) => this.known.get(id) ?? []);
    return inputs.length < value.inputs.length ? undefined : opEntry(value.op).reference(inputs, value.attributes, value.type);
  }
}

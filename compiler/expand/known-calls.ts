/** Calls of blocks to the types that came of them and what they took, by callee and arguments: all that their shapes can depend on. */

import { axisName } from "../graph/axis.ts";
import type { AxisType } from "../ops/op.ts";
import type { Spending } from "./budget.ts";
import type { Static } from "./static.ts";

interface KnownCall {
  readonly type: AxisType;
  /** The tensor parameters that the result depends on. */
  readonly reads: readonly string[];
  readonly cost: Spending;
}

export class KnownCalls {
  private readonly calls = new Map<string, KnownCall>();
  /** Lists and records by the keys of their parts: written out, shared parts would stand in a key once for each way to them. */
  private readonly shapes = new Map<string, string>();
  private readonly keys = new WeakMap<Static, string>();

  get(key: string): KnownCall | undefined {
    return this.calls.get(key);
  }

  set(key: string, call: KnownCall): void {
    this.calls.set(key, call);
  }

  keyOf(callee: string, given: ReadonlyMap<string, Static>): string {
    const tensors = new Map<number, string>();
    const keyOf = (name: string, value: Static) => {
      if (value.kind !== "tensor") return this.keyOfValue(value);
      // What depends on one tensor in two places is known of both together alone.
      const first = tensors.get(value.id);
      if (first === undefined) tensors.set(value.id, name);
      return `${this.keyOfValue(value)}${first === undefined ? "" : ` as ${first}`}`;
    };
    return `${callee}(${[...given].map(([name, value]) => `${name}: ${keyOf(name, value)}`).join(", ")})`;
  }

  private keyOfValue(value: Static): string {
    if (value.kind === "tensor") return `${value.type.dtype}${value.type.axes.map((axis) => `${axisName(axis)}=${axis.size}`).join()}`;
    if (value.kind !== "list" && value.kind !== "record") return JSON.stringify(value);
    const known = this.keys.get(value);
    if (known !== undefined) return known;
    const written =
      value.kind === "list"
        ? `[${value.items.map((item) => this.keyOfValue(item)).join()}]`
        : `{${[...value.fields].map(([name, field]) => `${name}: ${this.keyOfValue(field)}`).join()}}`;
    const key = this.shapes.get(written) ?? `#${this.shapes.size}`;
    this.shapes.set(written, key);
    this.keys.set(value, key);
    return key;
  }
}

/** Calls of blocks to the types that came of them and what they took, by callee and arguments: all that their shapes can depend on. */

import type { StandIn } from "../analysis/reads.ts";
import { axisName } from "../graph/axis.ts";
import type { ValueId } from "../graph/graph.ts";
import type { AxisType } from "../ops/op.ts";
import type { Spending } from "./budget.ts";
import type { Static } from "./static.ts";

interface KnownCall {
  readonly type: AxisType;
  /** The tensor parameters that the result depends on. */
  readonly reads: readonly string[];
  readonly cost: Spending;
  readonly result: ValueId;
  /** Whether it leans on what is only promised, after an error within it. */
  readonly doubtful: boolean;
  /** Undefined where they lie within lists of lists: to find them all could take as long as the calls. */
  readonly tensors: readonly ValueId[] | undefined;
}

/** The tensors of a call's arguments, in an order that its key fixes. */
export function tensorsOf(given: ReadonlyMap<string, Static>): readonly ValueId[] | undefined {
  const values = [...given.values()].flatMap((value) => (value.kind === "list" ? [...value.items] : [value]));
  if (values.some(({ kind }) => kind === "list" || kind === "record")) return undefined;
  return values.flatMap((value) => (value.kind === "tensor" ? [value.id] : []));
}

export class KnownCalls {
  private readonly calls = new Map<string, KnownCall>();
  /** Lists and records by the keys of their parts: written out, shared parts would stand in a key once for each way to them. */
  private readonly shapes = new Map<string, string>();
  private readonly keys = new WeakMap<Static, string>();

  /** The inputs that stand for calls that were left out; of one graph, if this serves one. */
  readonly standIns = new Map<ValueId, StandIn>();

  get(key: string): KnownCall | undefined {
    return this.calls.get(key);
  }

  set(key: string, call: KnownCall): void {
    this.calls.set(key, call);
  }

  /** `id` stands for a call like that one. */
  leaveOut(id: ValueId, like: KnownCall, given: ReadonlyMap<string, Static>): void {
    const tensors = tensorsOf(given);
    const known = tensors !== undefined && like.tensors?.length === tensors.length;
    if (known) this.standIns.set(id, { result: like.result, pairs: tensors.map((own, i) => [own, like.tensors?.[i] ?? own]) });
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

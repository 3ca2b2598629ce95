/** Calls of blocks to the types that came of them and what they took, by callee and arguments: all that their shapes can depend on. */

import type { StandIn } from "../analysis/reads.ts";
import type { ValueId } from "../graph/graph.ts";
import type { Spending } from "./budget.ts";
import type { Body } from "./parts.ts";
import type { Static } from "./static.ts";

export interface KnownCall {
  /** What came of it, its axes as the caller named them. */
  readonly result: Static;
  /** Of each tensor of the result, the tensors of the arguments that it depends on, by their places among `tensors`. */
  readonly reads: ReadonlyMap<ValueId, readonly number[]>;
  readonly cost: Spending;
  /** The tensors of the arguments, in an order that the key fixes. */
  readonly tensors: readonly ValueId[];
  readonly body: Body;
  /** What the graph that it was first made in has read of dims, params and consts: all that it can depend on beside its arguments. */
  readonly globals: ReadonlySet<string> | undefined;
  /** Whether it leans on what is only promised, after an error within it. */
  readonly doubtful: boolean;
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

  /** `id` stands for a result of a call like that one, of these tensors. */
  leaveOut(id: ValueId, result: ValueId, like: KnownCall, tensors: readonly ValueId[]): void {
    this.standIns.set(id, { result, pairs: tensors.map((own, i) => [own, like.tensors[i] ?? own]) });
  }

  /** `tensors` are those of the arguments. What depends on one tensor in two places is known of both together alone. */
  keyOf(callee: string, given: ReadonlyMap<string, Static>, tensors: readonly ValueId[]): string {
    let values = "";
    for (const [name, value] of given) values += `${name}: ${this.keyOfValue(value)}, `;
    if (tensors.length < 2) return `${callee}(${values})`;
    const places = new Map<ValueId, number>();
    for (const id of tensors) if (!places.has(id)) places.set(id, places.size);
    const same = places.size === tensors.length ? "" : ` of ${tensors.map((id) => places.get(id)).join()}`;
    return `${callee}(${values})${same}`;
  }

  /** Equal for values that nothing can tell apart, as far as one `KnownCalls` made both. */
  keyOfValue(value: Static): string {
    if (value.kind === "tensor") return `${value.type.dtype}${value.type.axes.map(({ wholeKey }) => wholeKey).join()}`;
    if (value.kind === "int") return value.axis?.wholeKey ?? String(value.value);
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

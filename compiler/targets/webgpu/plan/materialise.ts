/** A graph to one whose index maps fit their kernels: what an op would read from too many buffers, or by too long an address, is made in memory before, a wide concatenation piece by piece. */

import type { Graph, OpValue, OpValueOf, Origin, Value, ValueId } from "../../../graph/graph.ts";
import type { OpAttributes } from "../../../graph/op-names.ts";
import { GraphBuilder } from "../../../rewriting/builder.ts";
import { countReaders } from "../../../rewriting/rewrite.ts";
import { formOf } from "../forms/table.ts";
import { indexText, isJoined, isReadThrough, mostIndexText } from "./index-text.ts";
import type { PlanBounds } from "./limits.ts";
import { allReads, bindingsOf, Reading } from "./reads.ts";

/** Characters of the addresses in a kernel that writes a part: each is written for four neighbours at most. */
const mostPieceText = 3 * mostIndexText;

/** Of copies, which no source asks for. */
const nowhere: Origin = { path: "", span: { file: "", start: 0, end: 0 }, expandedFrom: [] };

/** Everything that is made in memory is one concatenation in place, of itself or of the parts that a kernel each can write. */
export function materialise(graph: Graph, bounds: PlanBounds): Graph {
  const making = new Materialising(graph, bounds, countReaders(graph));
  for (const value of graph.values) making.take(value);
  return making.finish(graph);
}

class Materialising {
  private readonly builder: GraphBuilder;
  private readonly values = new Map<ValueId, Value>();
  private readonly reading: Reading;
  private readonly texts = new Map<ValueId, number>();
  /** What is read instead of a value. */
  private readonly made = new Map<ValueId, ValueId>();
  private readonly bounds: PlanBounds;
  /** How many ops read a value of the graph. */
  private readonly readers: ReadonlyMap<ValueId, number>;

  constructor(graph: Graph, bounds: PlanBounds, readers: ReadonlyMap<ValueId, number>) {
    this.bounds = bounds;
    this.readers = readers;
    this.builder = new GraphBuilder(1 + graph.values.reduce((largest, { id }) => Math.max(largest, id), -1));
    this.reading = new Reading(this.value, bounds);
  }

  private readonly value = (id: ValueId): Value => {
    const value = this.values.get(id);
    if (value === undefined) throw new Error(`materialise: %${id} is read before it is made`);
    return value;
  };

  take(value: Value): void {
    if (value.kind !== "op") {
      this.keep(value);
      return;
    }
    const inputs = value.inputs.map((id) => this.made.get(id) ?? id);
    const op = inputs.some((id, i) => id !== value.inputs[i]) ? { ...value, inputs } : value;
    if (isJoined(op)) this.join(op);
    else if (isReadThrough(op)) this.map(op);
    else this.compute(op);
  }

  /** Each output has a kernel that writes it: what is an input, a constant or another output too is copied. */
  finish(graph: Graph): Graph {
    const written = new Set<ValueId>();
    const outputs = graph.outputs.map((output) => {
      const own = this.value(output.value).kind === "op" && !written.has(output.value);
      const value = own ? output.value : this.builder.op("concat", [output.value], { axis: 0 }, nowhere);
      written.add(value);
      return { ...output, value };
    });
    return this.builder.finish(graph.name, outputs);
  }

  private keep<V extends Value>(value: V): V {
    this.builder.keep(value);
    this.values.set(value.id, value);
    return value;
  }

  private join(op: OpValueOf<"concat">): void {
    const parts = this.partsOf(op);
    if (parts.length === 1) {
      this.keep(this.areWrittenOnce(op) ? { ...op, attributes: { ...op.attributes, inPlace: true } } : op);
      return;
    }
    const ids = parts.map((inputs) => this.add(op, inputs, { axis: op.attributes.axis }));
    // The whole keeps its number, by which its readers and the graph before know it.
    this.keep({ ...op, inputs: ids, attributes: { ...op.attributes, inPlace: true } });
  }

  /** Whether the parts are columns that kernels of their own write for this alone: as well to their place in the whole, whose rows a product then reads without a branch. */
  private areWrittenOnce({ inputs, attributes: { axis }, type: { shape } }: OpValueOf<"concat">): boolean {
    const isWrittenOnce = (id: ValueId) => {
      const part = this.value(id);
      return part.kind === "op" && formOf(part.op).kind === "element" && this.readers.get(id) === 1;
    };
    return axis === shape.length - 1 && inputs.every(isWrittenOnce);
  }

  /** The inputs in runs that one kernel can read. */
  private partsOf(op: OpValue): readonly (readonly ValueId[])[] {
    const parts: ValueId[][] = [];
    let open = { reads: this.reading.of(op.inputs[0] ?? -1), text: Number.POSITIVE_INFINITY };
    for (const id of op.inputs) {
      const text = this.textOf({ ...op, inputs: [id] });
      const reads = allReads([open.reads, this.reading.of(id)]);
      const fits = open.text + text <= mostPieceText && bindingsOf(reads) <= this.bounds.buffers;
      if (fits) parts.at(-1)?.push(id);
      else parts.push([id]);
      open = fits ? { reads, text: open.text + text } : { reads: this.reading.of(id), text };
    }
    return parts;
  }

  private map(op: OpValue): void {
    const [input] = op.inputs;
    const fits = input === undefined || !this.isUnmade(input) || this.textOf(op) <= mostIndexText;
    this.keep(fits ? op : { ...op, inputs: [this.inMemory(input)] });
  }

  /** Of an op with a kernel, the operands are made in memory that bring the most, until the rest fits. */
  private compute(op: OpValue): void {
    let current = op;
    const change = (id: ValueId): void => {
      const made = this.inMemory(id);
      current = { ...current, inputs: current.inputs.map((one) => (one === id ? made : one)) };
    };
    const most = (weigh: (id: ValueId) => number, least: number): ValueId | undefined => {
      const [largest] = current.inputs.filter((id) => this.isUnmade(id) && weigh(id) >= least).sort((a, b) => weigh(b) - weigh(a));
      return largest;
    };
    while (bindingsOf(this.reading.operands(current)) > this.bounds.buffers) {
      const widest = most((id) => this.reading.of(id).values.size, 2);
      if (widest === undefined) break;
      change(widest);
    }
    while (current.inputs.reduce((sum, id) => sum + this.readText(id), 0) > mostIndexText) {
      const longest = most((id) => this.readText(id), 0);
      if (longest === undefined) break;
      change(longest);
    }
    this.keep(current);
  }

  /** What an operand's index maps take; of one that lies in memory, nothing to speak of. */
  private readText(id: ValueId): number {
    return this.isUnmade(id) ? this.textOf(this.value(id)) : 0;
  }

  /** Whether the value could be made in memory, and is not. */
  private isUnmade(id: ValueId): boolean {
    const value = this.value(id);
    return isReadThrough(value) && value.type.shape.length > 0;
  }

  private inMemory(id: ValueId): ValueId {
    const value = this.value(id);
    if (!isReadThrough(value) || value.type.shape.length === 0) return id;
    const made = this.add(value, [id], { axis: 0, inPlace: true });
    this.made.set(id, made);
    return made;
  }

  private add(like: OpValue, inputs: readonly ValueId[], attributes: OpAttributes["concat"]): ValueId {
    const id = this.builder.op("concat", inputs, attributes, like.origin);
    const type = this.builder.typeOf(id);
    this.values.set(id, { kind: "op", id, type, op: "concat", inputs, attributes, origin: like.origin });
    return id;
  }

  private textOf(value: Value): number {
    const known = this.texts.get(value.id);
    if (known !== undefined && this.values.has(value.id)) return known;
    const text = indexText(value, this.value, mostIndexText);
    if (this.values.has(value.id)) this.texts.set(value.id, text);
    return text;
  }
}

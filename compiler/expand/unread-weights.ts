/** The weights that a graph was expanded with to errors for those that no result depends on, each at the outermost label of which that is so. */

import type { Diagnostic, Span } from "../../dsl/index.ts";
import type { Graph, Origin, ValueId } from "../graph/graph.ts";
import type { GraphBuilder } from "../rewriting/builder.ts";
import { expandDiagnostic } from "./messages.ts";
import { relatedCalls } from "./related-calls.ts";

/** A label of weight paths, and those around it. */
export interface LabelScope {
  readonly path: string;
  readonly span: Span;
  /** Whether its path may come again for the same weights: as it says so, or in other rounds of a `repeat` without a label. */
  readonly tie: "none" | "stated" | "rounds";
  readonly expandedFrom: Origin["expandedFrom"];
  readonly outer: LabelScope | undefined;
}

interface Weight {
  readonly id: ValueId;
  readonly path: string;
  readonly label: LabelScope | undefined;
}

interface Tally {
  weights: number;
  unread: number;
}

export class WeightReads {
  private readonly builder: GraphBuilder;
  private readonly weights: Weight[] = [];
  /** Results of calls that were not expanded again, by the arguments that they depend on. */
  private readonly standIns = new Map<ValueId, readonly ValueId[]>();
  /** Results of calls that were, by the same. */
  private readonly calls = new Map<ValueId, ReadonlySet<ValueId>>();

  constructor(builder: GraphBuilder) {
    this.builder = builder;
  }

  addWeight(id: ValueId, path: string, label: LabelScope | undefined): void {
    this.weights.push({ id, path, label });
  }

  addStandIn(id: ValueId, reads: readonly ValueId[]): void {
    this.standIns.set(id, reads);
  }

  /** Which of a call's tensors its result depends on. Calls within it that have come to their result are not gone through again. */
  readBy(result: ValueId, tensors: ReadonlySet<ValueId>): ReadonlySet<ValueId> {
    const read = new Set<ValueId>();
    const seen = new Set<ValueId>();
    const open = [result];
    for (let id = open.pop(); id !== undefined && read.size < tensors.size; id = open.pop()) {
      if (tensors.has(id)) read.add(id);
      else if (!seen.has(id)) {
        seen.add(id);
        for (const source of this.calls.get(id) ?? this.readsOf(id)) open.push(source);
      }
    }
    if (!read.has(result)) this.calls.set(result, read);
    return read;
  }

  private sourcesOf(results: readonly ValueId[]): ReadonlySet<ValueId> {
    const found = new Set(results);
    for (const id of found) for (const read of this.readsOf(id)) found.add(read);
    return found;
  }

  private readsOf(id: ValueId): readonly ValueId[] {
    const value = this.builder.valueOf(id);
    return value.kind === "op" ? value.inputs : (this.standIns.get(id) ?? []);
  }

  /** Whether all weights are read, and all calls that stand for earlier ones, whose weights are not here. The ids of an expanded graph count its values. */
  allRead({ values, outputs }: Graph): boolean {
    const read = new Uint8Array(values.length);
    for (const { value } of outputs) read[value] = 1;
    // What reads a value stands behind it.
    for (let id = values.length - 1; id >= 0; id--) {
      const value = values[id];
      if (value === undefined || value.kind === "constant") continue;
      const reads = value.kind === "op" ? value.inputs : this.standIns.get(id);
      if (read[id] === 1) for (const source of reads ?? []) read[source] = 1;
      else if (value.kind === "weight" || (value.kind === "input" && reads !== undefined)) return false;
    }
    return true;
  }

  unread({ name: graph, outputs }: Graph): Diagnostic[] {
    const read = this.sourcesOf(outputs.map(({ value }) => value));
    const unread = this.weights.filter(({ id }) => !read.has(id));
    const tallies = unread.length === 0 ? undefined : this.tallies(read);
    const places = new Map<string, LabelScope>();
    for (const { label } of unread) {
      let outermost = label;
      for (let scope = label; scope !== undefined; scope = scope.outer) {
        const tally = tallies?.get(scope.path);
        if (tally?.unread === tally?.weights) outermost = scope;
      }
      if (outermost === undefined) continue;
      // One place is said once, however often it is expanded.
      const place = `${outermost.span.file} ${outermost.span.start}`;
      if (!places.has(place)) places.set(place, outermost);
    }
    return [...places.values()].map(({ path, span, expandedFrom }) => {
      const one = this.weights.some((weight) => weight.path === path);
      const weights = one ? `the weight \`${path}\`` : path === "" ? "its weights" : `the weights of \`${path}\``;
      const hint = one ? "use it, or delete it" : "use what is computed with them, or delete them";
      return expandDiagnostic("unread-weight", span, { graph, weights }, { hint, related: relatedCalls(expandedFrom) });
    });
  }

  /** How many weights each label is part of the path of, and how many of them are not read. */
  private tallies(read: ReadonlySet<ValueId>): ReadonlyMap<string, Tally> {
    const tallies = new Map<string, Tally>();
    for (const { id, label } of this.weights) {
      for (let scope = label; scope !== undefined; scope = scope.outer) {
        const tally = tallies.get(scope.path) ?? { weights: 0, unread: 0 };
        tallies.set(scope.path, tally);
        tally.weights++;
        if (!read.has(id)) tally.unread++;
      }
    }
    return tallies;
  }
}

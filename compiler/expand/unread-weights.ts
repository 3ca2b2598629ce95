/** The weights that a graph was expanded with to errors for those that no result depends on, each at the outermost label of which that is so. */

import type { Diagnostic, Span } from "../../dsl/index.ts";
import type { Origin, ValueId } from "../graph/graph.ts";
import type { GraphBuilder } from "../rewriting/builder.ts";
import { expandDiagnostic } from "./messages.ts";
import { relatedCalls } from "./related-calls.ts";

/** A label of weight paths, and those around it. */
export interface LabelScope {
  readonly path: string;
  readonly span: Span;
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
    const found = new Set([result]);
    // A set grows while it is walked.
    for (const id of found) if (!tensors.has(id)) for (const read of this.calls.get(id) ?? this.readsOf(id)) found.add(read);
    const read = new Set([...tensors].filter((id) => found.has(id)));
    if (!read.has(result)) this.calls.set(result, read);
    return read;
  }

  private sourcesOf(result: ValueId): ReadonlySet<ValueId> {
    const found = new Set([result]);
    for (const id of found) for (const read of this.readsOf(id)) found.add(read);
    return found;
  }

  private readsOf(id: ValueId): readonly ValueId[] {
    const value = this.builder.valueOf(id);
    return value.kind === "op" ? value.inputs : (this.standIns.get(id) ?? []);
  }

  /** Whether all that was made is read; where calls stand for earlier ones, all that is known of them. */
  allRead(result: ValueId): boolean {
    const read = this.sourcesOf(result);
    return this.weights.every(({ id }) => read.has(id)) && [...this.standIns.keys()].every((id) => read.has(id));
  }

  unread(graph: string, result: ValueId): Diagnostic[] {
    const read = this.sourcesOf(result);
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
      const weights = one ? `the weight \`${path}\`` : `the weights of \`${path}\``;
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

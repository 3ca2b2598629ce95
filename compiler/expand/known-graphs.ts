/** Graphs of a program under many configurations: one that reads nothing in which two configurations differ is expanded once. */

import type { Diagnostic, GraphDeclaration } from "../../dsl/index.ts";
import type { Graph } from "../graph/graph.ts";
import type { Configuration } from "./configure.ts";
import type { ExpandedGraph } from "./expand.ts";
import type { Attempt } from "./failure.ts";
import { type Static, sameStatic } from "./static.ts";

interface KnownGraph {
  readonly configuration: Configuration;
  /** By `globalKey`, what it was made of. */
  readonly reads: ReadonlySet<string>;
  readonly expanded: Attempt<ExpandedGraph>;
}

type Expand = (configuration: Configuration) => Attempt<ExpandedGraph>;

export class KnownGraphs {
  private readonly shapes = new Map<GraphDeclaration, KnownGraph[]>();
  private readonly wholes = new Map<GraphDeclaration, KnownGraph[]>();
  private readonly guided = new WeakMap<Graph, readonly Diagnostic[]>();

  /** The graph under a configuration, of which shapes are enough, expanded where none like it is known. */
  expanded(configuration: Configuration, declaration: GraphDeclaration, expand: Expand): Attempt<ExpandedGraph> {
    return knownOr(expand, this.shapes, configuration, declaration);
  }

  /** The same where `expand` leaves nothing out. */
  whole(configuration: Configuration, declaration: GraphDeclaration, expand: Expand): Attempt<ExpandedGraph> {
    return knownOr(expand, this.wholes, configuration, declaration);
  }

  /** What is wrong with a looped graph at the guided batch: of the same graph the same, as it reads the same. */
  guidedErrors(once: Graph | undefined, find: () => readonly Diagnostic[]): readonly Diagnostic[] {
    if (once === undefined) return find();
    const errors = this.guided.get(once) ?? find();
    this.guided.set(once, errors);
    return errors;
  }
}

function knownOr(
  expand: Expand,
  graphs: Map<GraphDeclaration, KnownGraph[]>,
  configuration: Configuration,
  declaration: GraphDeclaration,
): Attempt<ExpandedGraph> {
  const known = graphs.get(declaration) ?? [];
  const found = known.find((one) => isSame(one, configuration));
  if (found !== undefined) return found.expanded;
  const reads = new Set<string>();
  const expanded = expand({ ...configuration, reads });
  graphs.set(declaration, [...known, { configuration, reads, expanded }]);
  return expanded;
}

/** Values that nothing overrides are made of others that were read too, or are written in the source. */
function isSame({ configuration, reads }: KnownGraph, other: Configuration): boolean {
  const { choices, model, modelDims, overrides } = configuration;
  const equal = (a: ReadonlyMap<string, Static>, b: ReadonlyMap<string, Static>, key: string) => {
    const [first, second] = [a.get(key), b.get(key)];
    return first === second || (first !== undefined && second !== undefined && sameStatic(first, second, () => {}) === true);
  };
  const set = new Set([...overrides.keys(), ...other.overrides.keys()]);
  return (
    model === other.model &&
    choices.precision === other.choices.precision &&
    [...modelDims.keys()].every((key) => equal(modelDims, other.modelDims, key)) &&
    [...set].every((key) => !reads.has(key) || equal(overrides, other.overrides, key))
  );
}

/** A model's graphs to how positions of each result depend on those of the inputs, axis by axis. */

import { counterpart, type Dependence, dependenceAlong, worstOf } from "../../compiler/analysis/dependence.ts";
import { type Expanded, expandModel } from "../../compiler/compile.ts";
import type { Choices } from "../../compiler/expand/configure.ts";
import type { Graph } from "../../compiler/graph/graph.ts";
import type { Program } from "../../dsl/index.ts";

export interface Dependences {
  readonly [axis: string]: Dependence;
}

export interface GraphDependence {
  /** The worst of all inputs. */
  readonly dependence: Dependences;
  readonly dependenceByInput: { readonly [input: string]: Dependences };
}

/** By graph. Along an axis of one position at two, where the model takes a second. */
export function dependencesOf(program: Program, choices: Choices, expanded: Expanded): ReadonlyMap<string, GraphDependence> {
  const several = withSeveral(program, choices, expanded);
  return new Map(
    [...expanded.graphs].map(([name, graph]) => {
      const dependenceByInput = byInput(several.graphs.get(name) ?? graph);
      return [name, { dependence: worstByAxis(dependenceByInput), dependenceByInput }];
    }),
  );
}

/** The model with two positions along each named axis that has one, where it can have two: nothing mixes with itself. */
function withSeveral(program: Program, choices: Choices, expanded: Expanded): Expanded {
  const inputs = [...expanded.graphs.values()].flatMap(({ values }) => values.filter((value) => value.kind === "input"));
  const single = inputs.flatMap(({ axes, type }) => axes.filter((axis, i) => type.shape[i] === 1 && /^[A-Za-z_]\w*$/.test(axis)));
  let settings = choices.settings ?? {};
  let found = expanded;
  for (const axis of new Set(single)) {
    const enlarged = expandModel(program, { ...choices, settings: { ...settings, [axis]: 2 } });
    if (!enlarged.ok) continue;
    settings = { ...settings, [axis]: 2 };
    found = enlarged.value;
  }
  return found;
}

/**
 * By input, and each axis of several positions that it shares with the result: how a position of the result reads the input's. Where
 * the sizes differ, as `F` and `4 * (F - 1) + 1`, the axis goes by the shorter name.
 */
function byInput(graph: Graph): { readonly [input: string]: Dependences } {
  const inputs = graph.values.filter((value) => value.kind === "input");
  return Object.fromEntries(
    inputs.map((input) => {
      const own: { [axis: string]: Dependence } = {};
      for (const [i, axis] of input.axes.entries()) {
        const names = graph.outputs.flatMap(({ axes }) => axes[counterpart(axis, i, axes) ?? -1] ?? []);
        if (names.length === 0 || !/\D/.test(axis) || input.type.shape[i] === 1) continue;
        const name = [axis, ...names].reduce((shortest, other) => (other.length < shortest.length ? other : shortest));
        own[name] = worstOf([own[name] ?? "none", dependenceAlong(graph, input.name, i)]);
      }
      return [input.name, own];
    }),
  );
}

function worstByAxis(byInput: { readonly [input: string]: Dependences }): Dependences {
  const axes = new Set(Object.values(byInput).flatMap((dependences) => Object.keys(dependences)));
  return Object.fromEntries([...axes].map((axis) => [axis, worstOf(Object.values(byInput).map((own) => own[axis] ?? "none"))]));
}

/** `B mixed (text), independent (z)` where inputs differ; those that are not read have no say. */
export function shownAxis(axis: string, { dependence, dependenceByInput }: GraphDependence): string {
  const inputs = Object.entries(dependenceByInput).flatMap(([input, own]) => {
    const kind = own[axis] ?? "none";
    return kind === "none" ? [] : [{ input, kind }];
  });
  const worst = dependence[axis] ?? "none";
  const kinds = [...new Set([worst, ...inputs.map(({ kind }) => kind)])];
  if (kinds.length === 1) return `${axis} ${worst}`;
  const named = kinds.map((kind) => `${kind} (${inputs.flatMap((one) => (one.kind === kind ? [one.input] : [])).join(", ")})`);
  return `${axis} ${named.join(", ")}`;
}

/** Two sides of a report to what they share and where they differ: graphs in pairs, their shares in rows, ratios. */

import type { ClipCost } from "../../compiler/analysis/clip-cost.ts";
import type { GraphCost, Share } from "../../compiler/analysis/cost.ts";
import { callOf, type Side } from "./side.ts";

/** A against B; undefined where a side lacks it. */
export interface Pair<T> {
  readonly a: T | undefined;
  readonly b: T | undefined;
}

export interface Row extends Pair<Share> {
  readonly name: string;
}

export interface GraphPair extends Pair<GraphCost> {
  readonly names: Pair<string>;
  /** By weight path, those that differ. */
  readonly path: readonly Row[];
  /** The rest, summed up. */
  readonly same: { readonly rows: number; readonly parameters: number; readonly flops: number };
  readonly block: readonly Row[];
  readonly op: readonly Row[];
}

export interface Comparison {
  readonly call: Pair<GraphCost>;
  readonly clip: Pair<ClipCost>;
  readonly graphs: readonly GraphPair[];
}

export function compared(a: Side, b: Side): Comparison {
  return {
    call: { a: callOf(a), b: callOf(b) },
    clip: { a: a.clip, b: b.clip },
    graphs: pairs(a, b).map((names) => graphPair(names, a, b)),
  };
}

/** What both sides have, A by B; undefined where one lacks it, or B has none of it. */
export function ratioOf<T>({ a, b }: Pair<T>, figure: (side: T) => number): number | undefined {
  if (a === undefined || b === undefined || figure(b) === 0) return undefined;
  return figure(a) / figure(b);
}

/** What a call runs is compared whatever its name, the other graphs by name. */
function pairs(a: Side, b: Side): readonly Pair<string>[] {
  const calls = a.called !== undefined && b.called !== undefined ? [{ a: a.called, b: b.called }] : [];
  const left = (side: Side, called: string | undefined) => [...side.graphs.keys()].filter((name) => calls.length === 0 || name !== called);
  const [ofA, ofB] = [left(a, a.called), left(b, b.called)];
  const named = ofA.map((name) => ({ a: name, b: ofB.includes(name) ? name : undefined }));
  const added = ofB.filter((name) => !ofA.includes(name)).map((name) => ({ a: undefined, b: name }));
  return [...calls, ...named, ...added];
}

function graphPair(names: Pair<string>, sideA: Side, sideB: Side): GraphPair {
  const [a, b] = [sideA.graphs.get(names.a ?? ""), sideB.graphs.get(names.b ?? "")];
  const path = rows(a?.by.path, b?.by.path);
  const same = path.filter((row) => !differs(row)).flatMap((row) => row.a ?? []);
  return {
    names,
    a,
    b,
    path: path.filter(differs),
    same: {
      rows: same.length,
      parameters: same.reduce((sum, { parameters }) => sum + parameters, 0),
      flops: same.reduce((sum, { flops }) => sum + flops, 0),
    },
    block: rows(a?.by.block, b?.by.block),
    op: rows(a?.by.op, b?.by.op),
  };
}

/** By name, in A's order, then what B alone has. */
function rows(a: readonly Share[] = [], b: readonly Share[] = []): readonly Row[] {
  const [inA, inB] = [a, b].map((shares) => new Map(shares.map((share) => [share.name, share])));
  const names = new Set([...a, ...b].map(({ name }) => name));
  return [...names].map((name) => ({ name, a: inA?.get(name), b: inB?.get(name) }));
}

function differs({ a, b }: Row): boolean {
  return a?.parameters !== b?.parameters || a?.tensors !== b?.tensors || a?.flops !== b?.flops;
}

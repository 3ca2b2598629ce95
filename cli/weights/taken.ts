/** Checkpoints to the weights of a model, each with its elements, or one error that says what does not fit; and what must be said of it. */

import type { Layout } from "../../compiler/module/layout.ts";
import type { PlacedWeight } from "../../compiler/package/weights.ts";
import { mvcError } from "../../runtime/errors.ts";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { causeOfForeign, causeOfShape, groupsOf, listed } from "./causes.ts";
import { initialWeights, type WeightSource } from "./initial.ts";
import { type Match, matchBest, matchIn, own, ownLayout, type Place, type Weights } from "./match.ts";
import { floatTypes, isFloat, within } from "./streams.ts";

/** A checkpoint as it is told of. */
export interface Given {
  readonly checkpoint: Checkpoint;
  readonly shown: string;
}

export interface TakeOptions {
  /** What the checkpoints are for, in words. */
  readonly model: string;
  /** Those that the model declares; its own paths are one too. */
  readonly layouts: readonly Layout[];
  /** The one that is meant, where it is not to be found. */
  readonly layout?: string | undefined;
  /** The seed of what the checkpoints lack; where there is none, only of what no such checkpoint has. */
  readonly init?: number | undefined;
  /** Finds the options that a checkpoint would fit, where these do not. */
  readonly fitting: (checkpoint: Checkpoint) => string | undefined;
}

export interface Taken extends Given {
  readonly match: Match;
}

export interface TakenWeights {
  readonly source: WeightSource;
  readonly taken: readonly [Taken, ...Taken[]];
  /** Weights that come from each of the checkpoints, in their order. */
  readonly counts: readonly number[];
  /** Weights that no such checkpoint has, which are made as what the checkpoints lack is, where that may be. */
  readonly added: readonly PlacedWeight[];
  readonly made: readonly PlacedWeight[];
  /** What must be said of what is made, one sentence each. */
  readonly madeNotes: readonly string[];
  /** And of what the checkpoints have. */
  readonly notes: readonly string[];
}

/** The seed of what a model adds to a checkpoint, where none is given. */
const usualSeed = 0;

/**
 * A weight that several checkpoints hold is the last one's.
 * @throws MvcError `weights-foreign`, `weights-ambiguous`, `tensor-missing`, `tensor-shape`, `tensor-dtype`, `option-unknown`
 */
export function takeWeights(given: readonly [Given, ...Given[]], weights: Weights, options: TakeOptions): TakenWeights {
  const take = (one: Given): Taken => ({ ...one, match: soundMatch(one, weights, options) });
  const [first, ...others] = given;
  const taken: TakenWeights["taken"] = [take(first), ...others.map(take)];
  const places = new Map<string, { readonly place: Place; readonly from: Taken }>();
  for (const from of taken) for (const [path, place] of from.match.places) places.set(path, { place, from });
  // What one checkpoint's layout has not, a checkpoint in another may have: only what none has is the model's own.
  const layouts = [...taken.map(({ match }) => match.layout), ...options.layouts];
  const made = [...weights.values()].filter(({ path }) => !places.has(path));
  const [missing, added] = [true, false].map((known) =>
    made.filter(({ path }) => layouts.some((layout) => layout.places.has(path)) === known),
  ) as [PlacedWeight[], PlacedWeight[]];
  if (missing.length > 0 && options.init === undefined) throw missingError(taken, missing, options);
  const seed = options.init ?? usualSeed;
  const start = initialWeights(seed);
  const source: WeightSource = {
    of: (weight) => {
      const found = places.get(weight.path);
      const tensor = found?.from.checkpoint.tensors.get(found.place.key);
      if (found === undefined || tensor === undefined) return start.of(weight);
      if (!isFloat(tensor.dtype)) throw new Error(`weights: the type of ${found.place.key} was not checked`);
      const elements = { dtype: tensor.dtype, extent: tensor.extent, chunks: () => tensor.chunks() };
      return found.place.window === undefined ? elements : within(elements, found.place.window);
    },
  };
  const counts = taken.map((one) => [...places.values()].filter(({ from }) => from === one).length);
  const notes = taken.flatMap(notesOf);
  return { source, taken, counts, added, made, madeNotes: notesOfMade(taken, missing, added, seed), notes };
}

function soundMatch({ checkpoint, shown }: Given, weights: Weights, options: TakeOptions): Match {
  const { tensors } = checkpoint;
  const match = matchOf(weights, tensors, options, shown);
  if (match.places.size + match.misshapen.length === 0) {
    const names = [...options.layouts.map(({ name }) => name), own];
    const foreign = { file: shown, model: options.model, tensors: [...tensors.keys()] };
    const other = options.layout && matchOf(weights, tensors, { ...options, layout: undefined }, shown);
    const way =
      other && other.places.size > 0 ? `its keys are those of the layout ${other.layout.name}: leave \`--layout\` out` : undefined;
    throw mvcError("weights-foreign", { ...foreign, way: way ?? causeOfForeign(tensors, names) });
  }
  requireShapes(match, () => options.fitting(checkpoint), shown);
  requireFloats(match, tensors, shown);
  return match;
}

function matchOf(weights: Weights, tensors: Checkpoint["tensors"], { layouts, layout: name }: TakeOptions, shown: string): Match {
  const all = [...layouts, ownLayout(weights)];
  if (name === undefined) return matchBest(weights, all, tensors, shown);
  const layout = all.find((one) => one.name === name);
  if (layout === undefined)
    throw mvcError("option-unknown", { option: name, where: "the model's layouts", known: all.map((one) => one.name) });
  return matchIn(layout, weights, tensors, shown);
}

const shape = (sizes: readonly number[]) => `[${sizes.join(", ")}]`;

const fits = (fitting: string | undefined) => fitting && `its tensors are those of ${fitting}`;

function requireShapes({ misshapen }: Match, fitting: () => string | undefined, shown: string): void {
  const [first, ...others] = misshapen;
  if (first === undefined) return;
  const { weight, key, expected, found } = first;
  const tensor = key === weight.path ? key : `${key}" for "${weight.path}`;
  const cause =
    fits(fitting()) ??
    causeOfShape(first) ??
    "sizes are fixed when a model is built: give weights of these sizes, or build with `--set` for other sizes";
  const more = others.length === 0 ? "" : `; of other shapes are also ${listed([...new Set(others.map((one) => one.key))])}`;
  throw mvcError("tensor-shape", { tensor, where: shown, expected: shape(expected), found: shape(found), way: `${cause}${more}` });
}

function requireFloats({ places }: Match, tensors: Checkpoint["tensors"], shown: string): void {
  for (const { key } of places.values()) {
    const dtype = tensors.get(key)?.dtype ?? "F32";
    if (isFloat(dtype)) continue;
    throw mvcError("tensor-dtype", { tensor: key, where: shown, expected: `${floatTypes.slice(0, -1).join(", ")} or F64`, found: dtype });
  }
}

function missingError(taken: TakenWeights["taken"], missing: readonly PlacedWeight[], { fitting }: TakeOptions) {
  const [first] = missing as readonly [PlacedWeight, ...PlacedWeight[]];
  const tensor = missing.length === 1 ? first.path : `${first.path}" and ${missing.length - 1} more, such as "${missing.at(-1)?.path}`;
  const expected = `${first.type.dtype} ${shape(first.type.shape)}`;
  const parts = partsMissing(taken, missing);
  // Other options are tried one by one, which takes seconds: not where parts are missing as a whole, which another file has.
  const options = parts === undefined && taken.length === 1 ? fits(fitting(taken[0].checkpoint)) : undefined;
  const fill = "fill what is missing: `--init SEED` beside `--weights`";
  const way = options ?? `${parts ?? `give it as ${expected}`}, or ${fill}`;
  const others = taken.flatMap(({ match }) =>
    groupsOf(match.unused).map(({ keys, are }) => `; the file has ${listed(keys)} that the model does not take${are && `: ${are}`}`),
  );
  return mvcError("tensor-missing", { tensor, where: `the model, of ${shownAll(taken)},`, expected, way: `${way}${others.join("")}` });
}

const shownAll = (taken: readonly Taken[]) => taken.map(({ shown }) => shown).join(" and ");

/** Where a part of a layout is missing as a whole, its name: the file is one of several. */
function partsMissing(taken: TakenWeights["taken"], missing: readonly PlacedWeight[]): string | undefined {
  const [{ match }] = taken;
  const { name, places: known } = match.layout;
  const part = (path: string) => /^[^./]+[./]/.exec(known.get(path)?.[0]?.key ?? "")?.[0];
  const there = new Set([...match.places.keys()].map(part));
  const lacking = [...new Set(missing.map(({ path }) => part(path)))].filter((one) => one !== undefined && !there.has(one));
  const more = "give what else there is beside it: `--weights` may be given several times";
  if (missing.some(({ path }) => !known.has(path))) return `no checkpoint in the layout ${name} has all of it: ${more}`;
  if (name === own || lacking.length === 0) return undefined;
  return `it is without ${lacking.map((one) => `\`${one}\``).join(" and ")}: ${more}`;
}

function notesOfMade(
  taken: readonly Taken[],
  missing: readonly PlacedWeight[],
  added: readonly PlacedWeight[],
  seed: number,
): readonly string[] {
  const paths = (some: readonly PlacedWeight[]) => listed(some.map(({ path }) => path));
  const layouts = [...new Set(taken.map(({ match }) => match.layout.name))].join(" and ");
  const verb = taken.length === 1 ? "lacks" : "lack";
  return [
    ...(missing.length === 0 ? [] : [`${shownAll(taken)} ${verb} ${paths(missing)}, which \`--init ${seed}\` made`]),
    ...(added.length === 0
      ? []
      : [`the model adds ${paths(added)} to what the layout ${layouts} has: they start as training does, with the seed ${seed}`]),
  ];
}

function notesOf({ checkpoint, match: { layout, places, unused }, shown }: Taken): readonly string[] {
  const frames = [...places].filter(([, place]) => place.frames !== undefined);
  const [, first] = frames[0] ?? [];
  const squeezed = [...places.values()].filter((place) => place.squeezed);
  return [
    ...checkpoint.notes,
    ...(frames.length === 0
      ? []
      : [`of ${listed(frames.map(([path]) => path))} the first frames were taken, of ${first?.frames} that ${shown} has`]),
    ...(squeezed.length === 0 ? [] : [`${listed(squeezed.map(({ key }) => key))} were taken with other axes of 1 than ${layout.name} has`]),
    ...groupsOf(unused).map(({ keys, are }) => `${shown} has ${listed(keys)} that the model does not take${are && `: ${are}`}`),
  ];
}

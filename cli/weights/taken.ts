/** A checkpoint to the weights of a model, each with its elements, or one error that says what does not fit; and what must be said of it. */

import type { Layout } from "../../compiler/module/layout.ts";
import type { PlacedWeight } from "../../compiler/package/weights.ts";
import { mvcError } from "../../runtime/errors.ts";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { causeOfForeign, causeOfShape, groupsOf, listed } from "./causes.ts";
import { initialWeights, type WeightSource } from "./initial.ts";
import { type Match, matchBest, matchIn, own, ownLayout, type Weights } from "./match.ts";
import { floatTypes, isFloat, within } from "./streams.ts";

export interface TakeOptions {
  /** Those that the model declares; its own paths are one too. */
  readonly layouts: readonly Layout[];
  /** The one that is meant, where it is not to be found. */
  readonly layout?: string | undefined;
  /** The seed of what the checkpoint lacks; where there is none, only of what no such checkpoint has. */
  readonly init?: number | undefined;
  /** Finds the options that the checkpoint would fit, where these do not. */
  readonly fitting: () => string | undefined;
}

export interface TakenWeights {
  readonly source: WeightSource;
  readonly match: Match;
  /** Weights that the checkpoint lacks, which are made. */
  readonly made: readonly string[];
  /** What must be said, one sentence each. */
  readonly notes: readonly string[];
}

/** The seed of what a model adds to a checkpoint, where none is given. */
const usualSeed = 0;

/**
 * @param shown what the checkpoint is called, and `model` what it is for.
 * @throws MvcError `weights-foreign`, `weights-ambiguous`, `tensor-missing`, `tensor-shape`, `tensor-dtype`, `option-unknown`, `option-invalid`
 */
export function takeWeights(checkpoint: Checkpoint, model: string, weights: Weights, options: TakeOptions, shown: string): TakenWeights {
  const { tensors } = checkpoint;
  const match = matchOf(weights, tensors, options, shown);
  const { layout, places, missing, added } = match;
  if (places.size + match.misshapen.length === 0) {
    const names = [...options.layouts.map(({ name }) => name), own];
    throw mvcError("weights-foreign", { file: shown, model, tensors: [...tensors.keys()], way: causeOfForeign(tensors, names) });
  }
  requireShapes(match, options, shown);
  requireFloats(match, tensors, shown);
  if (missing.length > 0 && options.init === undefined) throw missingError(match, options, shown);
  const made = [...missing, ...added].map(({ path }) => path);
  const seed = options.init ?? usualSeed;
  const start = initialWeights(seed);
  const source: WeightSource = {
    of: (weight) => {
      const place = places.get(weight.path);
      const tensor = place && tensors.get(place.key);
      if (place === undefined || tensor === undefined) return start.of(weight);
      if (!isFloat(tensor.dtype)) throw new Error(`weights: the type of ${place.key} was not checked`);
      const elements = { dtype: tensor.dtype, chunks: () => tensor.chunks() };
      return place.window === undefined ? elements : within(elements, place.window);
    },
  };
  const notes = [...checkpoint.notes, ...notesOf(match, layout, seed, options, shown)];
  return { source, match, made, notes };
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

function requireShapes({ misshapen }: Match, { fitting }: TakeOptions, shown: string): void {
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

function missingError({ layout, places, missing, unused }: Match, { fitting }: TakeOptions, shown: string) {
  const [first] = missing as readonly [PlacedWeight, ...PlacedWeight[]];
  const tensor = missing.length === 1 ? first.path : `${first.path}" and ${missing.length - 1} more, such as "${missing.at(-1)?.path}`;
  const expected = `${first.type.dtype} ${shape(first.type.shape)}`;
  const options = fits(fitting());
  const fill = "fill what is missing: `--init SEED` beside `--weights`";
  const way = options ?? `${partsOf(layout, places, missing) ?? `give it as ${expected}`}, or ${fill}`;
  const others = groupsOf(unused).map(({ keys, are }) => `; the file has ${listed(keys)} that the model does not take${are && `: ${are}`}`);
  return mvcError("tensor-missing", { tensor, where: `the model, of ${shown},`, expected, way: `${way}${others.join("")}` });
}

/** Where a part of the layout is missing as a whole, its name: the file is one of several. */
function partsOf({ name, places: known }: Layout, places: Match["places"], missing: readonly PlacedWeight[]): string | undefined {
  const part = (path: string) => /^[^./]+[./]/.exec(known.get(path)?.[0]?.key ?? "")?.[0];
  const there = new Set([...places.keys()].map(part));
  const lacking = [...new Set(missing.map(({ path }) => part(path)))].filter((one) => one !== undefined && !there.has(one));
  if (name === own || lacking.length === 0) return undefined;
  return `it is without ${lacking.map((one) => `\`${one}\``).join(" and ")}: give all parts in one folder or file`;
}

function notesOf(
  { places, missing, added, unused }: Match,
  { name }: Layout,
  seed: number,
  { init }: TakeOptions,
  shown: string,
): readonly string[] {
  const paths = (some: readonly PlacedWeight[]) => listed(some.map(({ path }) => path));
  const frames = [...places].filter(([, place]) => place.frames !== undefined);
  const [, first] = frames[0] ?? [];
  const squeezed = [...places.values()].filter((place) => place.squeezed);
  const given = init === undefined ? "" : `, which \`--init ${init}\` made`;
  return [
    ...(missing.length === 0 ? [] : [`${shown} lacks ${paths(missing)}${given}`]),
    ...(added.length === 0
      ? []
      : [`the model adds ${paths(added)} to what the layout ${name} has: they start as training does, with the seed ${seed}`]),
    ...(frames.length === 0
      ? []
      : [`of ${listed(frames.map(([path]) => path))} the first frames were taken, of ${first?.frames} that ${shown} has`]),
    ...(squeezed.length === 0 ? [] : [`${listed(squeezed.map(({ key }) => key))} were taken with other axes of 1 than ${name} has`]),
    ...groupsOf(unused).map(({ keys, are }) => `${shown} has ${listed(keys)} that the model does not take${are && `: ${are}`}`),
  ];
}

/** A model's weights, the layouts of checkpoints that they may come in, and a checkpoint's table of tensors to where each weight lies. */

import { sizeOf } from "../../compiler/graph/graph.ts";
import type { KeyPlace, Layout } from "../../compiler/module/layout.ts";
import type { PlacedWeight } from "../../compiler/package/weights.ts";
import { mvcError } from "../../runtime/errors.ts";
import type { StoredDType } from "../../runtime/safetensors.ts";
import { type Head, translate } from "./heads.ts";

export interface Stored {
  readonly dtype: StoredDType;
  readonly shape: readonly number[];
}

export type Weights = ReadonlyMap<string, PlacedWeight>;

/** Of every `period` elements those from `start` on, `length` of them. */
export interface Window {
  readonly period: number;
  readonly start: number;
  readonly length: number;
}

/** Where a weight's elements lie in a checkpoint. */
export interface Place {
  readonly key: string;
  /** All of them where there is none. */
  readonly window?: Window;
  /** The frames that are stored, where the model takes only the first of them. */
  readonly frames?: number;
  /** Whether the stored shape has axes of 1 that the layout does not speak of, or lacks them. */
  readonly squeezed?: true;
}

export interface Misshapen {
  readonly weight: PlacedWeight;
  readonly key: string;
  readonly expected: readonly number[];
  readonly found: readonly number[];
}

export interface Match {
  readonly layout: Layout;
  /** By the weight's path. */
  readonly places: ReadonlyMap<string, Place>;
  readonly misshapen: readonly Misshapen[];
  /** Weights that such checkpoints hold, and this one lacks. */
  readonly missing: readonly PlacedWeight[];
  /** Weights that no such checkpoint holds: what the model adds to them. */
  readonly added: readonly PlacedWeight[];
  /** The checkpoint's keys that no weight takes, but for those that the layout drops. */
  readonly unused: readonly string[];
  /** Ways to read the checkpoint of which nothing decides; else none. */
  readonly rivals: readonly string[];
}

/** The model's own paths. */
export const own = "own";

export function ownLayout(weights: Weights): Layout {
  return { name: own, places: new Map([...weights.keys()].map((path) => [path, [{ key: path }]])), dropped: [] };
}

/** The axis that counts a clip's frames, as sources call it. */
const frameAxis = "F";

/** The shape in which a layout stores a weight, or all parts of what it is one of. */
export function storedShape(shape: readonly number[], place: KeyPlace): readonly number[] {
  const [rows = 1, ...rest] = place.shape ?? shape;
  return place.part === undefined ? (place.shape ?? shape) : [rows * place.part.of, ...rest];
}

/**
 * The match in the layout that the checkpoint speaks for most: by the keys that it has, then by their shapes, axes of 1 last; the first where several
 * give the same.
 * @param file what errors call the checkpoint.
 * @throws MvcError `weights-ambiguous`
 */
export function matchBest(weights: Weights, layouts: readonly Layout[], tensors: ReadonlyMap<string, Stored>, file: string): Match {
  const matches = layouts.map((layout) => matched(layout, weights, tensors));
  const [keys, shapes] = [(one: Match) => one.places.size + one.misshapen.length, (one: Match) => one.places.size];
  const squeezed = (one: Match) => [...one.places.values()].filter((place) => place.squeezed).length;
  const [best, ...others] = matches.sort((a, b) => keys(b) - keys(a) || shapes(b) - shapes(a) || squeezed(a) - squeezed(b));
  if (best === undefined) throw new Error("weights: no layout to match");
  const equal = others.filter((other) => keys(other) === keys(best) && shapes(other) === shapes(best));
  const rival = equal.find((other) => [...best.places].some(([path, place]) => !isSame(other.places.get(path), place)));
  if (rival === undefined || keys(best) === 0) return settled(best, file);
  throw mvcError("weights-ambiguous", { file, candidates: [best, rival].map(({ layout }) => `\`--layout ${layout.name}\``) });
}

function isSame(one: Place | undefined, other: Place): boolean {
  return one?.key === other.key && one.window?.start === other.window?.start;
}

/** The match in one layout. Throws MvcError `weights-ambiguous`. */
export function matchIn(layout: Layout, weights: Weights, tensors: ReadonlyMap<string, Stored>, file: string): Match {
  return settled(matched(layout, weights, tensors), file);
}

function settled(match: Match, file: string): Match {
  if (match.rivals.length > 0) throw mvcError("weights-ambiguous", { file, candidates: match.rivals });
  return match;
}

const shownHead = ({ file, layout }: Head) => (layout === "" ? `its tensors under \`${file}\`` : `\`${file}…\` as \`${layout}…\``);

function matched(layout: Layout, weights: Weights, tensors: ReadonlyMap<string, Stored>): Match {
  const shapes = new Map<string, readonly (readonly number[])[]>();
  for (const [path, places] of layout.places) {
    const weight = weights.get(path);
    if (weight === undefined) continue;
    for (const place of places) shapes.set(place.key, [...(shapes.get(place.key) ?? []), storedShape(weight.type.shape, place)]);
  }
  const fits = (key: string, layoutKey: string) => {
    const found = tensors.get(key)?.shape ?? [];
    return shapes.get(layoutKey)?.some((shape) => isAlike(shape, found)) ?? false;
  };
  const { keys, heads, rivals: rivalHeads } = translate([...tensors.keys()], new Set([...shapes.keys(), ...layout.dropped]), fits);
  const places = new Map<string, Place>();
  const misshapen: Misshapen[] = [];
  const missing: PlacedWeight[] = [];
  const added: PlacedWeight[] = [];
  const rivals = rivalHeads.map(shownHead);
  const used = new Set(layout.dropped.map((key) => keys.get(key) ?? key));
  for (const weight of weights.values()) {
    const known = layout.places.get(weight.path);
    if (known === undefined) {
      added.push(weight);
      continue;
    }
    const there = known.flatMap((place) => {
      const key = keys.get(place.key);
      const stored = key === undefined ? undefined : tensors.get(key);
      return key === undefined || stored === undefined ? [] : [{ place, key, found: stored.shape }];
    });
    const fitting = there.flatMap(({ place, key, found }) => placeIn(weight, place, key, found) ?? []);
    // Of two shapes under one key the one that is stored counts.
    fitting.sort((a, b) => Number(a.squeezed ?? false) - Number(b.squeezed ?? false));
    for (const { key } of there) used.add(key);
    const [first] = there;
    const [taken] = fitting;
    const rival = fitting.find(({ key }) => key !== taken?.key);
    if (taken !== undefined && rival !== undefined && rivals.length === 0) rivals.push(`"${taken.key}"`, `"${rival.key}"`);
    if (taken !== undefined) places.set(weight.path, taken);
    else if (first === undefined) missing.push(weight);
    else misshapen.push({ weight, key: first.key, expected: storedShape(weight.type.shape, first.place), found: first.found });
  }
  const beginnings = layout.dropped.filter((key) => /[./]$/.test(key));
  const isDropped = (key: string) =>
    [{ file: "", layout: "" }, ...heads].some(
      (head) => key.startsWith(head.file) && beginnings.some((one) => (head.layout + key.slice(head.file.length)).startsWith(one)),
    );
  const unused = [...tensors.keys()].filter((key) => !used.has(key) && !isDropped(key));
  return { layout, places, misshapen, missing, added, unused, rivals };
}

/** Undefined where the shape is another. */
function placeIn(weight: PlacedWeight, place: KeyPlace, key: string, found: readonly number[]): Place | undefined {
  const expected = storedShape(weight.type.shape, place);
  if (isAlike(expected, found)) {
    const elements = sizeOf(weight.type.shape);
    const { part } = place;
    const window = part && { period: elements * part.of, start: elements * part.index, length: elements };
    return { key, ...(window && { window }), ...(expected.join() === found.join() ? {} : { squeezed: true as const }) };
  }
  const axis = weight.axes?.indexOf(frameAxis) ?? -1;
  const [here = 0, there = 0] = [expected[axis], found[axis]];
  if (place.shape !== undefined || place.part !== undefined || there <= here) return undefined;
  if (expected.with(axis, there).join() !== found.join()) return undefined;
  const inner = sizeOf(found.slice(axis + 1));
  return { key, window: { period: there * inner, start: 0, length: here * inner }, frames: there };
}

/** Whether both hold the same elements in the same order, but for axes of 1. */
function isAlike(one: readonly number[], other: readonly number[]): boolean {
  return one.filter((size) => size !== 1).join() === other.filter((size) => size !== 1).join();
}

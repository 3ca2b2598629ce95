/** What the form holds to the address's fragment, which no server sees, and back. */

import { isBox, middleBox } from "./inpainting.ts";
import { type ModelEntry, sharesNoise } from "./models.ts";
import { type Box, type Later, type Part, pictureNames, type Start, sides, type Wish } from "./wish.ts";

/** Longer ones were not made by this page. */
export const longestPrompt = 500;
export const mostGuidance = 30;
export const mostFrames = 128;

export interface Linked extends Partial<Wish> {
  /** What the fragment says and this page cannot do, as `steps=x`. */
  readonly faults: readonly string[];
}

/** `prompt=a+red+circle&seed=1&steps=25&guidance=2&model=mini`, and behind it what is not as a plain clip has it. */
export function fragmentOf({ prompt, later, seed, steps, guidance, model, frames, loop, start, beside }: Wish): string {
  const said = new URLSearchParams({ prompt, seed: `${seed}`, steps: `${steps}`, guidance: `${guidance}`, model: nameOf(model) });
  if (beside.length > 0) said.set("beside", beside.map(nameOf).join(","));
  for (const { frame, prompt: text } of later) said.append("at", `${frame}:${text}`);
  if (frames !== undefined) said.set("frames", `${frames}`);
  if (loop) said.set("loop", "yes");
  if (start.with !== "noise") said.set("start", start.with);
  if (start.with === "clip") said.set("strength", `${start.strength}`);
  if (start.with === "pictures" && start.which.length > 0) said.set("pictures", start.which.join(","));
  if (start.with === "part") {
    const { where, box, first, last } = start.part;
    said.set("made", where);
    if (where !== "mask") said.set("box", [box.left, box.top, box.width, box.height].join(","));
    if (first !== 1 || last !== undefined) said.set("range", `${first}-${last ?? ""}`);
  }
  return said.toString();
}

/** What a link has to leave out: whoever opens it is asked for these. */
export function uncarried(start: Start): readonly string[] {
  if (start.with === "noise") return [];
  if (start.with === "pictures") return start.which.map((which) => `${which} frame`);
  return start.with === "part" && start.part.where === "mask" ? ["clip", "mask"] : ["clip"];
}

/** All that a link may leave out is as in a plain clip; of prompt, model, seed, steps and guidance only what the fragment says. */
export function wishOf(fragment: string, models: readonly [ModelEntry, ...ModelEntry[]]): Linked {
  const said = new URLSearchParams(fragment);
  const faults: string[] = [];
  const heard = new Set<string>();
  const fault = (name: string, text: string) => faults.push(`${name}=${text.length > 40 ? `${text.slice(0, 40)}…` : text}`);
  const read = <T>(name: string, reader: (text: string) => T | undefined): T | undefined => {
    const text = said.get(name);
    heard.add(name);
    if (text === null) return undefined;
    const value = reader(text);
    if (value === undefined) fault(name, text);
    return value;
  };
  if (fragment === "") return { faults };
  const model = read("model", (text) => models.find((one) => nameOf(one) === text));
  const entry = model ?? models[0];
  const prompt = read("prompt", (text) => (text.length <= longestPrompt ? text : undefined));
  const seed = read("seed", whole(0, Number.MAX_SAFE_INTEGER));
  const steps = read("steps", whole(1, entry.trainSteps));
  const guidance = read("guidance", number(0, mostGuidance));
  heard.add("at");
  const later = said.getAll("at").flatMap((text) => {
    const found = laterOf(text);
    if (found === undefined) fault("at", text);
    return found ?? [];
  });
  const start = startOf(read, entry);
  const beside = read("beside", (text) => {
    const named = text.split(",").map((name) => models.find((one) => nameOf(one) === name));
    const others = named.flatMap((one) => (one !== undefined && one !== entry && sharesNoise(one, entry) ? [one] : []));
    return others.length === named.length ? others : undefined;
  });
  // A clip that goes on is a window longer, and no loop.
  const goesOn = start.with === "end";
  const frames = goesOn ? undefined : read("frames", whole(entry.directed ? 1 : entry.shape.frames, mostFrames));
  const loop = !goesOn && (read("loop", (text) => (text === "yes" ? true : undefined)) ?? false);
  for (const [name, text] of said) if (!heard.has(name)) fault(name, text);
  return {
    ...(model && { model }),
    ...(prompt !== undefined && { prompt }),
    ...(seed !== undefined && { seed }),
    ...(steps !== undefined && { steps }),
    ...(guidance !== undefined && { guidance }),
    ...{ later, frames, loop, start, beside: beside ?? [] },
    faults,
  };
}

type Read = <T>(name: string, reader: (text: string) => T | undefined) => T | undefined;

function startOf(read: Read, { shape }: ModelEntry): Start {
  const middle = middleBox(shape);
  const kinds: { readonly [W in Start["with"]]: () => Start } = {
    noise: () => ({ with: "noise" }),
    clip: () => ({ with: "clip", strength: read("strength", number(0, 1)) ?? plainStrength }),
    end: () => ({ with: "end" }),
    pictures: () => {
      const named = (text: string) => {
        const which = pictureNames.filter((name) => text.split(",").includes(name));
        return which.length > 0 && which.join() === text ? which : undefined;
      };
      return { with: "pictures", which: read("pictures", named) ?? [] };
    },
    part: () => {
      const where = read("made", (text) => sides.find((side) => side === text)) ?? "inside";
      const box = where === "mask" ? middle : (read("box", (text) => boxOf(text, (found) => isBox(found, shape))) ?? middle);
      return { with: "part", part: { where, box, ...(read("range", rangeOf) ?? { first: 1, last: undefined }) } };
    },
  };
  const isKind = (text: string): text is Start["with"] => Object.hasOwn(kinds, text) && (text !== "part" || shape.picture !== undefined);
  return kinds[read("start", (text) => (isKind(text) ? text : undefined)) ?? "noise"]();
}

/** As far as Mini's clips are noised without losing what they show. */
export const plainStrength = 0.8;

const whole = (from: number, to: number) => (text: string) => {
  const value = Number(text);
  return /^\d+$/.test(text) && value >= from && value <= to ? value : undefined;
};

const number = (from: number, to: number) => (text: string) => {
  const value = Number(text);
  return text.trim() !== "" && value >= from && value <= to ? value : undefined;
};

function laterOf(text: string): Later | undefined {
  const [, digits = "", prompt = ""] = /^(\d+):(.+)$/s.exec(text) ?? [];
  const frame = whole(2, mostFrames)(digits);
  return frame === undefined || prompt.length > longestPrompt ? undefined : { frame, prompt };
}

function boxOf(text: string, holds: (box: Box) => boolean): Box | undefined {
  if (!/^\d+(,\d+){3}$/.test(text)) return undefined;
  const [left = 0, top = 0, width = 0, height = 0] = text.split(",").map(Number);
  const box = { left, top, width, height };
  return holds(box) ? box : undefined;
}

function rangeOf(text: string): Pick<Part, "first" | "last"> | undefined {
  const [, from = "", to = ""] = /^(\d+)-(\d*)$/.exec(text) ?? [];
  const first = whole(1, mostFrames)(from);
  const last = to === "" ? undefined : whole(first ?? 1, mostFrames)(to);
  if (first === undefined || (to !== "" && last === undefined)) return undefined;
  return { first, last };
}

/** The last part of the package's address. */
function nameOf({ path }: ModelEntry): string {
  return path.split("/").at(-1) ?? path;
}

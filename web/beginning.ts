/** The fields that say what a clip begins with to noise, a clip (the one that is shown, or a file of the visitor's), a part of one, or pictures. */

import type { ClipShape } from "../runtime/clips/clip-shape.ts";
import type { Picture, SampledClip } from "../runtime/web/index.ts";
import { element } from "./elements.ts";
import { fileField } from "./file-field.ts";
import { middleBox } from "./inpainting.ts";
import { plainStrength, uncarried } from "./link.ts";
import type { ModelEntry } from "./models.ts";
import { countOf, picturesOf } from "./order.ts";
import { createPartEditor } from "./part-editor.ts";
import { pictureIn, picturesIn } from "./pictures.ts";
import { type Given, type GivenClip, type Order, type PictureName, pictureNames, type Start } from "./wish.ts";

export interface BeginningForm {
  start(): Start;
  /** What is given by now. */
  clip(): GivenClip | undefined;
  /** All that is given, once it is read. Throws MvcError `file-unreadable`. */
  given(): Promise<Given>;
  fill(start: Start): void;
  /** Shows the fields that what is chosen asks for; `frames` is how many are asked for of a clip that has no number of its own. */
  offer(model: ModelEntry, frames: number | undefined): void;
  /** The clip that is shown from now on. */
  show(clip: SampledClip, order: Order): void;
}

type MadeClip = Extract<GivenClip, { readonly from: "shown" }>;

const names: { readonly [W in Start["with"]]: string } = {
  noise: "",
  clip: ": a clip",
  part: ": part of a clip",
  end: ": the end of a clip",
  pictures: ": pictures",
};

/** `changed` hears of what the form's own events do not tell: files that are read, and what is drawn. */
export function createBeginning(model: ModelEntry, changed: () => void): BeginningForm {
  const choice = element("start", HTMLSelectElement);
  const source = element("source", HTMLSelectElement);
  const strength = element("strength", HTMLInputElement);
  const asked = element("asked", HTMLElement);
  /** By the names of the choices: the clip that is shown, and the one that it was made of where that was shown too. */
  const made: { shown?: MadeClip; origin?: MadeClip } = {};
  const file = fileField("source-file", picturesIn, changed);
  const mask = fileField("mask", pictureIn, changed);
  const pictures = { first: fileField("first-picture", pictureIn, changed), last: fileField("last-picture", pictureIn, changed) };
  const editor = createPartEditor(changed);
  /** What a link was made with, and nobody has chosen yet. */
  let wanted: readonly string[] = [];
  /** The file as the editor shows it: large ones take long to be made small. */
  let drawn: { readonly of: readonly Picture[]; readonly shape: ClipShape; readonly made: readonly Picture[] } | undefined;

  const kind = () => choice.value as Start["with"];
  const takesClip = () => kind() === "clip" || kind() === "part" || kind() === "end";
  const clip = (): GivenClip | undefined => {
    if (!takesClip()) return undefined;
    if (source.value === "shown" || source.value === "origin") return made[source.value];
    const read = file.now();
    return read && { from: "file", pictures: read };
  };
  const start = (): Start => {
    switch (kind()) {
      case "clip":
        return { with: "clip", strength: strength.valueAsNumber };
      case "part":
        return { with: "part", part: editor.read() };
      case "end":
        return { with: "end" };
      case "pictures":
        return { with: "pictures", which: pictureNames.filter((name) => pictures[name].chosen() || wanted.includes(`${name} frame`)) };
      default:
        return { with: "noise" };
    }
  };
  const isHere = (what: string): boolean => {
    if (what === "mask") return mask.chosen();
    if (what === "clip") return source.value !== "file" || file.chosen();
    return pictureNames.some((name) => what === `${name} frame` && pictures[name].chosen());
  };
  const fitted = (given: GivenClip, count: number, shape: ClipShape): readonly Picture[] => {
    if (given.from === "shown") return picturesOf(given, count, shape);
    if (drawn?.of !== given.pictures || drawn.shape !== shape || drawn.made.length !== count)
      drawn = { of: given.pictures, shape, made: picturesOf(given, count, shape) };
    return drawn.made;
  };

  choice.value = "noise";
  source.value = "file";
  strength.value = String(plainStrength);
  editor.fill({ where: "inside", box: middleBox(model.shape), first: 1, last: undefined });
  return {
    start,
    clip,
    given: async () => {
      if (takesClip() && source.value === "file") await file.read();
      const now = clip();
      if (kind() === "pictures") {
        const read: readonly (readonly [PictureName, Picture | undefined])[] = await Promise.all(
          pictureNames.map(async (name) => [name, await pictures[name].read()] as const),
        );
        return { pictures: Object.fromEntries(read.filter(([, picture]) => picture !== undefined)) };
      }
      const white = kind() === "part" && editor.read().where === "mask" ? await mask.read() : undefined;
      return { ...(now && { clip: now }), ...(white && { mask: white }) };
    },
    fill: (next) => {
      choice.value = next.with;
      if (next.with === "clip") strength.value = String(next.strength);
      if (next.with === "part") editor.fill(next.part);
      wanted = uncarried(next);
      if (next.with !== "noise") element("beginning", HTMLDetailsElement).open = true;
    },
    offer: ({ shape }, frames) => {
      const part = kind() === "part";
      element("start-now", HTMLElement).textContent = names[kind()];
      for (const option of choice.options) if (option.value === "part") option.disabled = shape.picture === undefined;
      for (const option of source.options) {
        const absent = option.value !== "file" && made[option.value as keyof typeof made] === undefined;
        option.disabled = absent;
        if (option.value === "origin") option.hidden = absent;
      }
      element("source-field", HTMLElement).hidden = !takesClip();
      element("source-file-field", HTMLElement).hidden = source.value !== "file";
      element("strength-field", HTMLElement).hidden = kind() !== "clip";
      // A hidden field that is wrong would keep the form from being sent, and say nothing.
      strength.disabled = kind() !== "clip";
      element("picture-field", HTMLElement).hidden = kind() !== "pictures";
      element("part-field", HTMLElement).hidden = !part;
      editor.enable(part);
      const given = part ? clip() : undefined;
      editor.offer(shape, given && fitted(given, countOf(given, frames, shape), shape), mask.now());
      wanted = wanted.filter((what) => !isHere(what));
      const missing = wanted.filter((what) => uncarried(start()).includes(what));
      asked.hidden = missing.length === 0;
      asked.textContent = `The link cannot carry the ${missing.join(" and the ")} that it was made with: choose ${missing.length === 1 ? "one" : "them"} here.`;
    },
    show: (next, { model: by, start: { with: began }, given }) => {
      wanted = [];
      if (given.clip?.from === "shown") made.origin = given.clip;
      else delete made.origin;
      // Another try at a part is one at the same clip.
      if (source.value === "shown" && began === "part" && made.origin !== undefined) source.value = "origin";
      if (source.value === "origin" && made.origin === undefined) source.value = "shown";
      if (made.shown === undefined && !file.chosen()) source.value = "shown";
      made.shown = { from: "shown", clip: next, model: by };
    },
  };
}

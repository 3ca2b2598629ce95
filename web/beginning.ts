/** The fields that say what a clip begins with to what it is asked for beside its prompt: noise, the clip that is shown, or a picture of the visitor's. */

import { clipShapeOf } from "../runtime/clips/clip-shape.ts";
import { fitPicture } from "../runtime/media/fit.ts";
import { roles } from "../runtime/roles.ts";
import { type ClipRequest, mvcError, type Package, type Picture, type SampledClip, type SampleOptions } from "../runtime/web/index.ts";
import { element } from "./elements.ts";

export type Beginning =
  | { readonly with: "noise" }
  /** The clip that was shown, noised as far as `strength` says. */
  | { readonly with: "clip"; readonly clip: SampledClip; readonly strength: number }
  /** The end of the clip that was shown: the new one goes on from it. */
  | { readonly with: "end"; readonly clip: SampledClip }
  /** One of them at least. */
  | { readonly with: "picture"; readonly first: Picture | undefined; readonly last: Picture | undefined };

export interface Begun {
  readonly beginning: Beginning;
  readonly loop: boolean;
  /** Frames; the model's own where none are asked for. */
  readonly length: number | undefined;
}

export interface BeginningForm {
  /** What is chosen now. Throws MvcError `input-missing`, `file-unreadable`. */
  read(): Promise<Begun>;
  /** The clip that is shown from now on. */
  show(clip: SampledClip): void;
}

export function createBeginning(): BeginningForm {
  const choice = element("start", HTMLSelectElement);
  const strength = element("strength", HTMLInputElement);
  const files = ["picture", "last-picture"].map((id) => element(id, HTMLInputElement));
  const loop = element("loop", HTMLInputElement);
  const length = element("length", HTMLInputElement);
  let shown: SampledClip | undefined;
  const offer = () => {
    for (const option of choice.options) option.disabled = shown === undefined && (option.value === "clip" || option.value === "end");
    element("strength-field", HTMLElement).hidden = choice.value !== "clip";
    // A hidden field that is wrong would keep the form from being sent, and say nothing.
    strength.disabled = choice.value !== "clip";
    element("picture-field", HTMLElement).hidden = choice.value !== "picture";
    // A clip that goes on has a first frame already, which no last one leads to.
    loop.disabled = choice.value === "end";
    // From a clip as many frames are made as it has, or a window more.
    length.disabled = choice.value === "clip" || choice.value === "end";
  };
  choice.addEventListener("change", offer);
  // What a browser kept of the fields over a reload says nothing of a clip.
  choice.value = "noise";
  loop.checked = false;
  offer();
  const beginning = async (): Promise<Beginning> => {
    if (choice.value === "picture") {
      const [first, last] = await Promise.all(files.map(({ files: chosen }) => pictureOf(chosen?.[0])));
      if (first !== undefined || last !== undefined) return { with: "picture", first, last };
      throw mvcError("input-missing", { input: "picture", expected: "the clip's first frame or its last", way: "choose a file" });
    }
    if (shown === undefined || choice.value === "noise") return { with: "noise" };
    return choice.value === "end" ? { with: "end", clip: shown } : { with: "clip", clip: shown, strength: strength.valueAsNumber };
  };
  return {
    read: async () => ({
      beginning: await beginning(),
      loop: loop.checked && !loop.disabled,
      length: length.disabled || length.value === "" ? undefined : length.valueAsNumber,
    }),
    show: (clip) => {
      shown = clip;
      offer();
    },
  };
}

/** Of the latents, where there are any: they are what was sampled, and need no encoder. */
export function requestOf({ beginning, loop, length }: Begun, { manifest }: Package): ClipRequest & SampleOptions {
  const round = { ...(loop ? { loop } : {}), ...(length === undefined ? {} : { length }) };
  switch (beginning.with) {
    case "noise":
      return round;
    case "clip": {
      const { latent } = beginning.clip;
      return { from: latent, strength: beginning.strength, length: latent.shape[1] ?? 1, ...round };
    }
    case "end":
      return { continues: beginning.clip.latent };
    case "picture": {
      const { picture } = clipShapeOf(roles(manifest));
      const fitted = (name: string, given: Picture | undefined) =>
        given === undefined ? {} : { [name]: picture === undefined ? given : fitPicture(given, picture.width, picture.height) };
      return { ...fitted("firstFrame", beginning.first), ...fitted("lastFrame", beginning.last), ...round };
    }
  }
}

/** For people, and for the file that is saved; empty for noise alone. */
export function wordsOf({ beginning, loop, length }: Begun): readonly string[] {
  const given = beginning.with === "picture" ? [beginning.first && "first", beginning.last && "last"].filter(Boolean).join(" and a ") : "";
  const words: { readonly [W in Beginning["with"]]: readonly string[] } = {
    noise: [],
    clip: beginning.with === "clip" ? [`from the clip before, strength ${beginning.strength}`] : [],
    end: ["goes on from the clip before"],
    picture: [`from a ${given} picture`],
  };
  return [...words[beginning.with], ...(length === undefined ? [] : [`${length} frames`]), ...(loop ? ["loop"] : [])];
}

async function pictureOf(file: File | undefined): Promise<Picture | undefined> {
  if (file === undefined) return undefined;
  const bitmap = await createImageBitmap(file).catch(() => {
    throw mvcError("file-unreadable", { file: file.name, reason: "it is no picture that this browser knows" });
  });
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext("2d");
  if (context === null) throw new Error("page: no canvas to read a picture from");
  // What can be seen through lies on black.
  context.fillRect(0, 0, width, height);
  context.drawImage(bitmap, 0, 0);
  return context.getImageData(0, 0, width, height);
}

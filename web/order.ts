/** What is asked for in the form to what the pipeline is asked for, to how long the clip becomes, and to words about it. */

import { type ClipShape, picturesFor } from "../runtime/clips/clip-shape.ts";
import { planOf } from "../runtime/clips/plan.ts";
import { latentFramesOf } from "../runtime/clips/request.ts";
import type { About } from "../runtime/media/about.ts";
import { fitPicture } from "../runtime/media/fit.ts";
import { f32 } from "../runtime/tensor.ts";
import { type ClipInput, type ClipRequest, frameOf, mvcError, type Picture, type SampleOptions } from "../runtime/web/index.ts";
import { maskOf, partInWords } from "./inpainting.ts";
import { isMvcError } from "./problem.ts";
import { type GivenClip, type Order, pictureNames, type Wish } from "./wish.ts";

/** All but seed, steps and guidance. Throws MvcError `input-missing` where the clip begins with what is not given. */
export function requestOf(order: Order): ClipRequest & SampleOptions {
  const { prompt, later, start, loop, frames, given } = order;
  const { shape } = order.model;
  const texts = later.length === 0 ? { prompt } : { prompts: keysOf(order) };
  const asked = { ...texts, ...(loop ? { loop } : {}), ...(frames === undefined ? {} : { length: frames }) };
  switch (start.with) {
    case "noise":
      return asked;
    case "clip": {
      const clip = clipOf(order);
      return { ...asked, from: clip.input, strength: start.strength, length: clip.length };
    }
    case "part": {
      const clip = clipOf(order);
      if (start.part.where === "mask" && given.mask === undefined)
        throw missing("mask", "a picture that is white where the clip is made anew", "choose a file");
      const { width = 1, height = 1 } = shape.picture ?? {};
      const mask = f32([1, clip.count, 1, height, width], maskOf(start.part, { width, height }, clip.count, given.mask));
      return { ...asked, known: { clip: clip.input, mask }, length: clip.length };
    }
    case "end":
      return { ...asked, continues: clipOf(order).input };
    case "pictures": {
      const { first, last } = given.pictures ?? {};
      if (first === undefined && last === undefined) throw missing("picture", "the clip's first frame or its last", "choose a file");
      return {
        ...asked,
        ...(first === undefined ? {} : { firstFrame: fitted(first, shape) }),
        ...(last === undefined ? {} : { lastFrame: fitted(last, shape) }),
      };
    }
  }
}

/** How long the clip becomes, and whether it is one window. `given` is the clip that is given, where one is. Undefined where the pipeline would refuse it. */
export function lengthOf(
  { model: { shape, directed }, frames, loop, start }: Pick<Wish, "model" | "frames" | "loop" | "start">,
  given: GivenClip | undefined,
): { readonly frames: number; readonly oneWindow: boolean } | undefined {
  const own = given !== undefined && (start.with === "clip" || start.with === "part") ? countOf(given, frames, shape) : undefined;
  try {
    const length = own === undefined ? frames : framesOfLatent(own, shape);
    const continued = start.with === "end" && given !== undefined ? framesOfLatent(countOf(given, 1, shape), shape) : undefined;
    const plan = planOf({ loop, ...(length === undefined ? {} : { length }) }, [continued], shape, { directed });
    return { frames: picturesFor(shape.pace, plan.wanted), oneWindow: plan.windows === undefined };
  } catch (error) {
    if (isMvcError(error)) return undefined;
    throw error;
  }
}

/** Pictures of a clip: one alone stands still for as many frames as are asked for. */
export function countOf(given: GivenClip, frames: number | undefined, { frames: own, pace }: ClipShape): number {
  if (given.from === "shown") return given.clip.frameCount;
  return given.pictures.length === 1 ? picturesFor(pace, frames ?? own) : given.pictures.length;
}

/** Pictures of the model's size; those that were shown as they are, where that is their size. */
export function picturesOf(given: GivenClip, count: number, shape: ClipShape): readonly Picture[] {
  if (given.from === "file") {
    const made = given.pictures.map((picture) => fitted(picture, shape));
    return Array.from({ length: count }, (_, i) => made[Math.min(i, made.length - 1)] as Picture);
  }
  const { clip } = given;
  const { width, height } = clip;
  return Array.from({ length: count }, (_, i) => fitted({ width, height, data: frameOf(clip, i) }, shape));
}

/** The same of each model, its own first. */
export function ordersOf(order: Order): readonly [Order, ...Order[]] {
  const others = order.beside.map((model): Order => {
    const rest = order.beside.filter((one) => one !== model);
    return { ...order, model, beside: [order.model, ...rest] };
  });
  return [order, ...others];
}

/** For people, and for the file that is saved; empty for noise alone. */
export function wordsOf({ start, loop, frames, given, model }: Order): readonly string[] {
  const name = given.clip === undefined ? "a clip" : nameOf(given.clip);
  const words = (): readonly string[] => {
    switch (start.with) {
      case "noise":
        return [];
      case "clip":
        return [`from ${name}, strength ${start.strength}`];
      case "part":
        return [
          `of ${name} made anew: ${partInWords(start.part, given.clip === undefined ? 0 : countOf(given.clip, frames, model.shape))}`,
        ];
      case "end":
        return [`goes on from ${name}`];
      case "pictures":
        return [`from a ${pictureNames.filter((one) => given.pictures?.[one] !== undefined).join(" and a ")} picture`];
    }
  };
  return [...words(), ...(frames === undefined ? [] : [`${frames} frames`]), ...(loop ? ["loop"] : [])];
}

/** "“a red circle” and at frame 32 “a blue circle”". */
export function promptInWords({ prompt, later }: Pick<Wish, "prompt" | "later">): string {
  return [`“${prompt}”`, ...later.map(({ frame, prompt: text }) => `at frame ${frame} “${text}”`)].join(", ");
}

/** What a saved file says of itself; prompts over time in the words of the command line, which counts frames from 0. */
export function aboutOf(order: Order): About {
  const { prompt, later, model, seed, steps, guidance } = order;
  const texts = later.length === 0 ? { prompt } : { "prompt-at": JSON.stringify(keysOf(order).map((key) => `${key.frame}=${key.prompt}`)) };
  const about = { software: "mvc", model: model.name, ...texts, seed: `${seed}`, steps: `${steps}`, guidance: `${guidance}` };
  const begins = wordsOf(order).join(", ");
  return begins === "" ? about : { ...about, begins };
}

const keysOf = ({ prompt, later }: Pick<Wish, "prompt" | "later">) => [
  { frame: 0, prompt },
  ...later.map(({ frame, prompt: text }) => ({ frame: frame - 1, prompt: text })),
];

function clipOf({ given: { clip }, frames, start, model }: Order): {
  readonly input: ClipInput;
  readonly count: number;
  readonly length: number;
} {
  if (clip === undefined) throw missing("clip", "a GIF, a picture or the clip that is shown", "choose a file, or make a clip first");
  const { shape } = model;
  const count = countOf(clip, start.with === "end" ? 1 : frames, shape);
  const length = framesOfLatent(count, shape);
  // A latent needs no encoder; those of another model mean nothing to this one, and a mask has a picture for each of its frames.
  const own = clip.from === "shown" && clip.model.path === model.path && length === count;
  return { input: own ? clip.clip.latent : picturesOf(clip, count, shape), count, length };
}

function framesOfLatent(count: number, shape: ClipShape): number {
  return latentFramesOf({ of: "pictures", count }, "clip", shape);
}

function fitted(picture: Picture, { picture: size }: ClipShape): Picture {
  return size === undefined ? picture : fitPicture(picture, size.width, size.height);
}

function nameOf(given: GivenClip): string {
  if (given.from === "shown") return "the clip before";
  return given.pictures.length === 1 ? "a picture" : "a clip of one's own";
}

const missing = (input: string, expected: string, way: string) => mvcError("input-missing", { input, expected, way });

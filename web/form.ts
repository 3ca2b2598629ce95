/** The fields of the form to a wish and back, and a list of models to what the fields offer. */

import type { SampledClip } from "../runtime/web/index.ts";
import { createBeginning } from "./beginning.ts";
import { createBeside } from "./beside.ts";
import { element, withText } from "./elements.ts";
import { createLater } from "./later.ts";
import { longestPrompt, mostFrames, mostGuidance } from "./link.ts";
import type { ModelEntry } from "./models.ts";
import { lengthOf } from "./order.ts";
import { megabytes } from "./stages.ts";
import type { Order, Wish } from "./wish.ts";

export interface WishForm {
  wish(): Wish;
  /** The wish, and what its clip begins with. Throws MvcError `file-unreadable`. */
  order(): Promise<Order>;
  /** What is not given stays as it is; another model comes with its own steps and guidance. */
  fill(wish: Partial<Wish>): void;
  /** The clip that is shown from now on, which others may begin with. */
  show(clip: SampledClip, order: Order): void;
}

/**
 * Filled for the first model; `bytesOf` is what a model's first clip downloads. `changed` hears of each change that leaves the fields as they may be,
 * `chose` which models are chosen, the one that is asked for first, at any change.
 */
export function createForm(
  models: readonly [ModelEntry, ...ModelEntry[]],
  bytesOf: (model: ModelEntry) => number,
  changed: (wish: Wish) => void,
  chose: (models: readonly ModelEntry[]) => void,
): WishForm {
  const form = element("form", HTMLFormElement);
  const prompt = element("prompt", HTMLInputElement);
  const model = element("model", HTMLSelectElement);
  const seed = element("seed", HTMLInputElement);
  const steps = element("steps", HTMLInputElement);
  const guidance = element("guidance", HTMLInputElement);
  const frames = element("frames", HTMLInputElement);
  const loop = element("loop", HTMLInputElement);
  const chosen = () => models[model.selectedIndex] ?? models[0];
  const tell = () => {
    offer();
    if (form.matches(":valid")) changed(wish());
  };
  const beginning = createBeginning(models[0], () => tell());
  const beside = createBeside(models);
  const length = () => lengthOf(wish(), beginning.clip());
  const later = createLater(
    () => {
      const { frames: window } = chosen().shape;
      if (!frames.disabled && !loop.checked && (frames.value === "" || frames.valueAsNumber <= window)) frames.value = String(2 * window);
      return length()?.frames;
    },
    () => tell(),
  );
  const wish = (): Wish => ({
    model: chosen(),
    prompt: prompt.value,
    later: later.read(),
    seed: seed.valueAsNumber,
    steps: steps.valueAsNumber,
    guidance: guidance.valueAsNumber,
    frames: frames.disabled || frames.value === "" ? undefined : frames.valueAsNumber,
    loop: loop.checked && !loop.disabled,
    start: beginning.start(),
    beside: beside.read(),
  });

  /** What hangs on other fields. */
  const offer = () => {
    const entry = chosen();
    const start = beginning.start().with;
    const clip = beginning.clip();
    // A clip that goes on has a first frame already, which no last one leads to.
    loop.disabled = start === "end";
    // Of a clip as many frames are made as it has, or a window more; a picture stands still as long as one likes.
    frames.disabled = start === "end" || (clip !== undefined && (clip.from === "shown" || clip.pictures.length > 1));
    if (frames.disabled) frames.value = "";
    beside.offer(entry);
    const all = [entry, ...beside.read()];
    chose(all);
    const isDirected = all.every(({ directed }) => directed);
    frames.min = String(isDirected && !loop.checked ? 1 : entry.shape.frames);
    beginning.offer(entry, wish().frames);
    const made = length();
    frames.placeholder = String(made?.frames ?? entry.shape.frames);
    later.offer(made, entry.shape.frames);
  };
  const describe = () => {
    const entry = chosen();
    steps.max = String(entry.trainSteps);
    steps.value = String(entry.steps);
    guidance.value = String(entry.guidance);
    const size = `${(entry.parameters / 1e6).toFixed(1)} million parameters, ${megabytes(bytesOf(entry))} MB to download.`;
    element("note", HTMLElement).textContent = `${entry.note} ${size}`;
    element("examples", HTMLElement).replaceChildren(...entry.examples.map((text) => chip(text, prompt, tell)));
    element("words", HTMLElement).hidden = entry.vocabulary.length === 0;
    element("vocabulary", HTMLElement).replaceChildren(...entry.vocabulary.map(line));
  };
  const fill = (given: Partial<Wish>) => {
    if (given.model !== undefined) {
      model.selectedIndex = models.indexOf(given.model);
      describe();
    }
    if (given.prompt !== undefined) prompt.value = given.prompt;
    if (given.seed !== undefined) seed.value = String(given.seed);
    if (given.steps !== undefined) steps.value = String(given.steps);
    if (given.guidance !== undefined) guidance.value = String(given.guidance);
    if (given.later !== undefined) later.fill(given.later);
    if ("frames" in given) frames.value = given.frames === undefined ? "" : String(given.frames);
    if (given.loop !== undefined) loop.checked = given.loop;
    if (given.start !== undefined) beginning.fill(given.start);
    if (given.beside !== undefined) beside.fill(given.beside);
    offer();
  };

  prompt.maxLength = longestPrompt;
  seed.max = String(Number.MAX_SAFE_INTEGER);
  guidance.max = String(mostGuidance);
  frames.max = String(mostFrames);
  model.replaceChildren(...models.map(({ name }) => new Option(name)));
  model.addEventListener("change", describe);
  form.addEventListener("input", tell);
  form.addEventListener("change", tell);
  // A browser shows what is wrong with a field where it can, and fields that are folded away it cannot show.
  form.addEventListener("invalid", ({ target }) => openAround(target), true);
  element("reseed", HTMLButtonElement).addEventListener("click", () => {
    seed.value = String(Math.floor(Math.random() * 1_000_000));
    tell();
  });
  // What a browser kept of the fields over a reload is the address's to say.
  fill({
    model: models[0],
    prompt: models[0].examples[0] ?? "",
    later: [],
    seed: 1,
    frames: undefined,
    loop: false,
    start: { with: "noise" },
    beside: [],
  });
  return {
    wish,
    order: async () => ({ ...wish(), given: await beginning.given() }),
    fill,
    show: (clip, order) => {
      beginning.show(clip, order);
      offer();
    },
  };
}

function openAround(target: EventTarget | null): void {
  const folded = target instanceof Element ? target.closest("details") : null;
  if (folded !== null) folded.open = true;
}

function chip(text: string, prompt: HTMLInputElement, tell: () => void): HTMLButtonElement {
  const button = withText("button", text);
  button.type = "button";
  button.addEventListener("click", () => {
    prompt.value = text;
    tell();
  });
  return button;
}

function line(words: readonly string[]): HTMLElement {
  const made = withText("p", words.join(", "));
  made.className = "vocabulary";
  return made;
}

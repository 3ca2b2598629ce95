/** The fields of the form to a wish and back, and a list of models to what the fields offer. */

import { element, withText } from "./elements.ts";
import { longestPrompt, mostGuidance } from "./link.ts";
import type { ModelEntry } from "./models.ts";
import { megabytes } from "./stages.ts";
import type { Wish } from "./studio.ts";

export interface WishForm {
  wish(): Wish;
  /** What is not given stays as it is; another model comes with its own steps and guidance. */
  fill(wish: Partial<Wish>): void;
}

/** Filled for the first model; `bytesOf` is what a model's first clip downloads. `changed` hears of each change that leaves the fields as they may be. */
export function createForm(
  models: readonly [ModelEntry, ...ModelEntry[]],
  bytesOf: (model: ModelEntry) => number,
  changed: (wish: Wish) => void,
): WishForm {
  const form = element("form", HTMLFormElement);
  const prompt = element("prompt", HTMLInputElement);
  const model = element("model", HTMLSelectElement);
  const seed = element("seed", HTMLInputElement);
  const steps = element("steps", HTMLInputElement);
  const guidance = element("guidance", HTMLInputElement);
  const chosen = () => models[model.selectedIndex] ?? models[0];
  const wish = (): Wish => ({
    model: chosen(),
    prompt: prompt.value,
    seed: seed.valueAsNumber,
    steps: steps.valueAsNumber,
    guidance: guidance.valueAsNumber,
  });
  const tell = () => {
    if (form.matches(":valid")) changed(wish());
  };

  const offer = () => {
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
      offer();
    }
    if (given.prompt !== undefined) prompt.value = given.prompt;
    if (given.seed !== undefined) seed.value = String(given.seed);
    if (given.steps !== undefined) steps.value = String(given.steps);
    if (given.guidance !== undefined) guidance.value = String(given.guidance);
  };

  prompt.maxLength = longestPrompt;
  seed.max = String(Number.MAX_SAFE_INTEGER);
  guidance.max = String(mostGuidance);
  model.replaceChildren(...models.map(({ name }) => new Option(name)));
  model.addEventListener("change", offer);
  form.addEventListener("input", tell);
  form.addEventListener("change", tell);
  element("reseed", HTMLButtonElement).addEventListener("click", () => {
    seed.value = String(Math.floor(Math.random() * 1_000_000));
    tell();
  });
  // What a browser kept of the fields over a reload is the address's to say.
  fill({ model: models[0], prompt: models[0].examples[0] ?? "", seed: 1 });
  return { wish, fill };
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

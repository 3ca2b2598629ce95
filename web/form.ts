/** The fields of the form to a wish, and a list of models to what the fields offer. */

import { element, withText } from "./elements.ts";
import type { ModelEntry } from "./models.ts";
import { megabytes } from "./stages.ts";
import type { Wish } from "./studio.ts";

export interface WishForm {
  wish(): Wish;
}

/** Fills the fields for the first model; choosing another sets steps and guidance to its own. */
export function createForm(models: readonly [ModelEntry, ...ModelEntry[]]): WishForm {
  const prompt = element("prompt", HTMLInputElement);
  const model = element("model", HTMLSelectElement);
  const seed = element("seed", HTMLInputElement);
  const steps = element("steps", HTMLInputElement);
  const guidance = element("guidance", HTMLInputElement);
  const chosen = () => models[model.selectedIndex] ?? models[0];

  const offer = () => {
    const entry = chosen();
    steps.max = String(entry.trainSteps);
    steps.value = String(entry.steps);
    guidance.value = String(entry.guidance);
    const size = `${(entry.parameters / 1e6).toFixed(1)} million parameters, ${megabytes(entry.bytes)} MB to download.`;
    element("note", HTMLElement).textContent = `${entry.note} ${size}`;
    element("examples", HTMLElement).replaceChildren(...entry.examples.map((text) => chip(text, prompt)));
    element("words", HTMLElement).hidden = entry.vocabulary.length === 0;
    element("vocabulary", HTMLElement).replaceChildren(...entry.vocabulary.map(line));
  };

  model.replaceChildren(...models.map(({ name }) => new Option(name)));
  model.addEventListener("change", offer);
  element("reseed", HTMLButtonElement).addEventListener("click", () => {
    seed.value = String(Math.floor(Math.random() * 1_000_000));
  });
  offer();
  if (prompt.value === "") prompt.value = models[0].examples[0] ?? "";

  return {
    wish: () => ({
      model: chosen(),
      prompt: prompt.value,
      seed: seed.valueAsNumber,
      steps: steps.valueAsNumber,
      guidance: guidance.valueAsNumber,
    }),
  };
}

function chip(text: string, prompt: HTMLInputElement): HTMLButtonElement {
  const button = withText("button", text);
  button.type = "button";
  button.addEventListener("click", () => {
    prompt.value = text;
  });
  return button;
}

function line(words: readonly string[]): HTMLElement {
  const made = withText("p", words.join(", "));
  made.className = "vocabulary";
  return made;
}

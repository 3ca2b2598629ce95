/** The models of a site to fields that choose which others make the same clip from the same noise, to be seen side by side. */

import { element } from "./elements.ts";
import { type ModelEntry, sharesNoise } from "./models.ts";

export interface Beside {
  /** Those that are chosen and offered. */
  read(): readonly ModelEntry[];
  fill(chosen: readonly ModelEntry[]): void;
  /** Those that can begin with the noise of this one. */
  offer(model: ModelEntry): void;
}

export function createBeside(models: readonly ModelEntry[]): Beside {
  const field = element("beside", HTMLFieldSetElement);
  const all = models.map((model) => {
    const [label, box] = [document.createElement("label"), document.createElement("input")];
    box.type = "checkbox";
    label.className = "check";
    label.title = model.note;
    label.append(box, model.name);
    return { model, label, box };
  });
  field.append(...all.map(({ label }) => label));
  return {
    read: () => all.flatMap(({ model, label, box }) => (box.checked && !label.hidden ? [model] : [])),
    fill: (chosen) => {
      for (const { model, box } of all) box.checked = chosen.includes(model);
    },
    offer: (model) => {
      for (const one of all) one.label.hidden = one.model === model || !sharesNoise(one.model, model);
      field.hidden = all.every(({ label }) => label.hidden);
    },
  };
}

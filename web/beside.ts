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
  const field = element("beside", HTMLDetailsElement);
  const all = models.map((model) => {
    const [label, box] = [document.createElement("label"), document.createElement("input")];
    box.type = "checkbox";
    label.className = "check";
    label.title = model.note;
    label.append(box, model.name);
    return { model, label, box };
  });
  let offered: typeof all = [];
  return {
    read: () => offered.flatMap(({ model, box }) => (box.checked ? [model] : [])),
    fill: (chosen) => {
      for (const { model, box } of all) box.checked = chosen.includes(model);
      if (chosen.length > 0) field.open = true;
    },
    offer: (model) => {
      const before = offered;
      offered = all.filter((one) => one.model !== model && sharesNoise(one.model, model));
      field.hidden = offered.length === 0;
      // What is put in its place anew loses the keyboard's focus.
      if (offered.some((one, i) => one !== before[i]) || offered.length < before.length)
        element("beside-models", HTMLElement).replaceChildren(...offered.map(({ label }) => label));
    },
  };
}

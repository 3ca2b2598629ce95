/** The chosen models to clips that they made as they were trained: side by side at one step, which a slider chooses, all at the same frame. */

import { element } from "./elements.ts";
import type { ModelEntry } from "./models.ts";
import { framesPerSecond } from "./player.ts";
import { createPlaying } from "./playing.ts";
import { createSheets } from "./sheets.ts";
import { grouped } from "./stages.ts";
import { createTrainedClip, type TrainedClip } from "./trained-clip.ts";

export interface TrainingClips {
  /** Nothing is downloaded before the visitor opens them. */
  show(models: readonly ModelEntry[]): void;
}

export function createTrainingClips(): TrainingClips {
  const section = element("training", HTMLDetailsElement);
  const prompt = element("training-prompt", HTMLSelectElement);
  const slider = element("training-step", HTMLInputElement);
  const sheets = createSheets();
  let chosen: readonly ModelEntry[] = [];
  let clips: readonly TrainedClip[] = [];
  let [steps, frames, frame]: [readonly number[], number, number] = [[], 1, 0];

  const draw = (index: number) => {
    frame = index;
    for (const clip of clips) clip.draw(index);
  };
  const playing = createPlaying(element("training-play", HTMLButtonElement), () => draw((frame + 1) % frames));
  const step = () => steps[slider.valueAsNumber] ?? 0;
  const tellStep = () => {
    const words = `${grouped(step())} of ${grouped(steps.at(-1) ?? 0)}`;
    element("training-at", HTMLElement).textContent = `Training step ${words}`;
    slider.setAttribute("aria-valuetext", `step ${words}`);
  };
  const showStep = () => {
    tellStep();
    if (section.open) for (const clip of clips) clip.show(step(), prompt.value);
  };
  const begin = () => {
    showStep();
    // As long as the whole clip plays, of which a sheet may have fewer frames.
    if (section.open && clips.length > 0) playing.begin((framesPerSecond * frames) / Math.max(frames, chosen[0]?.shape.frames ?? 1));
    else playing.stop();
  };
  const fill = (models: readonly ModelEntry[]) => {
    const [before, said] = [slider.max === "" ? undefined : step(), prompt.value];
    chosen = models;
    clips = models.flatMap(({ name, training }) => (training === null ? [] : [createTrainedClip(name, training, sheets)]));
    steps = stepsOf(clips);
    frames = Math.max(1, ...clips.map(({ training }) => training.frames));
    const prompts = [...new Set(clips.flatMap(({ training }) => training.prompts))];
    prompt.replaceChildren(...prompts.map((text) => new Option(text)));
    if (prompts.includes(said)) prompt.value = said;
    slider.max = String(Math.max(0, steps.length - 1));
    const kept = before === undefined ? -1 : steps.findLastIndex((one) => one <= before);
    slider.value = kept < 0 ? slider.max : String(kept);
    slider.hidden = steps.length < 2;
    element("training-clips", HTMLElement).replaceChildren(...clips.map(({ figure }) => figure));
    section.hidden = clips.length === 0;
    const without = models.flatMap(({ name, training }) => (training === null ? [name] : []));
    element("training-without", HTMLElement).textContent = without.length === 0 ? "" : ` None were kept of ${without.join(", ")}.`;
  };

  section.addEventListener("toggle", begin);
  slider.addEventListener("input", showStep);
  prompt.addEventListener("change", showStep);
  return {
    show: (models) => {
      if (models.length === chosen.length && models.every((model, i) => model === chosen[i])) return;
      fill(models);
      draw(0);
      begin();
    },
  };
}

/** Of all of them, the earliest first. */
function stepsOf(clips: readonly TrainedClip[]): readonly number[] {
  const all = clips.flatMap(({ training }) => training.sheets.map(({ step }) => step));
  return [...new Set(all)].sort((a, b) => a - b);
}

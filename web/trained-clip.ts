/** A model's sheets to one clip that is seen: of a prompt, as the model made it at a step of its training, or nearest to it. */

import { withText } from "./elements.ts";
import type { SheetEntry, TrainingEntry } from "./models.ts";
import type { Sheet, Sheets } from "./sheets.ts";
import { grouped } from "./stages.ts";

export interface TrainedClip {
  readonly name: string;
  readonly training: TrainingEntry;
  readonly figure: HTMLElement;
  /** What is shown already stays until this is here; settles once it is, or is said to be missing. */
  show(step: number, prompt: string): Promise<void>;
  /** Counted from 0; a shorter clip waits at its last. */
  draw(frame: number): void;
}

/** The last sheet up to the step, or the first of all. */
export function sheetAt(sheets: readonly SheetEntry[], step: number): SheetEntry | undefined {
  return sheets.findLast((sheet) => sheet.step <= step) ?? sheets[0];
}

export function createTrainedClip(name: string, training: TrainingEntry, sheets: Sheets): TrainedClip {
  const [figure, canvas] = [document.createElement("figure"), document.createElement("canvas")];
  const [fault, caption] = [withText("p", ""), document.createElement("figcaption")];
  canvas.setAttribute("role", "img");
  fault.className = "fault";
  fault.setAttribute("role", "status");
  figure.append(canvas, fault, caption);
  let [asked, current] = [0, 0];
  let drawn: { readonly sheet: Sheet; readonly row: number } | undefined;
  const draw = (frame: number) => {
    current = frame;
    drawn?.sheet.draw(canvas, drawn.row, Math.min(frame, training.frames - 1));
  };
  const tell = (missing: string, step: number, description: string) => {
    fault.textContent = missing;
    fault.hidden = missing === "";
    canvas.hidden = missing !== "";
    canvas.ariaLabel = description;
    caption.replaceChildren(withText("strong", name), ` step ${grouped(step)}`);
    draw(current);
  };
  tell("", 0, "");
  caption.replaceChildren(withText("strong", name));

  return {
    name,
    training,
    figure,
    show: async (wanted, prompt) => {
      const own = ++asked;
      const { step = 0, path = "" } = sheetAt(training.sheets, wanted) ?? {};
      const row = training.prompts.indexOf(prompt);
      const description = `Clip of “${prompt}”, by ${name} at step ${grouped(step)} of its training`;
      const found = row < 0 ? undefined : await sheets.load(path, training.prompts.length, training.frames).catch(() => undefined);
      // Meanwhile another may have been asked for.
      if (own !== asked) return;
      drawn = found && { sheet: found, row };
      const broken = `The clips of step ${grouped(step)} cannot be shown: their picture did not come, or is broken. Move the slider to try again.`;
      tell(row < 0 ? "No clip of this prompt was kept." : found === undefined ? broken : "", step, description);
    },
    draw,
  };
}

/** Stages of the work to a bar, a line that changes with each, and an announcement a milestone. */

import { element } from "./elements.ts";
import { type Stage, secondsLeft, show } from "./stages.ts";

export interface WorkView {
  begin(): void;
  /** `of` names whose clip it is, where there are several. */
  report(stage: Stage, of?: string): void;
  end(): void;
}

export function createWorkView(): WorkView {
  const work = element("work", HTMLElement);
  const bar = element("bar", HTMLProgressElement);
  const line = element("stage-text", HTMLElement);
  const status = element("status", HTMLElement);
  let told = "";
  /** When the second step began. */
  let second: number | undefined;

  return {
    begin: () => {
      told = "";
      second = undefined;
      line.textContent = "";
      bar.removeAttribute("value");
      work.hidden = false;
    },
    report: (stage, of) => {
      const now = performance.now();
      if (stage.at === "step" && stage.step === 1) second = now;
      const shown = show(stage, stage.at === "step" ? secondsLeft(stage.step, stage.steps, second ?? now, now) : undefined);
      const [text, milestone] = of === undefined ? [shown.text, shown.milestone] : [`${of}: ${shown.text}`, `${of} ${shown.milestone}`];
      line.textContent = text;
      if (shown.done === undefined) bar.removeAttribute("value");
      else bar.value = shown.done;
      if (milestone !== told) status.textContent = text;
      told = milestone;
    },
    end: () => {
      work.hidden = true;
    },
  };
}

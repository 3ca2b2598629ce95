/** Stages of the work to a bar, a line that changes with each, and an announcement a milestone. */

import { element } from "./elements.ts";
import { type Stage, secondsLeft, show } from "./stages.ts";

export interface WorkView {
  begin(): void;
  report(stage: Stage): void;
  end(): void;
}

export function createWorkView(): WorkView {
  const work = element("work", HTMLElement);
  const bar = element("bar", HTMLProgressElement);
  const line = element("stage-text", HTMLElement);
  const status = element("status", HTMLElement);
  let milestone = "";
  /** When the second step began. */
  let second: number | undefined;

  return {
    begin: () => {
      milestone = "";
      second = undefined;
      line.textContent = "";
      bar.removeAttribute("value");
      work.hidden = false;
    },
    report: (stage) => {
      const now = performance.now();
      if (stage.at === "step" && stage.step === 1) second = now;
      const shown = show(stage, stage.at === "step" ? secondsLeft(stage.step, stage.steps, second ?? now, now) : undefined);
      line.textContent = shown.text;
      if (shown.done === undefined) bar.removeAttribute("value");
      else bar.value = shown.done;
      if (shown.milestone !== milestone) status.textContent = shown.text;
      milestone = shown.milestone;
    },
    end: () => {
      work.hidden = true;
    },
  };
}

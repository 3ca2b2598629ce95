/** Stages of the work to a bar, a line that changes with each, and an announcement a milestone. */

import { element } from "./elements.ts";
import { type Stage, show } from "./stages.ts";

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
  let firstStep: number | undefined;

  return {
    begin: () => {
      milestone = "";
      firstStep = undefined;
      line.textContent = "";
      bar.removeAttribute("value");
      work.hidden = false;
    },
    report: (stage) => {
      const now = performance.now();
      if (stage.at === "step") firstStep ??= now;
      const shown = show(stage, stage.at === "step" ? secondsLeft(stage, now - (firstStep ?? now)) : undefined);
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

/** From the mean of the steps done, which took `passed` milliseconds. */
function secondsLeft({ step, steps }: { readonly step: number; readonly steps: number }, passed: number): number | undefined {
  return step === 0 ? undefined : ((passed / step) * (steps - step)) / 1000;
}

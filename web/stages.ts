/** Where a clip stands to what a visitor reads and hears of it. */

export type Stage =
  /** In bytes. */
  | { readonly at: "download"; readonly loaded: number; readonly total: number }
  /** In kernels of the graphics card, or in graphs that the processor opens. */
  | { readonly at: "compile"; readonly done: number; readonly of: number; readonly what: "kernels" | "graphs" }
  /** `step` counts the steps done. */
  | { readonly at: "text" | "step" | "decode"; readonly step: number; readonly steps: number };

export interface Shown {
  readonly text: string;
  /** From 0 to 1; undefined where nobody knows. */
  readonly done: number | undefined;
  /** Names the part of the work that a listener should hear of once: the same for all stages that need no new announcement. */
  readonly milestone: string;
}

/** `left` is the time in seconds that the remaining steps will take, where it can be told. */
export function show(stage: Stage, left?: number): Shown {
  if (stage.at === "download") {
    const done = stage.total === 0 ? 1 : Math.min(1, stage.loaded / stage.total);
    return {
      text: `Downloading the model: ${megabytes(Math.min(stage.loaded, stage.total))} of ${megabytes(stage.total)} MB`,
      done,
      milestone: `download ${quarter(done)}`,
    };
  }
  if (stage.at === "compile") {
    const done = stage.of === 0 ? 1 : stage.done / stage.of;
    const device = stage.what === "kernels" ? "graphics card" : "processor";
    return { text: `Preparing the ${device}: ${stage.done} of ${stage.of} ${stage.what}`, done, milestone: "compile" };
  }
  if (stage.at === "text") return { text: "Reading the prompt", done: 0, milestone: "text" };
  if (stage.at === "decode") return { text: "Decoding the frames", done: 1, milestone: "decode" };
  const done = stage.step / stage.steps;
  const rest = left === undefined ? "" : `, about ${duration(left)} left`;
  return { text: `Step ${stage.step + 1} of ${stage.steps}${rest}`, done, milestone: `step ${quarter(done)}` };
}

/**
 * Seconds until the last step is done; undefined until the second one is. `second` is when it began and `now` when `step` steps were
 * done, in milliseconds: the first step is no measure, as the decoder's kernels are compiled beside it.
 */
export function secondsLeft(step: number, steps: number, second: number, now: number): number | undefined {
  return step < 2 ? undefined : (((now - second) / (step - 1)) * (steps - step)) / 1000;
}

const quarter = (done: number): number => Math.floor(done * 4);

export function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}

/** A whole number as English groups its digits: "5,742". */
export function grouped(count: number): string {
  return count.toLocaleString("en");
}

/** Seconds in words: "3 s", "2 min 5 s". */
export function duration(seconds: number): string {
  const whole = Math.max(1, Math.round(seconds));
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

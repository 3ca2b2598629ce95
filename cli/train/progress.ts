/** How a run is told of: a line of progress where there is a terminal, and a line a checkpoint anywhere. */

import { textBar, timeText } from "../progress.ts";

/** What is shown of a step. */
export interface Shown {
  readonly stage: string;
  readonly step: number;
  /** Null until a time has become a number of steps. */
  readonly steps: number | null;
  readonly loss: number;
  readonly learningRate: number;
}

/** Of the last steps, by which the time that is left is guessed. */
const recent = 50;

export class TrainingProgress {
  readonly #bar = textBar();
  readonly #times: number[] = [];
  #smooth: number | undefined;
  #stage = "";
  #isOn = false;

  step(shown: Shown): string {
    const { stage, step, steps, loss } = shown;
    if (stage !== this.#stage) this.stop();
    this.#stage = stage;
    this.#smooth = this.#smooth === undefined ? loss : this.#smooth + (loss - this.#smooth) * 0.05;
    this.#times.push(performance.now());
    if (this.#times.length > recent) this.#times.shift();
    const text = this.#text(shown);
    if (!this.#isOn) this.#bar.start(steps ?? step, step, { text });
    this.#isOn = true;
    this.#bar.setTotal(steps ?? step);
    this.#bar.update(step, { text });
    return text;
  }

  /** Work that is no step. */
  other(task: string, done: number, total: number): void {
    if (!this.#isOn) this.#bar.start(total, done, { text: task });
    this.#isOn = true;
    this.#bar.update(done, { text: `${task} ${done}/${total}` });
  }

  /** Takes the line away; the next step brings it back. */
  pause(): void {
    if (this.#isOn) this.#bar.stop();
    this.#isOn = false;
  }

  stop(): void {
    this.pause();
    this.#times.length = 0;
    this.#smooth = undefined;
  }

  #text({ stage, step, steps, learningRate }: Shown): string {
    const [first = 0, last = 0] = [this.#times[0], this.#times.at(-1)];
    const perStep = this.#times.length > 1 ? (last - first) / (this.#times.length - 1) / 1000 : undefined;
    const left = perStep === undefined || steps === null ? undefined : (steps - step) * perStep;
    return [
      `${stage} ${step}/${steps ?? "?"} steps`,
      `loss ${(this.#smooth ?? 0).toPrecision(4)}`,
      `rate ${learningRate.toExponential(1)}`,
      ...(perStep === undefined ? [] : [`${(1 / perStep).toPrecision(3)} steps/s`]),
      `${(process.memoryUsage.rss() / 1e6).toFixed(0)} MB`,
      ...(left === undefined ? [] : [`${timeText(left)} left`]),
    ].join("  ");
  }
}

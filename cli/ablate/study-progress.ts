/** What a study tells of itself: a line when a cell begins and when it is done, and on a terminal one of how far the whole has come. */

import { textBar, timeText } from "../progress.ts";

export class StudyProgress {
  readonly #bar = textBar();
  readonly #cells: number;
  #cell = 0;
  #name = "";
  #began = performance.now();
  /** Seconds of each cell of this sitting. */
  readonly #taken: number[] = [];
  #isOn = false;

  constructor(cells: number) {
    this.#cells = cells;
  }

  /** `at` counts from 0. */
  cell(at: number, name: string): void {
    [this.#cell, this.#name, this.#began] = [at, name, performance.now()];
    this.say(`cell ${at + 1} of ${this.#cells}: ${name}`);
  }

  done(text: string): void {
    this.#taken.push((performance.now() - this.#began) / 1000);
    this.say(`${this.#name}: ${text}`);
  }

  /** `share` of the cell's own work, from 0 to 1. */
  work(what: string, share: number): void {
    const mean = this.#taken.reduce((sum, seconds) => sum + seconds, 0) / this.#taken.length;
    const left =
      this.#taken.length === 0 ? undefined : Math.max(0, (this.#cells - this.#cell) * mean - (performance.now() - this.#began) / 1000);
    const text = `cell ${this.#cell + 1}/${this.#cells} ${this.#name}  ${what}${left === undefined ? "" : `  ${timeText(left)} left`}`;
    if (!this.#isOn) this.#bar.start(this.#cells, this.#cell, { text });
    this.#isOn = true;
    this.#bar.update(this.#cell + Math.min(1, share), { text });
  }

  say(text: string): void {
    this.stop();
    process.stdout.write(`${text}\n`);
  }

  stop(): void {
    if (this.#isOn) this.#bar.stop();
    this.#isOn = false;
  }
}

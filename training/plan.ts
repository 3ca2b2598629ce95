/** What a run is to take, in steps or in time, to what each of its stages takes. */

/** A number of steps shared among stages by what they declare, none with less than one. */
export function sharedSteps(total: number, declared: readonly number[]): readonly number[] {
  const sum = declared.reduce((a, b) => a + b, 0);
  let [given, before] = [0, 0];
  return declared.map((steps) => {
    before += steps;
    const share = Math.max(1, Math.round((total * before) / sum) - given);
    given += share;
    return share;
  });
}

/** What is known of a stage once some of its steps have been timed. */
export interface Timed {
  /** Seconds that are left. */
  readonly left: number;
  /** Seconds a step, without encoding clips. */
  readonly perStep: number;
  /** Seconds a clip that is encoded when it is first drawn; 0 where none is. */
  readonly perClip: number;
  /** Clips of the data set, of which so many have been encoded. */
  readonly clips: number;
  readonly encoded: number;
  readonly batch: number;
}

/** What a stage's first steps take, drawing and computing timed each by itself. */
export class StageClock {
  readonly #steps = { seconds: 0, count: 0 };
  readonly #known = { seconds: 0, count: 0 };
  readonly #encoded = { seconds: 0, count: 0 };

  stepped(milliseconds: number): void {
    this.#steps.seconds += milliseconds / 1000;
    this.#steps.count++;
  }

  /** A batch was drawn, for which so many clips went through encoders. */
  drew(milliseconds: number, clips: number): void {
    const to = clips === 0 ? this.#known : this.#encoded;
    to.seconds += milliseconds / 1000;
    to.count += Math.max(1, clips);
  }

  /** `spent` stands for a step where none was timed yet. */
  means(spent: number): Pick<Timed, "perStep" | "perClip"> {
    const mean = ({ seconds, count }: { readonly seconds: number; readonly count: number }) => (count === 0 ? 0 : seconds / count);
    const perStep = this.#steps.count === 0 ? spent : mean(this.#steps) + mean(this.#known);
    return { perStep: Math.max(perStep, 1e-4), perClip: mean(this.#encoded) };
  }
}

/** How many more steps fit. Clips are drawn evenly, so that of those not seen yet each stays so with (1 - 1 / clips) a draw. */
export function stepsWithin({ left, perStep, perClip, clips, encoded, batch }: Timed): number {
  const seconds = (steps: number) => steps * perStep + perClip * (clips - encoded) * (1 - (1 - 1 / clips) ** (steps * batch));
  let [fits, tooMany] = [0, Math.ceil(left / perStep) + 1];
  while (tooMany - fits > 1) {
    const middle = Math.floor((fits + tooMany) / 2);
    if (seconds(middle) <= left) fits = middle;
    else tooMany = middle;
  }
  return fits;
}

/** What one measure says of one model's clips: a figure for each clip or pair, of which means, intervals and comparisons are made. */

export interface Measure {
  /** As in reports: `shape`, `motion`, `flicker`. */
  readonly name: string;
  /** `%` of values that are shares of one; else as it is printed behind the figure. */
  readonly unit: "%" | "dB" | "px" | "°" | "";
  readonly better: "higher" | "lower";
  /** One for each clip, in the order of the prompts, so that models which were asked the same are compared clip by clip; or one a seed of all its clips together. */
  readonly values: readonly number[];
}

/** Of one set of prompts. */
export interface Measured {
  /** `seen` and `held-out` combinations, `real` clips (the ceiling), `shuffled` captions (chance). */
  readonly set: "seen" | "held-out" | "real" | "shuffled";
  readonly measures: readonly Measure[];
}

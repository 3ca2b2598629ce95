/** The packages of a study's cells, one after the other, to their measures: what hangs on the data and not on the model is measured for the first alone. */

import type { Measured } from "../../study/measure.ts";
import type { ClipSize } from "../../training/dataset.ts";
import type { Listening } from "../data/dataset-options.ts";
import { type EvaluateOptions, evaluate } from "../eval/evaluate.ts";
import { RealClips } from "../eval/real-clips.ts";
import type { SetOptions } from "../eval/sets.ts";
import { noises } from "./study.ts";

export type MeasurerOptions = SetOptions & Pick<EvaluateOptions, "reconstructionAlone">;

export class Measurer {
  readonly #options: MeasurerOptions;
  readonly #note: (text: string) => void;
  /** By the size of clips, which a variant may have of its own. */
  readonly #realClips = new Map<string, RealClips>();

  constructor(options: MeasurerOptions, note: (text: string) => void) {
    this.#options = options;
    this.#note = note;
  }

  /** Throws MvcError as `evaluate`. */
  measure(folder: string, listening: Omit<Listening, "note">): Promise<readonly Measured[]> {
    return evaluate(folder, {
      ...this.#options,
      seeds: noises,
      backend: "onnx",
      listening: { ...listening, note: this.#note },
      realClips: (size, heard) => this.#realClipsAt(size, heard),
    });
  }

  async #realClipsAt(size: ClipSize, listening: Listening): Promise<RealClips> {
    const key = `${size.frames} ${size.height} ${size.width}`;
    const known = this.#realClips.get(key) ?? (await RealClips.open(this.#options, size, listening));
    this.#realClips.set(key, known);
    return known;
  }

  async dispose(): Promise<void> {
    for (const one of this.#realClips.values()) await one.dispose();
  }
}

/** How a model is trained, as code: its losses, and the stages that minimise them; plain data, no syntax tree. */

import type { SamplerFigures } from "../package/sampler-figures.ts";
import type { LossCode } from "./code.ts";
import type { TrainedWeight, Training, TrainingStage } from "./training.ts";

export interface CodeStage {
  /** Of the graph of a loss only shapes are known. */
  readonly stage: TrainingStage;
  /** What the source says of weights, by patterns of their paths: of those that hold, the last. None where the stage measures. */
  readonly entries: readonly TrainedWeight[];
}

export interface TrainingCode extends LossCode {
  readonly stages: readonly CodeStage[];
  readonly clip: Training["clip"];
  readonly sampler: SamplerFigures | null;
}

/** What computes the steps of a stage, whatever device it uses: batches and figures go in, losses come out, and the weights stay inside until they are asked for. */

import type { Graph } from "../compiler/graph/graph.ts";
import type { OptimizerFigures, TrainedWeight } from "../compiler/module/training.ts";
import type { TensorData } from "../runtime/tensor.ts";

/** The inputs of the loss by name, at the batch of one part. */
export type Feeds = ReadonlyMap<string, TensorData>;

/** What changes from step to step of the optimizer. */
export interface StepFigures {
  /** The step's number, from 1: Adam's bias correction counts from it. */
  readonly step: number;
  readonly learningRate: number;
}

export interface StepResult {
  /** The outputs of the loss's graph by name, the minimised one first: means over the batch. */
  readonly losses: ReadonlyMap<string, number>;
  /** The L2 norm of all gradients together, before clipping. */
  readonly gradientNorm: number;
}

/** A trained weight and what the optimizer keeps beside it, each row-major and of the weight's length. */
export interface WeightState {
  readonly value: Float32Array;
  /** Adam's averages of the gradient and of its square. */
  readonly first: Float32Array;
  readonly second: Float32Array;
  /** The exponential average of the weight; absent where the stage keeps none. */
  readonly average?: Float32Array;
}

/** By weight path, of what is trained. */
export type TrainingState = ReadonlyMap<string, WeightState>;

/** What an engine computes of a stage, whatever the numbers are. */
export interface StageWork {
  /** Called on errors. */
  readonly stage: string;
  /** The loss at the batch of one part, its minimised output first; engines take its gradients, of whatever form of it they like (`withGradients`). */
  readonly lossGraph: Graph;
  /** Whether blocks are computed again in the backward pass instead of kept, where that saves memory: the same steps to the last bit, in more time. */
  readonly recompute?: boolean;
  readonly trained: readonly TrainedWeight[];
}

/** What an engine is opened for: one stage. */
export interface EngineJob extends StageWork {
  readonly optimizer: OptimizerFigures;
  /** What the first step starts from; the engine copies it. */
  readonly state: TrainingState;
  /** The weights that the loss reads and the stage does not train, by path. */
  readonly frozen: ReadonlyMap<string, Float32Array>;
  /** Batches a step: their gradients are added in their order, so that a step's result hangs on their number and not on how many are computed at once. */
  readonly parts: number;
}

export interface Engine {
  /**
   * One step of the optimizer on the job's number of batches. Where a loss or the norm of the gradients is not finite, everything
   * stays as it was: the caller looks at the result, and finds the cause by computing the batches again.
   * @throws MvcError of the device.
   */
  step(batches: readonly Feeds[], figures: StepFigures): Promise<StepResult>;
  /** Bit for bit what the next step starts from, in arrays that may change with it. */
  state(): Promise<TrainingState>;
  dispose(): Promise<void>;
}

export type OpenEngine = (job: EngineJob) => Promise<Engine>;

/** What computes the steps of a stage, whatever device it uses: batches and figures go in, the loss comes out, and the weights stay inside until they are asked for. */

import type { TensorData } from "../runtime/tensor.ts";

/** The inputs of the loss by name, at the batch of one worker. */
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

export interface Engine {
  /** How many batches a step takes, each of `batch / workers` clips. */
  readonly workers: number;
  /** One step of the optimizer on as many batches as there are workers. Leaves the weights as they were, and throws MvcError, where a loss or gradient is not finite. */
  step(batches: readonly Feeds[], figures: StepFigures): Promise<StepResult>;
  /** Bit for bit what the next step starts from. */
  state(): Promise<TrainingState>;
  dispose(): Promise<void>;
}

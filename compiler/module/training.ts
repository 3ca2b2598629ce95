/** How a model is trained once its source has been read: a stage after another, each a loss to minimise or a figure to measure; plain data, no syntax tree. */

import type { Span } from "../../dsl/index.ts";
import type { Graph } from "../graph/graph.ts";

/** Where an input of a loss comes from; all inputs of one example are of the same clip and the same noise level. */
export type TrainingSource =
  /** The clip's pixels in -1 to 1; through `encoder`, a graph of the model whose weights the stage leaves alone, where it names one. */
  | { readonly from: "clip"; readonly encoder: string | null }
  /** One frame of a clip, drawn evenly among its frames: [B, 3, H, W], or [B, F, 3, H, W] of F frames of several clips. */
  | { readonly from: "image"; readonly encoder: string | null }
  /** The caption's tokens; with the probability `dropped` those of the text `unguided`, for classifier-free guidance (Ho and Salimans, 2022). */
  | { readonly from: "text"; readonly dropped: number; readonly unguided: string }
  /** Standard normals, drawn anew for each step. */
  | { readonly from: "noise" }
  /** What the network is told of the noise level, [B]: the sampler's time step. */
  | { readonly from: "time" }
  /** What is left of the data at the noise level, [B]: √ᾱ, or 1 - t with flow matching. */
  | { readonly from: "signal" }
  /** How much noise there is, [B]: √(1 - ᾱ), or t with flow matching. */
  | { readonly from: "sigma" };

export interface TrainingInput {
  readonly name: string;
  readonly source: TrainingSource;
}

/** How a weight is trained; those that a stage does not list are frozen. */
export interface TrainedWeight {
  readonly path: string;
  /** Times the stage's learning rate. */
  readonly rate: number;
  /** AdamW's decay, which is multiplied by the learning rate (Loshchilov and Hutter, 2019). */
  readonly weightDecay: number;
}

export interface OptimizerFigures {
  readonly learningRate: number;
  readonly betas: readonly [number, number];
  readonly eps: number;
  /** Steps over which the learning rate rises from 0 in a straight line. */
  readonly warmup: number;
  /** How the learning rate falls from the end of the warm-up to the stage's last step: not at all, or as half a cosine to `finalRate` times itself. */
  readonly decay: "constant" | "cosine";
  readonly finalRate: number;
  /** The largest norm of all gradients together; null: not clipped. */
  readonly clipNorm: number | null;
  /** Of the exponential average of the weights, which is what a run gives; null: the weights themselves. */
  readonly ema: number | null;
}

/** How noise levels are drawn. */
export interface LevelDensity {
  /** Evenly among the sampler's training steps, or by a logistic of normals (Esser et al., 2024). */
  readonly density: "uniform" | "logit-normal";
  /** u becomes u^power before it is scaled to the training steps: below 1 draws more noise. */
  readonly power: number;
}

/** A stage that minimises a loss. */
export interface LossStage extends OptimizerFigures {
  readonly kind: "loss";
  readonly name: string;
  readonly span: Span;
  /** The graph of the loss, at the batch that was asked for, after the passes that every target wants. Its first output is minimised: f32 [1], a mean over the batch; others, f32 [1] each, are reported beside it. */
  readonly loss: Graph;
  readonly inputs: readonly TrainingInput[];
  readonly trained: readonly TrainedWeight[];
  readonly levels: LevelDensity;
  /** Clips a step, all workers together, and steps, where the command line says nothing else. */
  readonly batch: number;
  readonly steps: number;
}

/** A stage that sets two weights to what a graph gives over the data: its mean and deviation by channel, so that latents get mean 0 and variance 1. */
export interface MeasureStage {
  readonly kind: "measure";
  readonly name: string;
  readonly span: Span;
  /** The graph of the model whose result is measured, and its input, a clip's pixels. */
  readonly graph: string;
  readonly input: string;
  /** Paths of the two weights, each of one number a channel. */
  readonly mean: string;
  readonly deviation: string;
}

export type TrainingStage = LossStage | MeasureStage;

/** All stages of a model in the order of its source. */
export interface Training {
  readonly stages: readonly TrainingStage[];
  /** Every weight of the model with its shape and how it starts, in the order of the source. */
  readonly weights: ReadonlyMap<string, Extract<Graph["values"][number], { readonly kind: "weight" }>>;
}

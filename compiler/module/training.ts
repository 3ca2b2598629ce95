/** How a model is trained once its source has been read: a stage after another, each a loss to minimise or a figure to measure; plain data, no syntax tree. */

import type { Span } from "../../dsl/index.ts";
import type { Graph } from "../graph/graph.ts";
import type { SamplerFigures } from "../package/sampler-figures.ts";
import type { Tokenizer } from "./module.ts";

/** Where an input of a loss comes from; all inputs of one example are of the same clip and the same noise level. */
export type TrainingSource =
  /** The clip's pixels in -1 to 1; through `encoder`, a graph of the model whose weights the stage leaves alone, where it names one. */
  | { readonly from: "clip"; readonly encoder: string | null }
  /** One frame of a clip, drawn evenly among its frames: [B, 3, H, W], or [B, F, 3, H, W] of F frames of several clips. */
  | { readonly from: "image"; readonly encoder: string | null }
  /** The caption's tokens; with the probability `dropped` those of the text `unguided`, for classifier-free guidance (Ho and Salimans, 2022). */
  | { readonly from: "text"; readonly dropped: number; readonly unguided: string }
  /** The class that the data set labels the clip with, by the label's name: i32 [B], from 0 to `classes` less one. */
  | { readonly from: "label"; readonly of: string; readonly classes: number }
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
  /** The share of clips that are one of their frames, F times: pictures among clips. */
  readonly stills: number;
  /** Clips a step, all workers together, and steps, where the command line says nothing else. */
  readonly batch: number;
  readonly steps: number;
}

/** A layer by its weight and bias, row-major: a convolution of one place or a linear layer. */
export interface LatentLayer {
  readonly weight: string;
  readonly bias: string;
  /** By which the latents are more than what the layer makes, or less than what it is given. */
  readonly scale: number;
}

/**
 * A stage that gives latents z mean 0 and deviation 1 in each channel over the data, by the layers on both sides of them. With the mean m
 * and the deviation s of the graph's result by channel, `writer`, whose first rows times its scale c are z, gets W / s and (b - m / c) / s in
 * those rows; each of `readers`, which is given z times its scale k, gets b + k W m, and then W with its columns times s: what it makes
 * of a clip stays what it was.
 */
export interface MeasureStage {
  readonly kind: "measure";
  readonly name: string;
  readonly span: Span;
  /** The graph of the model whose result is measured, and its input, a clip's pixels. */
  readonly graph: string;
  readonly input: string;
  /** Which axis of the graph's result are the channels, and how many they are. */
  readonly axis: number;
  readonly channels: number;
  readonly writer: LatentLayer;
  readonly readers: readonly LatentLayer[];
}

export type TrainingStage = LossStage | MeasureStage;

/** All stages of a model that are run, in the order of its source, and what they need of the model. */
export interface Training {
  readonly stages: readonly TrainingStage[];
  /** Names of the stages whose `when` is false. */
  readonly left: readonly string[];
  /** Every weight of the model and of the losses with its shape and how it starts, in the order of the source. */
  readonly weights: ReadonlyMap<string, Extract<Graph["values"][number], { readonly kind: "weight" }>>;
  /** The graphs that stages put clips through, and those that are measured, by name: as written in the source, after the passes that every target wants, at the batch of the source. */
  readonly encoders: ReadonlyMap<string, Graph>;
  /** What a clip must be, in pixels and frames; null where no stage takes any. */
  readonly clip: { readonly frames: number; readonly height: number; readonly width: number } | null;
  /** What noise levels go by; null where the model has no sampler. */
  readonly sampler: SamplerFigures | null;
  readonly tokenizer: Tokenizer | null;
}

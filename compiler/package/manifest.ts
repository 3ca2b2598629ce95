/** The manifest of a package: all that a runtime must know to check the files and to sample, as plain JSON. Types only. */

import type { DType } from "../graph/graph.ts";

export interface TensorSpec {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** The axes as the source names them: `["B", "F", "Z", "H", "W"]`. */
  readonly axes: readonly string[];
}

/** A file of the package, and its hash in hexadecimal. */
export interface FileSpec {
  /** Relative to the package. */
  readonly file: string;
  readonly sha256: string;
}

export interface GraphSpec {
  /** `onnx/step.onnx`; absent where the package was built without the target `onnx`. */
  readonly onnx?: FileSpec;
  /** `webgpu/step.json`, a `Plan`, and the source of its kernels, `webgpu/step.wgsl`; absent without the target `webgpu`. */
  readonly webgpu?: { readonly plan: FileSpec; readonly kernels: FileSpec };
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  /** 2 × multiply-adds of one run. */
  readonly flops: number;
  readonly parameters: number;
}

/** The one weight file (law 7). Offsets in the ONNX graphs count from its first byte. */
export interface WeightsSpec {
  readonly file: "weights.safetensors";
  readonly bytes: number;
  readonly headerBytes: number;
  readonly tensors: number;
  readonly parameters: number;
  /** Of the whole file; absent when the package was built without weights (`--weights` or `--init` not given). */
  readonly sha256?: string;
}

export interface TokenizerSpec {
  readonly file: "tokenizer.json";
  /** The number of tokens that `encodeText` takes; a prompt is padded to it with `pad`, and refused beyond it. */
  readonly length: number;
  readonly pad: string;
}

export type Method = "ddim" | "dpm++2m" | "euler";

export interface SamplerSpec {
  readonly method: Method;
  readonly steps: number;
  /** Classifier-free guidance: u + guidance (c − u). */
  readonly guidance: number;
  readonly predicts: "epsilon" | "v";
  readonly schedule: "scaled-linear" | "cosine";
  /** First and last beta of the scaled-linear schedule; unused by the cosine one. */
  readonly betas: readonly [number, number];
  readonly trainSteps: number;
  /** DDIM's noise: 0 deterministic, 1 ancestral. */
  readonly eta: number;
  /**
   * The graphs of the loop: `prepare` runs once a prompt on the text of both halves of the guided batch, its outputs are
   * fed by name to `step`, which runs once a step on [prompt half, empty-prompt half] stacked along the batch.
   */
  readonly graph: string;
  readonly prepare: string;
  readonly step: string;
  /** Names of `step`'s inputs that change from step to step. */
  readonly latent: string;
  readonly time: string;
  /** The input of `prepare` that takes the text embedding. */
  readonly text: string;
}

export interface Manifest {
  readonly format: "mvc-package";
  readonly formatVersion: 1;
  readonly compiler: string;
  readonly model: string;
  readonly preset: string | null;
  readonly ablations: readonly string[];
  readonly precision: "f32" | "f16";
  readonly weights: WeightsSpec;
  readonly tokenizer: TokenizerSpec | null;
  readonly graphs: { readonly [name: string]: GraphSpec };
  readonly sampler: SamplerSpec | null;
}

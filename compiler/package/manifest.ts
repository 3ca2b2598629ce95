/** The manifest of a package: all that a runtime must know to check the files and to sample, as plain JSON. `read-manifest.ts` checks it. */

import type { Source } from "../../dsl/sampling.ts";
import type { DType } from "../graph/graph.ts";
import type { SamplerFigures } from "./sampler-figures.ts";

export type { Method } from "../../dsl/sampling.ts";

/** Goes up with every change that an older runtime would read wrongly, or an older package lacks. */
export const formatVersion = 4;

export interface TensorSpec {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** The axes as the source names them: `["B", "F", "Z", "H", "W"]`. */
  readonly axes: readonly string[];
  /** Of i32 that are looked up in tables: the rows of the smallest; each must be from 0 to one less. */
  readonly ids?: number;
}

/** A file of the package, its size, and its hash in hexadecimal: a page knows what it will download before it does. */
export interface FileSpec {
  /** Relative to the package. */
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
}

export interface OnnxSpec extends FileSpec {
  /** `step.weights.safetensors`, where the graph has a file of its own weights; else they are in the package's one file. */
  readonly weights?: FileSpec & { readonly bytes: number };
}

export interface GraphSpec {
  /** `step.onnx`, beside the weight file that it points into; absent where the package was built without the target `onnx`. */
  readonly onnx?: OnnxSpec;
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

export interface TokenizerSpec extends FileSpec {
  readonly file: "tokenizer.json";
  /** Prompts are padded with it to the length that the condition's graph takes, and refused beyond. */
  readonly pad: string;
  /** How the model's sentences go, where they have one form: to meet an unknown word with words of its kind. */
  readonly prompts?: PromptForm;
}

export interface PromptForm {
  /** `a {colour} {shape} {motion}`. */
  readonly sentence: string;
  /** What may stand for each name of the sentence: words, or several at once ("moves right"). */
  readonly words: { readonly [kind: string]: readonly string[] };
}

/** An input of the looped graph that stays the same from step to step. */
export interface ConditionSpec {
  readonly name: string;
  readonly from: Source;
  /** The graph that makes the condition of tokens or pictures; null where the looped graph takes what is fed. */
  readonly encoder: string | null;
  /** In the unguided half: null as in the guided one, a number in all places, or a text in the prompt's place. */
  readonly unguided: number | string | null;
}

/** The recipe by which clips are sampled: figures, and which graph and tensor plays which role. */
export interface SamplerSpec extends SamplerFigures {
  /** The looped graph as the source has it. */
  readonly graph: string;
  /**
   * The graphs of the loop. `prepare` runs once on the conditions of both halves of the guided batch, and its outputs are fed by
   * name to `step`, which runs once a step on [guided half, unguided half] stacked along the batch. Each condition goes to
   * whichever of them has an input of its name. `prepare` is null where nothing stays the same from step to step.
   * Where no condition differs in the unguided half there is none: both take the plain batch. At guidance 1 `graph` itself is looped.
   */
  readonly prepare: string | null;
  readonly step: string;
  /** Names of `step`'s inputs that change from step to step. */
  readonly latent: string;
  readonly time: string;
  readonly conditions: readonly ConditionSpec[];
  /** The graph that makes pictures of the latent; null where the latent is the result. */
  readonly frames: string | null;
  /** The graph that makes latents of pictures, the way back from `frames`; null where clips start from noise or from latents alone. */
  readonly latents: string | null;
  /**
   * Whether each frame of a clip hangs on the frames up to itself alone, through the looped graph and `frames`, by what their ops
   * read: the first frames of a clip are then the clip that a build of fewer frames makes.
   */
  readonly directed: boolean;
}

/** Whether the loop's graphs run at twice the batch: some condition is another in the unguided half. */
export function hasUnguidedHalf({ conditions }: Pick<SamplerSpec, "conditions">): boolean {
  return conditions.some(({ unguided }) => unguided !== null);
}

export interface Manifest {
  readonly format: "mvc-package";
  readonly formatVersion: typeof formatVersion;
  readonly compiler: string;
  readonly model: string;
  readonly preset: string | null;
  readonly ablations: readonly string[];
  readonly precision: "f32" | "f16";
  readonly weights: WeightsSpec;
  /** The model in PyTorch, `model.py`, and how it is trained: no runtime reads them. Absent without the target `torch`. */
  readonly torch?: readonly FileSpec[];
  readonly tokenizer: TokenizerSpec | null;
  readonly graphs: { readonly [name: string]: GraphSpec };
  readonly sampler: SamplerSpec | null;
}

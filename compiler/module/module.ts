/** What a model is once its source has been read: graphs, the recipe by which clips are sampled, and where each stands in the source; plain data, no syntax tree. */

import type { Span } from "../../dsl/index.ts";
import type { Graph } from "../graph/graph.ts";
import type { SamplerSpec } from "../package/manifest.ts";
import type { Layout } from "./layout.ts";

export interface Tokenizer {
  /** Relative to the source. */
  readonly file: string;
  readonly pad: string;
  /** Where the source decides them. */
  readonly spans: { readonly file: Span; readonly pad: Span };
  readonly prompts: readonly Prompt[];
}

/** A condition that comes from text. */
export interface Prompt {
  /** What its tokens are fed to. */
  readonly tensor: string;
  readonly length: number;
  /** How many ids the smallest table that they are looked up in has, and where the source decides that. */
  readonly ids: { readonly rows: number; readonly span: Span } | undefined;
  /** What the unguided half is told, where that is a text. */
  readonly unguided: { readonly text: string; readonly span: Span } | undefined;
}

export interface Module {
  readonly name: string;
  readonly preset: string | null;
  readonly ablations: readonly string[];
  readonly precision: "f32" | "f16";
  /** The model's graphs as the source has them: what reports count. */
  readonly written: ReadonlyMap<string, Graph>;
  /** The graphs to emit, by name: the model's, and the two that are made of the looped one. */
  readonly graphs: ReadonlyMap<string, Graph>;
  /** Where each graph is named in the source; those that are made stand where the sampler names the looped one. */
  readonly origins: ReadonlyMap<string, Span>;
  readonly sampler: SamplerSpec | null;
  readonly tokenizer: Tokenizer | null;
  /** Those that the source declares of the model. */
  readonly layouts: readonly Layout[];
  /** What the source says and no clip hears of, one sentence each: a condition that nothing reads, a tokenizer without text. */
  readonly unused: readonly string[];
}

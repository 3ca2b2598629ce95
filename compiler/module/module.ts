/** What a model is once its source has been read: graphs, the recipe by which clips are sampled, and where each stands in the source; plain data, no syntax tree. */

import type { Span } from "../../dsl/index.ts";
import type { Graph } from "../graph/graph.ts";
import type { SamplerSpec } from "../package/manifest.ts";

export interface Tokenizer {
  /** Relative to the source. */
  readonly file: string;
  readonly pad: string;
  /** Of `file` in the source. */
  readonly span: Span;
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
  /** What the source says and no clip hears of, one sentence each: a condition that nothing reads, a tokenizer without text. */
  readonly unused: readonly string[];
}

/** A module's tokenizer file against the graphs that take its tokens: what a package would refuse at its first prompt is told before it is built. */

import { idBounds } from "../compiler/analysis/id-bounds.ts";
import type { Module } from "../compiler/module/module.ts";
import type { ConditionSpec } from "../compiler/package/manifest.ts";
import { mvcError } from "../runtime/errors.ts";
import { largestId, loadTokenizer } from "../runtime/tokenizer.ts";

/** Throws MvcError `tokenizer-invalid`, `tokenizer-mismatch`, and `word-unknown` or `prompt-too-long` for the unguided half's text. */
export function checkTokenizer(module: Module, file: string, text: string): void {
  const { tokenizer, sampler } = module;
  if (tokenizer === null) return;
  const encode = loadTokenizer(text, { file, pad: tokenizer.pad });
  const id = largestId(text, file);
  for (const condition of sampler?.conditions ?? []) {
    if (condition.from !== "text") continue;
    const { name, ids, length } = tokensOf(module, condition);
    if (id >= ids) throw mvcError("tokenizer-mismatch", { file, id, tensor: name, ids });
    if (typeof condition.unguided === "string") encode(condition.unguided, length);
  }
}

/** The tensor that a condition's tokens go to: the encoder's, or the loop's own. */
function tokensOf({ graphs, sampler }: Module, { name, encoder }: ConditionSpec) {
  for (const graph of [encoder, sampler?.prepare, sampler?.step].map((one) => graphs.get(one ?? ""))) {
    for (const value of graph?.values ?? []) {
      if (graph === undefined || value.kind !== "input" || (encoder === null && value.name !== name)) continue;
      const ids = idBounds(graph).get(value.name) ?? Number.POSITIVE_INFINITY;
      return { name: value.name, ids, length: value.type.shape[1] ?? 0 };
    }
  }
  throw new Error(`tokenizer: no graph takes the tokens of ${name}`);
}

/** A model's training to what a file of clips has beside them for a trainer without a tokenizer: each caption, and each text that stands for none, as tokens. */

import { sizeOf } from "../../compiler/graph/graph.ts";
import { tensorSource } from "../../runtime/node/safetensors-file.ts";
import { i32 } from "../../runtime/tensor.ts";
import type { Beside } from "../data/write-dataset.ts";
import type { Prepared } from "./prepare.ts";
import { tokensOf } from "./tokens.ts";

/**
 * `tokens.L` i32 [N, L] of the captions and `unguided.L` i32 [U, L] of the metadata's texts `unguided`, for each length L that a stage takes.
 * @throws MvcError as `tokensOf`, `word-unknown`
 */
export function captionsAsTokens(prepared: Prepared, note: (text: string) => void): (captions: readonly string[]) => Beside {
  const texts = prepared.training.stages.flatMap((stage) => {
    if (stage.kind !== "loss") return [];
    const lengths = new Map(
      stage.loss.values.flatMap((value) =>
        value.kind === "input" ? [[value.name, sizeOf(value.type.shape) / (value.type.shape[0] ?? 1)] as const] : [],
      ),
    );
    return stage.inputs.flatMap(({ name, source }) =>
      source.from === "text" && lengths.has(name) ? [{ length: lengths.get(name) ?? 0, unguided: source.unguided }] : [],
    );
  });
  const read = tokensOf(prepared, note);
  const unguided = [...new Set(texts.map((text) => text.unguided))];
  const table = (name: string, rows: readonly string[], length: number) => {
    const data = new Int32Array(rows.length * length);
    for (const [i, text] of rows.entries()) data.set(read(text, length), i * length);
    return tensorSource(`${name}.${length}`, i32([rows.length, length], data));
  };
  return (captions) => ({
    tensors: [...new Set(texts.map((text) => text.length))].flatMap((length) => [
      table("tokens", captions, length),
      table("unguided", unguided, length),
    ]),
    metadata: { unguided: JSON.stringify(unguided) },
  });
}

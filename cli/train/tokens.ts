/** A model's tokenizer file to what training asks of it: the tokens of a caption. */

import type { Tokenizer } from "../../compiler/module/module.ts";
import { mvcError } from "../../runtime/errors.ts";
import { promptReader } from "../../runtime/prompt.ts";
import { loadTokenizer } from "../../runtime/tokenizer.ts";
import type { ReadTokens } from "../../training/node/sources.ts";
import { shownPath } from "../shown-path.ts";
import type { TokenizerFile } from "../tokenizer-file.ts";
import type { Prepared } from "./prepare.ts";

/** Throws MvcError `not-trainable` where captions are taken and the model names no tokenizer, when one is read; and as `tokenReader`. */
export function tokensOf({ training: { tokenizer, stages }, tokenizer: file }: Prepared, note: (text: string) => void): ReadTokens {
  const reads = stages.some((stage) => stage.kind === "loss" && stage.inputs.some(({ source }) => source.from === "text"));
  if (reads && tokenizer !== null && file !== undefined) return tokenReader(tokenizer, file, note);
  return (): Int32Array => {
    if (!reads) throw new Error("train: tokens of a training without text");
    throw mvcError("not-trainable", {
      reason: "a stage takes captions, but the model names no tokenizer",
      way: "declare `tokenizer { file: …, pad: … }`",
    });
  };
}

/**
 * Captions that are too long lose their end, which `note` hears of once.
 * @throws MvcError `file-missing` where there is no file, `tokenizer-invalid`; and of a caption, when it is read, `word-unknown`
 */
export function tokenReader(tokenizer: Tokenizer, file: TokenizerFile, note: (text: string) => void): ReadTokens {
  if (file.kind !== "found") {
    const path = file.kind === "absent" ? shownPath(file.path) : tokenizer.file;
    throw mvcError("file-missing", { file: path, what: "the tokenizer, by which captions become tokens," });
  }
  const loaded = loadTokenizer(file.text, {
    file: shownPath(file.path),
    pad: tokenizer.pad,
    ...(file.prompts && { prompts: file.prompts }),
  });
  let isFirst = true;
  const read = promptReader(loaded, {
    longPrompt: "truncate",
    onTruncated: ({ prompt, tokens, limit }) => {
      if (isFirst) note(`captions of more than ${limit} tokens lose their end, such as ${JSON.stringify(prompt)} of ${tokens}`);
      isFirst = false;
    },
  });
  return (text, count) => read(text, { pieces: 1, length: count }).tokens;
}

/** A prompt to the token numbers that a graph takes, by the rules in the package's tokenizer.json. */

import { Tokenizer } from "@huggingface/tokenizers";
import type { TokenizerSpec } from "../compiler/package/manifest.ts";
import { MvcError, mvcError, reasonOf } from "./errors.ts";
import { mostWays, patternsOf, waysOf } from "./pattern-work.ts";
import { kindsOf } from "./sentence-form.ts";

/** A prompt to exactly `length` token numbers; throws MvcError `prompt-too-long` or `word-unknown`. */
export type EncodePrompt = (prompt: string, length: number) => Int32Array;

/** What is used of the library: its own types do not resolve under Node's rules for modules. */
interface Library {
  encode(text: string, options?: { add_special_tokens: boolean }): { readonly ids: readonly number[] };
  token_to_id(token: string): number | undefined;
  get_vocab(withAddedTokens: boolean): ReadonlyMap<string, number>;
}

/** How many words of the vocabulary an error about an unknown word names. */
const EXAMPLES = 12;

/**
 * Reads tokenizer.json (Hugging Face's format).
 * @throws MvcError `tokenizer-invalid`.
 */
export function loadTokenizer(text: string, spec: Pick<TokenizerSpec, "pad" | "prompts"> & { readonly file: string }): EncodePrompt {
  const { tokenizer, unknown } = parse(text, spec.file);
  const form = spec.prompts;
  const pad = tokenizer.token_to_id(spec.pad);
  if (pad === undefined) {
    throw mvcError("tokenizer-invalid", { file: spec.file, reason: `the padding token "${spec.pad}" is not in the vocabulary` });
  }
  const unknownId = unknown === undefined ? undefined : tokenizer.token_to_id(unknown);
  const isUnknown = (part: string) => tokenizer.encode(part, { add_special_tokens: false }).ids.some((id) => id === unknownId);
  return (given, length) => {
    // A full stop that the vocabulary lacks says nothing; one that it has is a token.
    const stopped = unknownId !== undefined && given.trimEnd().endsWith(".") && isUnknown(".");
    const prompt = stopped ? given.trimEnd().slice(0, -1) : given;
    const words = prompt.split(/\s+/).filter((word) => word !== "");
    if (unknownId !== undefined && isUnknown(prompt)) {
      const strange = words.filter(isUnknown);
      throw mvcError("word-unknown", {
        words: strange.length > 0 ? [...new Set(strange)] : [prompt],
        examples: plainWords(tokenizer),
        form: form && { sentence: form.sentence, kinds: kindsOf(form, words, isUnknown) },
      });
    }
    const { ids } = tokenizer.encode(prompt);
    if (ids.length > length) {
      throw mvcError("prompt-too-long", { tokens: ids.length, limit: length, left: wordsBeyond(tokenizer, words, length) });
    }
    const tokens = new Int32Array(length).fill(pad);
    tokens.set(ids);
    return tokens;
  };
}

/** The largest id that prompts may become. Throws MvcError `tokenizer-invalid`. */
export function largestId(text: string, file: string): number {
  return [...parse(text, file).tokenizer.get_vocab(true).values()].reduce((largest, id) => Math.max(largest, id), 0);
}

/** The tokenizer, and the token that stands for what its vocabulary lacks, where it has one. */
function parse(text: string, file: string): { readonly tokenizer: Library; readonly unknown: string | undefined } {
  try {
    const json = JSON.parse(text) as { readonly model?: { readonly unk_token?: unknown } };
    const endless = patternsOf(json).find((pattern) => waysOf(pattern) > mostWays);
    if (endless !== undefined) {
      const shown = endless.length > 60 ? `${endless.slice(0, 60)}…` : endless;
      throw mvcError("tokenizer-invalid", { file, reason: `its pattern ${shown} could take longer on a prompt than anybody waits` });
    }
    const token = json.model?.unk_token;
    const unknown = typeof token === "string" ? token : undefined;
    // The library reads a word-level model's unknown token from the second file of older tokenizers only.
    return { tokenizer: new Tokenizer(json, unknown === undefined ? {} : { unk_token: unknown }), unknown };
  } catch (error) {
    if (error instanceof MvcError) throw error;
    const reason = error instanceof SyntaxError ? "it is not JSON" : `the tokenizer library refuses it (${reasonOf(error)})`;
    throw mvcError("tokenizer-invalid", { file, reason });
  }
}

/** The words after the longest beginning of the prompt that fits, by halving: a prompt may be a whole book. */
function wordsBeyond(tokenizer: Library, words: readonly string[], length: number): readonly string[] {
  let [fits, tooMany] = [0, words.length];
  while (tooMany - fits > 1) {
    const middle = Math.floor((fits + tooMany) / 2);
    if (tokenizer.encode(words.slice(0, middle).join(" ")).ids.length <= length) fits = middle;
    else tooMany = middle;
  }
  return words.slice(fits);
}

function plainWords(tokenizer: Library): readonly string[] {
  return [...tokenizer.get_vocab(false).keys()].filter((word) => /^\p{L}{2,}$/u.test(word)).slice(0, EXAMPLES);
}

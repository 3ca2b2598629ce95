/** A text to token numbers, by the rules in the package's tokenizer.json. */

import { Tokenizer } from "@huggingface/tokenizers";
import type { TokenizerSpec } from "../compiler/package/manifest.ts";
import { isRecord } from "./arguments.ts";
import { MvcError, mvcError, reasonOf } from "./errors.ts";
import { mostWays, patternsOf, waysOf } from "./pattern-work.ts";
import { kindsOf } from "./sentence-form.ts";

export interface PromptTokenizer {
  /** The token numbers of a text alone. Throws MvcError `word-unknown`. */
  readonly idsOf: (text: string) => readonly number[];
  /** The marks before and behind each text. */
  readonly before: readonly number[];
  readonly after: readonly number[];
  /** What stands behind the last mark. */
  readonly pad: number;
}

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
export function loadTokenizer(text: string, spec: Pick<TokenizerSpec, "pad" | "prompts"> & { readonly file: string }): PromptTokenizer {
  const { tokenizer, unknown } = parse(text, spec.file);
  const form = spec.prompts;
  const pad = tokenizer.token_to_id(spec.pad);
  if (pad === undefined) {
    throw mvcError("tokenizer-invalid", { file: spec.file, reason: `the padding token "${spec.pad}" is not in the vocabulary` });
  }
  const plain = (part: string) => tokenizer.encode(part, { add_special_tokens: false }).ids;
  const { before, after } = marksOf(tokenizer, plain);
  const unknownToken = unknown === undefined ? undefined : tokenizer.token_to_id(unknown);
  // CLIP's own file names its mark of the end for what is unknown, which nothing is.
  const unknownId = unknownToken !== undefined && [...before, ...after].includes(unknownToken) ? undefined : unknownToken;
  const isUnknown = (part: string) => plain(part).some((id) => id === unknownId);
  const idsOf = (given: string): readonly number[] => {
    // A full stop that the vocabulary lacks says nothing; one that it has is a token.
    const stopped = unknownId !== undefined && given.trimEnd().endsWith(".") && isUnknown(".");
    const text = stopped ? given.trimEnd().slice(0, -1) : given;
    if (unknownId !== undefined && isUnknown(text)) {
      const words = text.split(/\s+/).filter((word) => word !== "");
      const strange = words.filter(isUnknown);
      throw mvcError("word-unknown", {
        words: strange.length > 0 ? [...new Set(strange)] : [text],
        examples: plainWords(tokenizer),
        form: form && { sentence: form.sentence, kinds: kindsOf(form, words, isUnknown) },
      });
    }
    return plain(text);
  };
  return { idsOf, before, after, pad };
}

/** What stands around a text that becomes any tokens. */
function marksOf(tokenizer: Library, plain: (text: string) => readonly number[]): Pick<PromptTokenizer, "before" | "after"> {
  const probe = plain("a").length > 0 ? "a" : (plainWords(tokenizer).find((text) => plain(text).length > 0) ?? "");
  const [bare, whole] = [plain(probe), tokenizer.encode(probe).ids];
  const at = whole.findIndex((_, i) => bare.every((id, j) => whole[i + j] === id));
  return { before: whole.slice(0, at), after: whole.slice(at + bare.length) };
}

/** The largest id that prompts may become. Throws MvcError `tokenizer-invalid`. */
export function largestId(text: string, file: string): number {
  return [...parse(text, file).tokenizer.get_vocab(true).values()].reduce((largest, id) => Math.max(largest, id), 0);
}

/** A library that makes room for every id up to the largest never ends where one is far beyond all words. */
const mostIds = 2 ** 24;

/** What words are looked up as; of a list of words their places are. */
function idsIn(json: Read): readonly unknown[] {
  const { vocab } = json.model ?? {};
  const own = isRecord(vocab) ? Object.values(vocab) : [];
  const added = Array.isArray(json.added_tokens) ? json.added_tokens.flatMap((token) => (isRecord(token) ? [token.id] : [])) : [];
  return [...own, ...added];
}

/** What is read of tokenizer.json before the library reads it. */
interface Read {
  readonly model?: { readonly unk_token?: unknown; readonly vocab?: unknown };
  readonly added_tokens?: unknown;
}

/** The tokenizer, and the token that stands for what its vocabulary lacks, where it has one. */
function parse(text: string, file: string): { readonly tokenizer: Library; readonly unknown: string | undefined } {
  try {
    const json = JSON.parse(text) as Read;
    const endless = patternsOf(json).find((pattern) => waysOf(pattern) > mostWays);
    if (endless !== undefined) {
      const shown = endless.length > 60 ? `${endless.slice(0, 60)}…` : endless;
      throw mvcError("tokenizer-invalid", { file, reason: `its pattern ${shown} could take longer on a prompt than anybody waits` });
    }
    const far = idsIn(json).find((id) => !(Number.isSafeInteger(id) && (id as number) >= 0 && (id as number) < mostIds));
    if (far !== undefined) throw mvcError("tokenizer-invalid", { file, reason: `it gives a word the id ${far}, which no table has` });
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

function plainWords(tokenizer: Library): readonly string[] {
  return [...tokenizer.get_vocab(false).keys()].filter((word) => /^\p{L}{2,}$/u.test(word)).slice(0, EXAMPLES);
}

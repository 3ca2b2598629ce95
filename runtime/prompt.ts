/** A prompt to the token numbers that a model's encoder takes, with what each of them weighs. */

import { mvcError } from "./errors.ts";
import type { PromptTokenizer } from "./tokenizer.ts";
import { type WeighedText, weighedTexts } from "./word-weights.ts";

/** What is done with a prompt of more tokens than the model takes. */
export const longPrompts = ["error", "truncate", "chunk"] as const;
export type LongPrompt = (typeof longPrompts)[number];

/** A prompt whose end was left out. */
export interface TruncatedPrompt {
  readonly prompt: string;
  /** The words that the model is not told, and the last of those that it is told in part. */
  readonly dropped: readonly string[];
  /** With the marks of start and end. */
  readonly tokens: number;
  readonly limit: number;
}

export interface PromptOptions {
  /**
   * "error"; "truncate", which leaves out its end and keeps the mark of it; or "chunk": pieces, each with marks of its own and encoded by
   * itself, one after another along the token axis, of which a package holds so many as it was built for. What a prompt leaves of the pieces is empty
   * ones. "error" when not given.
   */
  readonly longPrompt?: LongPrompt;
  /** `(word:1.3)` in prompts weighs a word, as `weighedTexts` reads it; else parentheses are text. */
  readonly wordWeights?: boolean;
  /** Hears of each prompt that is truncated, before the work. */
  readonly onTruncated?: (prompt: TruncatedPrompt) => void;
}

/** What an encoder takes of a prompt: rows of `length` tokens. */
export interface PromptRows {
  readonly pieces: number;
  readonly length: number;
}

export interface PromptTokens {
  /** [pieces, length] */
  readonly tokens: Int32Array;
  /** Of each token, 1 of marks and padding; undefined where all are 1. */
  readonly weights: Float32Array | undefined;
}

/** Throws MvcError `prompt-too-long`, `word-unknown`, `word-weights-invalid`. The model's own text is taken as it is, without weights. */
export type ReadPrompt = (prompt: string, rows: PromptRows, of?: "caller" | "model") => PromptTokens;

interface Said extends WeighedText {
  readonly ids: readonly number[];
}

export function promptReader(tokenizer: PromptTokenizer, options: PromptOptions = {}): ReadPrompt {
  const { longPrompt = "error", wordWeights = false, onTruncated } = options;
  const { idsOf, before, after, pad } = tokenizer;
  const marks = before.length + after.length;
  return (prompt, { pieces, length }, of = "caller") => {
    const texts = wordWeights && of === "caller" ? weighedTexts(prompt) : [{ text: prompt, weight: 1 }];
    const said = texts.map((one): Said => ({ ...one, ids: idsOf(one.text) }));
    const room = length - marks;
    const ids = said.flatMap((one) => one.ids);
    const held = longPrompt === "chunk" ? room * pieces : room;
    if (ids.length > held) {
      const taken = longPrompt === "chunk" ? pieces : 1;
      const needed = longPrompt === "chunk" && room > 0 ? Math.ceil(ids.length / room) : 1;
      const dropped = wordsBeyond(said, Math.max(held, 0), idsOf);
      const [tokens, limit] = [ids.length + marks * needed, length * taken];
      if (longPrompt !== "truncate" || room < 0) throw mvcError("prompt-too-long", { tokens, limit, left: dropped, longPrompt, pieces });
      onTruncated?.({ prompt, dropped, tokens, limit });
    }
    const tokens = new Int32Array(pieces * length).fill(pad);
    const weights = new Float32Array(pieces * length).fill(1);
    const weightOf = said.flatMap((one) => one.ids.map(() => one.weight));
    for (let piece = 0; piece < pieces; piece++) {
      const [from, to] = [piece * room, Math.min((piece + 1) * room, held)];
      tokens.set([...before, ...ids.slice(from, to), ...after], piece * length);
      weights.set(weightOf.slice(from, to), piece * length + before.length);
    }
    return { tokens, weights: weights.some((weight) => weight !== 1) ? weights : undefined };
  };
}

/** The words after the longest beginning that fits, by halving: a prompt may be a whole book. */
function wordsBeyond(said: readonly Said[], held: number, idsOf: PromptTokenizer["idsOf"]): readonly string[] {
  let room = held;
  const at = said.findIndex(({ ids }) => {
    room -= ids.length;
    return room < 0;
  });
  const cut = said[at];
  if (cut === undefined) return [];
  room += cut.ids.length;
  const words = wordsOf(cut);
  let [fits, tooMany] = [0, words.length];
  while (tooMany - fits > 1) {
    const middle = Math.floor((fits + tooMany) / 2);
    if (idsOf(words.slice(0, middle).join(" ")).length <= room) fits = middle;
    else tooMany = middle;
  }
  return [...words.slice(fits), ...said.slice(at + 1).flatMap(wordsOf)];
}

function wordsOf({ text }: WeighedText): readonly string[] {
  return text.split(/\s+/).filter((word) => word !== "");
}

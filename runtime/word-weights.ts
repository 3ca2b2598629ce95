/** A prompt in which some words weigh more to its texts and their weights, and encoded texts to what those weights make of them. */

import { mvcError } from "./errors.ts";
import { elements, f32, floatsOf, type TensorData } from "./tensor.ts";

export interface WeighedText {
  readonly text: string;
  readonly weight: number;
}

/** What a pair of parentheses without a number multiplies by; a pair of brackets divides by it. */
const emphasis = 1.1;

/** What weighs, and what is escaped to be text: `\(`. */
const marks = /\\[\\()[\]]|[()[\]]/g;
/** Before the parenthesis that closes. */
const number = /:\s*([+-]?(?:\d+\.?\d*|\.\d+))\s*$/;

/**
 * `(word)` weighs 1.1, `[word]` 1/1.1, `(word:1.3)` 1.3; what lies within each other multiplies; `\(`, `\)`, `\[`, `\]` and `\\` are text. The
 * syntax of the Stable Diffusion web UI (AUTOMATIC1111), but that what is not closed, or never opened, is an error.
 * @throws MvcError `word-weights-invalid`
 */
export function weighedTexts(prompt: string): readonly WeighedText[] {
  const refuse = (reason: string) => mvcError("word-weights-invalid", { prompt, reason });
  const texts: { text: string; weight: number }[] = [];
  const open: { readonly mark: string; readonly at: number; readonly first: number }[] = [];
  let from = 0;
  let text = "";
  const end = (upTo: number) => {
    text += prompt.slice(from, upTo);
    if (text !== "") texts.push({ text, weight: 1 });
    text = "";
  };
  for (const { 0: mark, index } of prompt.matchAll(marks)) {
    if (mark.length === 2) {
      text += prompt.slice(from, index) + mark.charAt(1);
      from = index + 2;
      continue;
    }
    if (mark === "(" || mark === "[") {
      end(index);
      open.push({ mark, at: index + 1, first: texts.length });
    } else {
      const begun = open.pop();
      const closes = mark === ")" ? "(" : "[";
      if (begun === undefined) throw refuse(`the "${mark}" at ${index + 1} closes nothing`);
      if (begun.mark !== closes) throw refuse(`the "${begun.mark}" at ${begun.at} is closed by the "${mark}" at ${index + 1}`);
      const said = number.exec(prompt.slice(from, index));
      if (said !== null && mark === "]") throw refuse(`the number${said[0]} stands in brackets, which take none`);
      end(said === null ? index : from + said.index);
      const by = said === null ? (mark === ")" ? emphasis : 1 / emphasis) : Number(said[1]);
      for (const one of texts.slice(begun.first)) one.weight *= by;
    }
    from = index + 1;
  }
  const left = open.pop();
  if (left !== undefined) throw refuse(`the "${left.mark}" at ${left.at} is not closed`);
  end(prompt.length);
  return joined(texts);
}

/** Neighbours of one weight are one text, so that a word is not cut where nothing changes. */
function joined(texts: readonly WeighedText[]): readonly WeighedText[] {
  const all: WeighedText[] = [];
  for (const { text, weight } of texts) {
    const last = all.at(-1);
    if (last?.weight === weight) all[all.length - 1] = { text: last.text + text, weight };
    else all.push({ text, weight });
  }
  return all.length === 0 ? [{ text: "", weight: 1 }] : all;
}

/**
 * Encoded texts [texts, tokens, …] times a weight for each token, each text then brought back to the mean that it had: as the web UI and
 * diffusers' `lpw_stable_diffusion` do it, so that the numbers that are known from there mean the same.
 */
export function weigh(encoded: TensorData, weights: Float32Array): TensorData {
  const [texts = 1] = encoded.shape;
  const values = floatsOf(encoded);
  const width = elements(encoded.shape) / weights.length;
  const size = values.length / texts;
  const weighed = values.map((value, i) => value * (weights[Math.floor(i / width)] ?? 1));
  for (let at = 0; at < values.length; at += size) {
    const [before, after] = [sum(values.subarray(at, at + size)), sum(weighed.subarray(at, at + size))];
    const plain = weights.subarray(at / width, (at + size) / width).every((weight) => weight === 1);
    // Of a mean of zero nothing can be restored.
    if (plain || after === 0) continue;
    for (let i = at; i < at + size; i++) weighed[i] = (weighed[i] ?? 0) * (before / after);
  }
  return f32(encoded.shape, weighed);
}

function sum(values: Float32Array): number {
  return values.reduce((all, value) => all + value, 0);
}

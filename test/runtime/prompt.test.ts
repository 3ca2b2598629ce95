// Prompts to rows of tokens: too long ones as an error, cut or in pieces; what each token weighs.

import { expect, test } from "vitest";
import { type PromptOptions, promptReader, type TruncatedPrompt } from "../../runtime/prompt.ts";
import { loadTokenizer } from "../../runtime/tokenizer.ts";
import { tokenizerJson } from "./tiny-package.ts";

const tokenizer = loadTokenizer(tokenizerJson, { file: "tokenizer.json", pad: "<pad>" });
const [pad, start, end, , a, red, circle, moves] = [0, 1, 2, 3, 4, 5, 6, 7];
const read = (prompt: string, pieces: number, options: PromptOptions = {}) =>
  promptReader(tokenizer, options)(prompt, { pieces, length: 6 });
const tokens = (...given: Parameters<typeof read>) => [...read(...given).tokens];

test("the marks around a text are found, wherever its own words are", () => {
  expect(tokenizer).toMatchObject({ before: [start], after: [end], pad });
  expect(tokenizer.idsOf("a red circle")).toEqual([a, red, circle]);
});

test("truncated: the last token stays the mark of the end, and what is left out is told", () => {
  const heard: TruncatedPrompt[] = [];
  const options: PromptOptions = { longPrompt: "truncate", onTruncated: (prompt) => heard.push(prompt) };
  expect(tokens("a red circle moves red a", 1, options)).toEqual([start, a, red, circle, moves, end]);
  expect(heard).toEqual([{ prompt: "a red circle moves red a", dropped: ["red", "a"], tokens: 8, limit: 6 }]);
  expect(tokens("a red circle moves", 1, options)).toEqual([start, a, red, circle, moves, end]);
  expect(heard).toHaveLength(1);
  // Not into the next piece, which is there for prompts in pieces alone.
  expect(tokens("a red circle moves red a", 2, options).slice(6)).toEqual([start, end, pad, pad, pad, pad]);
});

test("pieces have marks of their own; what a prompt leaves of them is empty ones", () => {
  const chunk = { longPrompt: "chunk" } as const;
  expect(tokens("a red circle moves red a", 2, chunk)).toEqual([start, a, red, circle, moves, end, start, red, a, end, pad, pad]);
  expect(tokens("a red", 2, chunk)).toEqual([start, a, red, end, pad, pad, start, end, pad, pad, pad, pad]);
  expect(tokens("a a a a red red red red", 2, chunk)).toEqual([start, a, a, a, a, end, start, red, red, red, red, end]);
  // Also where a prompt is to fit into one.
  expect(tokens("a red", 2)).toEqual(tokens("a red", 2, chunk));
});

test.each<[string, number, PromptOptions, string, string]>([
  ["a red circle moves red a", 1, {}, "has 8 tokens, but the model takes 6", "`--long-prompt truncate`"],
  ["a red circle moves red a", 2, {}, "has 8 tokens, but the model takes 6", "read it in 2 pieces: `--long-prompt chunk`"],
  ["a a a a red red red red circle", 2, { longPrompt: "chunk" }, 'has 15 tokens, but the model takes 12: "circle" did not fit', "truncate"],
  ["a red circle moves red", 1, { longPrompt: "chunk" }, 'has 9 tokens, but the model takes 6: "red" did not fit', "docs/prompts.md"],
])("too long: %s in %i with %j", (prompt, pieces, options, message, hint) => {
  expect(() => read(prompt, pieces, options)).toThrow(message);
  try {
    read(prompt, pieces, options);
  } catch (error) {
    expect(error).toMatchObject({ code: "prompt-too-long", hint: expect.stringContaining(hint) });
  }
});

test("where not even the marks fit nothing is cut", () => {
  const short = promptReader(tokenizer, { longPrompt: "truncate" });
  expect(() => short("a", { pieces: 1, length: 1 })).toThrow('has 3 tokens, but the model takes 1: "a" did not fit');
  expect([...short("a", { pieces: 1, length: 2 }).tokens]).toEqual([start, end]);
});

test("weights lie at the tokens of their words, in whichever piece; marks and padding weigh 1", () => {
  const weighing = { wordWeights: true, longPrompt: "chunk" } as const;
  const { tokens, weights } = read("a (red circle moves red:2) [a]", 2, weighing);
  expect([...tokens]).toEqual([start, a, red, circle, moves, end, start, red, a, end, pad, pad]);
  expect(weights).toEqual(Float32Array.of(1, 1, 2, 2, 2, 1, 1, 2, 1 / 1.1, 1, 1, 1));
  expect(read("a (red:1)", 2, { ...weighing, longPrompt: "error" }).weights).toBeUndefined();
});

test("what is cut of a weighed prompt is told in its words, without its parentheses", () => {
  const heard: TruncatedPrompt[] = [];
  read("a (red circle:2) (moves red a:3) circle", 1, {
    wordWeights: true,
    longPrompt: "truncate",
    onTruncated: (prompt) => heard.push(prompt),
  });
  expect(heard[0]?.dropped).toEqual(["red", "a", "circle"]);
});

test("parentheses are text unless weights are asked for, and always in the model's own text", () => {
  expect(() => read("a (red:2)", 1)).toThrow("the model does not know the word");
  const reader = promptReader(tokenizer, { wordWeights: true });
  expect(reader("a (red:2)", { pieces: 1, length: 6 }).weights).toEqual(Float32Array.of(1, 1, 2, 1, 1, 1));
  expect(() => reader("a (red:2)", { pieces: 1, length: 6 }, "model")).toThrow("the model does not know the word");
});

test("CLIP's own file names the mark of the end for what is unknown: no prompt is refused for it", () => {
  const json = JSON.parse(tokenizerJson);
  json.model.unk_token = "<end>";
  const clip = loadTokenizer(JSON.stringify(json), { file: "tokenizer.json", pad: "<pad>" });
  expect(clip.idsOf("a dog red")).toEqual([a, end, red]);
});

/** Prompts to token numbers, and the prompts that a tokenizer refuses. */
import { expect, test } from "vitest";
import { loadTokenizer } from "../../runtime/tokenizer.ts";
import { tokenizerJson } from "./tiny-package.ts";

const spec = { file: "tokenizer.json", pad: "<pad>" } as const;
const read = loadTokenizer(tokenizerJson, spec);
const encode = (prompt: string) => read(prompt, 6);

test("start, words in lower case, end, padding", () => {
  expect(encode("A  red\tCircle")).toEqual(Int32Array.of(1, 4, 5, 6, 2, 0));
  expect(encode("")).toEqual(Int32Array.of(1, 2, 0, 0, 0, 0));
  expect(encode("a red circle moves")).toEqual(Int32Array.of(1, 4, 5, 6, 7, 2));
});

test("a prompt too long names what did not fit", () => {
  expect(() => encode("a red circle moves a red")).toThrow('the prompt has 8 tokens, but the model takes 6: "a", "red" did not fit');
  const book = "a red circle moves ".repeat(5000);
  expect(() => encode(book)).toThrow(/^the prompt has 20002 tokens, .*: "a", "red", .* and 19984 more did not fit$/);
});

test("unknown words are named once each, with words that are known", () => {
  expect(() => encode("a green circle jumps green")).toThrow('the model does not know the words "green", "jumps"');
  try {
    encode("a dog");
  } catch (error) {
    expect(error).toMatchObject({ code: "word-unknown", hint: 'it knows words such as "red", "circle", "moves"' });
  }
});

test("a pattern that would never end is refused before it is run", () => {
  const hostile = JSON.stringify({ ...JSON.parse(tokenizerJson), pre_tokenizer: { type: "Split", pattern: { Regex: "(a+)+$" } } });
  expect(() => loadTokenizer(hostile, spec)).toThrow("tokenizer.json: its pattern (a+)+$ could take longer on a prompt than anybody waits");
});

test("a broken tokenizer.json", () => {
  expect(() => loadTokenizer("{", spec)).toThrow("tokenizer.json: it is not JSON");
  expect(() => loadTokenizer("3", spec)).toThrow("tokenizer.json: the tokenizer library refuses it");
  expect(() => loadTokenizer("{}", spec)).toThrow("tokenizer.json: the tokenizer library refuses it");
  expect(() => loadTokenizer(tokenizerJson, { ...spec, pad: "<none>" })).toThrow(
    'tokenizer.json: the padding token "<none>" is not in the vocabulary',
  );
});

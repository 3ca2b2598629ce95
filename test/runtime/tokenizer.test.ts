/** Prompts to token numbers, and the prompts that a tokenizer refuses. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { readPromptForm } from "../../compiler/package/read-manifest.ts";
import { promptReader } from "../../runtime/prompt.ts";
import { loadTokenizer } from "../../runtime/tokenizer.ts";
import { tokenizerJson } from "./tiny-package.ts";

const spec = { file: "tokenizer.json", pad: "<pad>" } as const;
const readerOf = (json: string, of: Parameters<typeof loadTokenizer>[1] = spec) => {
  const read = promptReader(loadTokenizer(json, of));
  return (prompt: string, length: number) => read(prompt, { pieces: 1, length }).tokens;
};
const encode = (prompt: string) => readerOf(tokenizerJson)(prompt, 6);

test("start, words in lower case, end, padding", () => {
  expect(encode("A  red\tCircle")).toEqual(Int32Array.of(1, 4, 5, 6, 2, 0));
  expect(encode("")).toEqual(Int32Array.of(1, 2, 0, 0, 0, 0));
  expect(encode("a red circle moves")).toEqual(Int32Array.of(1, 4, 5, 6, 7, 2));
});

test("a prompt may end in a full stop, which is a token only where the vocabulary has one", () => {
  for (const prompt of ["a red circle moves.", "a red circle moves . ", "A red circle moves.\n"])
    expect(encode(prompt)).toEqual(encode("a red circle moves"));
  expect(() => encode("a. red")).toThrow('the model does not know the word "a."');
  expect(() => encode("a red..")).toThrow('does not know the word "red."');
  const json = JSON.parse(tokenizerJson);
  json.model.vocab["."] = 8;
  expect(readerOf(JSON.stringify(json))("a.", 6)).toEqual(Int32Array.of(1, 4, 8, 2, 0, 0));
  expect(() => encode(`a${" ".repeat(200_000)}dog.`)).toThrow('the word "dog"');
});

test.each<[string, string, string]>([
  ["a purple circle moves right", '"purple"', 'the colour is one of "red", "green", "blue", "yellow", "cyan", "magenta"'],
  ["a red dog moves right.", '"dog"', 'the shape is one of "circle", "square", "triangle", "star", "ring", "heart"'],
  ["purple circle moves right", '"purple"', 'the colour is one of "red", "green", "blue", "yellow", "cyan", "magenta"'],
  [
    "a red circle jumps right",
    '"jumps"',
    'the motion is one of "moves right", "moves left", "moves up", "moves down", "climbs right", "climbs left", "falls right", "falls left"',
  ],
  [
    "a red circle moves sideways",
    '"sideways"',
    'the motion is one of "moves right", "moves left", "moves up", "moves down", "climbs right", "climbs left", "falls right", "falls left"',
  ],
])("an unknown word of Mini is met with the form of its sentences and words of its kind: %s", (prompt, word, said) => {
  const mini = readerOf(readFileSync("models/mini.tokenizer.json", "utf8"), {
    ...spec,
    prompts: readPromptForm(JSON.parse(readFileSync("models/mini.prompts.json", "utf8"))),
  });
  expect(mini("a red circle moves right", 8)).toEqual(Int32Array.of(1, 4, 12, 6, 18, 21, 2, 0));
  try {
    mini(prompt, 8);
    expect.fail("nothing was thrown");
  } catch (error) {
    expect(error).toMatchObject({
      message: `the model does not know the word ${word}`,
      hint: `its prompts go "a {colour} {shape} {motion}"; ${said}`,
    });
  }
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

test("an id far beyond all words is refused, not waited for", () => {
  const json = JSON.parse(tokenizerJson);
  const far = (change: object) => JSON.stringify({ ...json, ...change });
  const vocab = { ...json.model.vocab, far: 4_000_000_000 };
  expect(() => loadTokenizer(far({ model: { ...json.model, vocab } }), spec)).toThrow(
    "tokenizer.json: it gives a word the id 4000000000, which no table has",
  );
  const added_tokens = [{ id: -1, content: "<x>" }];
  expect(() => loadTokenizer(far({ added_tokens }), spec)).toThrow("tokenizer.json: it gives a word the id -1, which no table has");
});

test("a broken tokenizer.json", () => {
  expect(() => loadTokenizer("{", spec)).toThrow("tokenizer.json: it is not JSON");
  expect(() => loadTokenizer("3", spec)).toThrow("tokenizer.json: the tokenizer library refuses it");
  expect(() => loadTokenizer("{}", spec)).toThrow("tokenizer.json: the tokenizer library refuses it");
  expect(() => loadTokenizer(tokenizerJson, { ...spec, pad: "<none>" })).toThrow(
    'tokenizer.json: the padding token "<none>" is not in the vocabulary',
  );
});

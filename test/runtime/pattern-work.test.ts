// Patterns that real tokenizers split by, and patterns that would never end.

import { expect, test } from "vitest";
import { mostWays, patternsOf, waysOf } from "../../runtime/pattern-work.ts";

const contraction = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";

/** Published: CLIP, GPT-2, Llama 3, GPT-4o, DeepSeek 3, T5, Falcon, Bloom. */
test.each([
  "'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+",
  "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
  `${contraction}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`,
  `[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+${contraction}?|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*${contraction}?|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`,
  "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
  " {2,}",
  "[0-9][0-9][0-9]",
  " ?[^(\\s|[.,!?…。，、।۔،])]+",
])("%s is taken", (pattern) => expect(waysOf(pattern)).toBeLessThanOrEqual(mostWays));

test.each([
  ["(a+)+$", "ways double with each character"],
  ["(?:a|a)*b", "the same by alternatives"],
  ["([a-z]*)*x", "by a star in a star"],
  ["(.*)(.*)(.*)x", "cubic"],
  [`${"a?".repeat(40)}${"a".repeat(40)}`, "2^40 by options"],
  [`${"(a|a)".repeat(40)}b`, "2^40 by alternatives"],
  ["(a?){50}a{50}", "2^50 by a count"],
  ["(?=(a+)+$)a", "within a look ahead"],
  ["a{0,1000}a{0,1000}a{0,1000}b", "cubic by counts"],
  ["(a", "no end"],
  ["a)", "no beginning"],
  ["[a", "a class without end"],
  ["(".repeat(10_000), "deeper than a stack"],
])("%s is refused: %s", (pattern) => expect(waysOf(pattern)).toBeGreaterThan(mostWays));

test("patterns are found wherever they lie", () => {
  const split = (Regex: string) => ({ type: "Split", pattern: { Regex } });
  expect(patternsOf({ normalizer: split("a"), pre_tokenizer: { type: "Sequence", pretokenizers: [split("b"), split("c")] } })).toEqual([
    "a",
    "b",
    "c",
  ]);
  expect(patternsOf({ pattern: { String: "(a+)+" } })).toEqual([]);
});

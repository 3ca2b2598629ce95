// The syntax of weighed words against what diffusers' lpw_stable_diffusion.py reads, and encoded texts that are weighed by hand.

import { expect, test } from "vitest";
import { f32 } from "../../runtime/tensor.ts";
import { weigh, weighedTexts } from "../../runtime/word-weights.ts";

/** Printed by `parse_prompt_attention` of huggingface/diffusers, examples/community/lpw_stable_diffusion.py. */
test.each<[string, readonly (readonly [text: string, weight: number])[]]>([
  ["normal text", [["normal text", 1.0]]],
  [
    "an (important) word",
    [
      ["an ", 1.0],
      ["important", 1.1],
      [" word", 1.0],
    ],
  ],
  ["(a red circle:1.3)", [["a red circle", 1.3]]],
  [
    "a ((red)) [blue] circle",
    [
      ["a ", 1.0],
      ["red", 1.2100000000000002],
      [" ", 1.0],
      ["blue", 0.9090909090909091],
      [" circle", 1.0],
    ],
  ],
  [
    "a (((house:1.3)) [on] a (hill:0.5), sun, (((sky)))).",
    [
      ["a ", 1.0],
      ["house", 1.5730000000000004],
      [" ", 1.1],
      ["on", 1.0],
      [" a ", 1.1],
      ["hill", 0.55],
      [", sun, ", 1.1],
      ["sky", 1.4641000000000006],
      [".", 1.0],
    ],
  ],
  [
    "\\(literal\\] \\\\ (x\\):2)",
    [
      ["(literal] \\ ", 1.0],
      ["x)", 2.0],
    ],
  ],
  ["(unnecessary)(parens)", [["unnecessaryparens", 1.1]]],
  ["", [["", 1.0]]],
  ["()", [["", 1.0]]],
  [
    "(a:b) 12:30 (c:.5)",
    [
      ["a:b", 1.1],
      [" 12:30 ", 1.0],
      ["c", 0.5],
    ],
  ],
  [
    "(a (b:2) c:3) d",
    [
      ["a ", 3.0],
      ["b", 6.0],
      [" c", 3.0],
      [" d", 1.0],
    ],
  ],
])("%j", (prompt, expected) => {
  const found = weighedTexts(prompt);
  expect(found.map(({ text }) => text)).toEqual(expected.map(([text]) => text));
  // Factors may be multiplied in another order.
  for (const [i, [, weight]] of expected.entries()) expect(found[i]?.weight).toBeCloseTo(weight, 12);
});

test("the web UI takes blanks around the number; a backslash before nothing that weighs is text", () => {
  expect(weighedTexts("(red : +1.5 ) a\\b")).toEqual([
    { text: "red ", weight: 1.5 },
    { text: " a\\b", weight: 1 },
  ]);
});

test.each<[string, string]>([
  ["a (red circle", 'the "(" at 3 is not closed'],
  ["a red) circle", 'the ")" at 6 closes nothing'],
  ["(a [red) circle]", 'the "[" at 4 is closed by the ")" at 8'],
  ["a [red:blue:0.5] circle", "the number:0.5 stands in brackets, which take none"],
])("%s is refused", (prompt, reason) => {
  expect(() => weighedTexts(prompt)).toThrow(`the weights of words in ${JSON.stringify(prompt)} cannot be read: ${reason}`);
});

test("a prompt of 20,000 parentheses is read, not waited for", () => {
  expect(weighedTexts(`${"(".repeat(10_000)}a${")".repeat(10_000)}`)).toHaveLength(1);
});

test("each text is weighed by itself and keeps its mean; one without weights keeps its numbers", () => {
  const encoded = f32([2, 2, 2], Float32Array.of(1, 2, 3, 6, 0.1, 0.2, 0.3, 0.4));
  // The first: 1, 2, 6, 12 of sum 21, where it was 12.
  const [a = 0, b = 0, c = 0, d = 0, ...rest] = weigh(encoded, Float32Array.of(1, 2, 1, 1)).data;
  for (const [found, before] of [
    [a, 1],
    [b, 2],
    [c, 6],
    [d, 12],
  ] as const) {
    expect(found).toBeCloseTo((before * 12) / 21, 6);
  }
  expect(rest).toEqual([...encoded.data.subarray(4)]);
});

test("a mean of zero, which nothing restores, is left", () => {
  expect([...weigh(f32([1, 2, 1], Float32Array.of(1, -0.5)), Float32Array.of(1, 2)).data]).toEqual([1, -1]);
});

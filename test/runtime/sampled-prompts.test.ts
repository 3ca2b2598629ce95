// Long prompts in pieces and words that weigh, sampled on each backend beside clips computed by hand; and what is refused before the work.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { compile } from "../../compiler/compile.ts";
import type { Pipeline } from "../../runtime/index.ts";
import { programOf } from "../compiler/expand/expanded.ts";
import { ddimByHand, figures } from "./conditions-by-hand.ts";
import { backends, SmallPackages } from "./small-packages.ts";
import { VOCABULARY } from "./tiny-package.ts";

/** Two frames of 1x2 pixels, told a text of pieces, which guidance leads away from another, a style that both halves have, and a number. */
const source = `
dim B = 1; dim L = 5; dim F = 2;
param pieces: int = 2;
model Told {
  tokenizer { file: "tokenizer.json", pad: "<pad>" }
  graph encodeText(tokens: Tensor<i32, [B, L]>): Tensor<float, [B, L, 2]> { return tokens |> embedding(8, 2) as token; }
  graph denoise(z: Tensor<float, [B, F, 3, 1, 2]>, t: Tensor<f32, [B]>, text: Tensor<float, [B, pieces * L, 2]>,
    style: Tensor<float, [B, L, 2]>, fps: Tensor<f32, [B]>): Tensor<float, [B, F, 3, 1, 2]> {
    const told = (view(text, [B, pieces * L * 2]) |> linear(1, bias: false) as words) + (view(style, [B, L * 2]) |> linear(1, bias: false) as looks);
    return z * 0.5 + view(told + view(t, [B, 1]) * 0.001 + view(fps, [B, 1]) * 0.01, [B, 1, 1, 1, 1]);
  }
  sampler denoise(z, t) {
    ${figures},
    conditions: {
      text: { from: "text", encoder: encodeText, unguided: "a" },
      style: { from: "text", encoder: encodeText },
      fps: { from: "number", unguided: 3.0 },
    },
  }
}`;

/** Unlike for each token, so that their places tell. */
const weights: { readonly [path: string]: (i: number) => number } = {
  "token.weight": (i) => (i + 1) / 40,
  "words.weight": (i) => (i + 1) / 60,
  "looks.weight": (i) => (7 - i) / 50,
};

const packages = new SmallPackages("prompts", weights);
const opened: { readonly name: string; readonly pipeline: Pipeline }[] = [];

beforeAll(async () => {
  const folders = {
    told: packages.of(source),
    two: packages.of(source, { B: 2 }),
    whole: packages.of(source, { pieces: 1 }),
    own: packages.of(source.replace('unguided: "a"', 'unguided: "(a)"')),
  };
  for (const [name, folder] of Object.entries(folders)) {
    for (const [backend, pipeline] of Object.entries(await packages.open(folder))) opened.push({ name: `${name} ${backend}`, pipeline });
  }
}, 120_000);
afterAll(() => packages.close());

type Weighed = readonly (readonly [word: string, weight: number])[];
const plain = (words: string): Weighed => words.split(" ").map((word) => [word, 1]);

/** What the loop adds for a text: its tokens' rows, weighed and brought back to their mean, times the weights of `linear`. */
function toldBy(pieces: readonly Weighed[], path: string): number {
  const rows = pieces.flatMap(
    (words): Weighed => [...Array(5)].map((_, i) => [["<start>", 1] as const, ...words, ["<end>", 1] as const][i] ?? ["<pad>", 1]),
  );
  const encoded = rows.flatMap(([word, weight]) => [0, 1].map((i) => ({ value: (VOCABULARY.indexOf(word) * 2 + i + 1) / 40, weight })));
  const mean = encoded.reduce((sum, { value }) => sum + value, 0) / encoded.reduce((sum, { value, weight }) => sum + value * weight, 0);
  return encoded.reduce((sum, { value, weight }, i) => sum + value * weight * mean * (weights[path]?.(i) ?? 0), 0);
}

interface Told {
  readonly text: readonly Weighed[];
  readonly unguided?: readonly Weighed[];
  readonly style: Weighed;
}

function byHand(seed: number, { text, unguided = [plain("a"), []], style }: Told): readonly number[] {
  return shiftedBy(seed, toldBy(text, "words.weight"), toldBy(unguided, "words.weight"), style);
}

/** `inputs` of every clip here has 8 frames a second. */
function shiftedBy(seed: number, guided: number, unguided: number, style: Weighed): readonly number[] {
  const shifts = { guided: guided + 0.08, unguided: unguided + 0.03 };
  return ddimByHand(seed, (half, x, t) => x / 2 + t / 1000 + shifts[half] + toldBy([style], "looks.weight"), 2);
}

const near = (found: ArrayLike<number>, expected: readonly number[]) => {
  expect(found.length).toBe(expected.length);
  // Three steps in f32, values up to about 10.
  for (const [i, value] of expected.entries()) expect(found[i]).toBeCloseTo(value, 4);
};

describe.each(Object.keys(backends))("on %s", (backend) => {
  const of = (name: string) => opened.find((one) => one.name === `${name} ${backend}`)?.pipeline as Pipeline;
  const inputs = { style: "moves", fps: 8 };

  test("a prompt in pieces, and what it leaves of them in empty ones; the negative prompt too", async () => {
    const told = of("told");
    const long = byHand(3, { text: [plain("a red circle"), plain("moves")], style: plain("moves") });
    near((await told.sample("a red circle moves", { seed: 3, inputs, longPrompt: "chunk" })).latent.data, long);
    const short = byHand(3, { text: [plain("a red"), []], style: plain("moves") });
    near((await told.sample("a red", { seed: 3, inputs })).latent.data, short);
    const negative = byHand(3, { text: [plain("a red"), []], unguided: [plain("a a a"), plain("circle")], style: plain("moves") });
    near((await told.sample("a red", { seed: 3, inputs, negative: "a a a circle", longPrompt: "chunk" })).latent.data, negative);
  });

  test("words weigh in every text that is given, each text by itself; the model's own has none", async () => {
    const options = { inputs: { style: "(moves:3)", fps: 8 }, wordWeights: true, longPrompt: "chunk" } as const;
    const request = { prompt: "a (red:1.5) circle (moves:0.5)", negative: "[circle]", seed: 4, inputs: options.inputs };
    const red = [
      ["a", 1],
      ["red", 1.5],
      ["circle", 1],
    ] as const;
    const expected = byHand(4, { text: [red, [["moves", 0.5]]], unguided: [[["circle", 1 / 1.1]], []], style: [["moves", 3]] });
    const other = byHand(5, { text: [plain("a red"), []], style: plain("red") });
    const { inputs: _, ...chosen } = options;
    for (const name of ["told", "two"]) {
      const [first, second] = await of(name).sampleAll([request, { prompt: "a red", seed: 5, inputs: { style: "red", fps: 8 } }], chosen);
      near(first?.latent.data ?? [], expected);
      near(second?.latent.data ?? [], other);
      // Bit for bit as if alone, whatever is weighed beside it.
      const [alone] = await of(name).sampleAll([{ prompt: "a red", seed: 5, inputs: { style: "red", fps: 8 } }]);
      expect(second?.latent).toEqual(alone?.latent);
    }
  });

  test("prompts that change over time are weighed and cut into pieces each, then mixed", async () => {
    const prompts = [
      { frame: 0, prompt: "a (red:1.5) circle" },
      { frame: 3, prompt: "a a a moves" },
    ];
    const request = { prompts, seed: 6, inputs };
    const options = { length: 4, overlap: 0, wordWeights: true, longPrompt: "chunk" } as const;
    const [clip] = await of("told").sampleAll([request], options);
    const red = [
      ["a", 1],
      ["red", 1.5],
      ["circle", 1],
    ] as const;
    const [first, last] = [toldBy([red, []], "words.weight"), toldBy([plain("a a a"), plain("moves")], "words.weight")];
    // The first window's middle is frame 0.5 of 3; its two frames are the first half of the clip's numbers.
    const shift = first + (0.5 / 3) * (last - first);
    near(clip?.latent.data.subarray(0, 12) ?? [], shiftedBy(6, shift, toldBy([plain("a"), []], "words.weight"), plain("moves")));
  });

  test("the model's own text is taken as it stands: its parentheses are words, which this vocabulary lacks", async () => {
    await expect(of("own").sample("(a)", { inputs, wordWeights: true })).rejects.toMatchObject({
      message: expect.stringContaining('"(a)"'),
    });
    await of("own").sample("(a)", { inputs, wordWeights: true, negative: "(a)" });
  });

  test("all weights 1 change no bit", async () => {
    const [weighed, plainly] = await Promise.all([
      of("told").sample("a (red:1)", { inputs, wordWeights: true }),
      of("told").sample("a red", { inputs }),
    ]);
    expect(weighed.latent).toEqual(plainly.latent);
  });

  test("cut before the work, and told; an end that is cut is as if it had not been there", async () => {
    const heard: string[] = [];
    const cut = await of("whole").sample("a red circle moves red", {
      inputs,
      longPrompt: "truncate",
      onTruncated: ({ dropped }) => heard.push(dropped.join(" ")),
      onProgress: () => heard.push("work"),
    });
    expect(heard.slice(0, 2)).toEqual(["moves red", "work"]);
    expect(cut.latent).toEqual((await of("whole").sample("a red circle", { inputs })).latent);
  });

  test.each<[string, object, string]>([
    ["a red circle moves", { longPrompt: "chunk" }, 'prompt-too-long: the prompt has 8 tokens, but the model takes 5: "moves" did not fit'],
    ["a (red", { wordWeights: true }, 'word-weights-invalid: the weights of words in "a (red" cannot be read: the "(" at 3 is not closed'],
    ["a red", { longPrompt: "cut" }, 'option-invalid: longPrompt must be one of "error", "truncate", "chunk", found "cut"'],
    ["a red", { wordWeights: "yes" }, 'option-invalid: wordWeights must be true or false, found "yes"'],
  ])("refused before the work: %s with %j", async (prompt, options, said) => {
    const phases: string[] = [];
    const sampling = of("whole").sample(prompt, { inputs, ...options, onProgress: ({ phase }) => phases.push(phase) });
    await expect(sampling.catch(({ code, message }) => `${code}: ${message}`)).resolves.toBe(said);
    expect(phases).toEqual([]);
  });
});

test("pieces are said by name: equal multiples of sizes alone are refused, with the way out", () => {
  const named = source.replace("dim B = 1;", "dim B = 1; dim T = 10;").replaceAll("pieces * L", "T");
  const result = compile(programOf(named), { precision: "f32" });
  expect(result).toMatchObject({
    ok: false,
    diagnostics: [
      {
        code: "sampler-tensor",
        message: "what `encodeText` returns must be as `text`, f32 [B = 1, T = 10, 2], but it is f32 [B = 1, L = 5, 2]",
        hint: "where each text is several pieces of L tokens, name its axis so: `L * 2`, or L times a param",
      },
    ],
  });
});

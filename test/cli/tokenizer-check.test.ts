// What a tokenizer's file and a model say of each other, told by check at the value that is wrong, wherever the source decides it.

import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadProgram } from "../../cli/program.ts";
import { TokenizerCheck } from "../../cli/tokenizer-check.ts";
import { checkSizes } from "../../compiler/check-sizes.ts";

const magic = readFileSync("models/magicvideo.mv", "utf8");
const mini = magic.slice(magic.indexOf("preset Mini"));

/** The models with one part of magicvideo.mv replaced, checked beside their tokenizer: code, text under the error, preset. */
function said(from: string, to: string, tokenizer = readFileSync("models/mini.tokenizer.json", "utf8")) {
  const folder = mkdtempSync(join(tmpdir(), "mvc-tokenizer-"));
  for (const name of ["video.mv", "vae.mv", "clip.mv", "training.mv", "layouts.mv"])
    writeFileSync(join(folder, name), readFileSync(`models/${name}`));
  expect(magic.split(from)).toHaveLength(2);
  const file = join(folder, "magicvideo.mv");
  writeFileSync(
    file,
    magic.replace(from, () => to),
  );
  writeFileSync(join(folder, "mini.tokenizer.json"), tokenizer);
  const { program, texts } = loadProgram(file);
  if (program === undefined) throw new Error("the model does not check");
  const tokenizers = new TokenizerCheck(file);
  return checkSizes(program, (one) => tokenizers.errorsOf(one)).map(({ code, message, span, foundIn }) => ({
    code,
    message,
    text: texts.get(span.file)?.slice(span.start, span.end),
    preset: foundIn?.preset,
  }));
}

test("the models as they are: the tokenizer of the full size is not there, and that is no error", () => {
  expect(said(mini, mini)).toEqual([]);
});

test("a table with fewer rows than the tokenizer has ids, at the preset's value, through the blocks that pass it on", () => {
  expect(said("vocabulary: 32", "vocabulary: 16")).toEqual([
    {
      code: "tokenizer-mismatch",
      message: expect.stringContaining('has ids up to 24, but the table that "tokens" is looked up in has 16 rows'),
      text: "16",
      preset: "Mini",
    },
  ]);
  // Ids count from 0: one row more than the largest is enough, and needed.
  expect(said("vocabulary: 32", "vocabulary: 25")).toEqual([]);
  expect(said("vocabulary: 32", "vocabulary: 24")).toMatchObject([{ code: "tokenizer-mismatch", text: "24" }]);
  expect(said("return ClipText(tokens, vocabulary,", "return ClipText(tokens, vocabulary / 2,")).toMatchObject([
    // The loss has the whole table.
    { code: "conflicting-weight", text: "denoiserLoss" },
    { code: "tokenizer-mismatch", text: "vocabulary / 2", preset: "Mini" },
  ]);
});

test("a padding token that the vocabulary lacks", () => {
  expect(said('padToken: "<pad>"', 'padToken: "<gap>"')).toMatchObject([
    { code: "tokenizer-invalid", message: expect.stringContaining('the padding token "<gap>"'), text: '"<gap>"', preset: "Mini" },
  ]);
  // The preset keeps the file's own.
  expect(said(', padToken: "<pad>"', "")).toMatchObject([{ code: "tokenizer-invalid", text: '"<|endoftext|>"', preset: "Mini" }]);
});

test("a file that is no tokenizer, or lies outside", () => {
  expect(said("vocabulary: 32", "vocabulary: 16", "{")).toMatchObject([{ code: "tokenizer-invalid", text: '"mini.tokenizer.json"' }]);
  expect(said('"mini.tokenizer.json"', '"../mini.tokenizer.json"')).toMatchObject([
    { code: "tokenizer-file", text: '"../mini.tokenizer.json"', preset: "Mini" },
  ]);
});

test("a text of the unguided half that cannot be told", () => {
  expect(said('unguided: ""', 'unguided: "a zebra"')).toMatchObject([{ code: "word-unknown", text: '"a zebra"', preset: "Mini" }]);
  const long = `"${"a ".repeat(80)}"`;
  expect(said('unguided: ""', `unguided: ${long}`)).toMatchObject([{ code: "prompt-too-long", text: long, preset: "Mini" }]);
});

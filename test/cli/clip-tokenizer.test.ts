// CLIP's tokenizer from each form in which checkpoints bring it, against ids of OpenAI's own in Python (golden/reference/clip_tokens.py).

import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { afterAll, beforeEach, expect, test } from "vitest";
import { clipFromMerges } from "../../cli/clip-tokenizer.ts";
import { readTokenizer, type TokenizerFile } from "../../cli/tokenizer-file.ts";
import { tokenizerAt, tokenizerIn } from "../../cli/tokenizer-forms.ts";
import { readSafetensors, readSafetensorsHeader } from "../../runtime/index.ts";
import { promptReader } from "../../runtime/prompt.ts";
import { largestId, loadTokenizer } from "../../runtime/tokenizer.ts";
import { mvc } from "./mvc.ts";

const golden = "golden/clip-tokenizer";
const packed = readFileSync(join(golden, "merges.txt.gz"));
const lines = gunzipSync(packed).toString("utf8");
const prompts = JSON.parse(readFileSync(join(golden, "prompts.json"), "utf8")) as readonly (readonly [
  text: string,
  ids: readonly number[],
])[];
/** Two words a byte and 4,000 merges; the marks come last. */
const [start, end] = [4512, 4513];

const home = mkdtempSync(join(tmpdir(), "mvc-clip-"));
const at = (...names: string[]) => join(home, ...names);
beforeEach(() => {
  rmSync(home, { recursive: true });
  mkdirSync(home);
});
afterAll(() => rmSync(home, { recursive: true }));

const made = clipFromMerges(lines);
if ("fault" in made) throw new Error(made.fault);
const spec = { file: "tokenizer.json", pad: "<|endoftext|>" };
const readerOf = (json: string) => {
  const read = promptReader(loadTokenizer(json, spec));
  return (prompt: string, length: number) => read(prompt, { pieces: 1, length }).tokens;
};
const encode = readerOf(made.text);

test.each(prompts)("%j", (text, ids) => {
  const padded = new Int32Array(ids.length + 4).fill(end);
  padded.set([start, ...ids]);
  expect(encode(text, ids.length + 4)).toEqual(padded);
});

/** The vocabulary with its ids the other way round, which no merges could tell. */
function vocabularyBackwards(): string {
  const { vocab } = JSON.parse((made as { text: string }).text).model as { vocab: { [word: string]: number } };
  return JSON.stringify(Object.fromEntries(Object.entries(vocab).map(([word, id]) => [word, end - id])));
}

function pair(folder: string, vocabulary = vocabularyBackwards(), merges = lines): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "vocab.json"), vocabulary);
  writeFileSync(join(folder, "merges.txt"), merges);
}

test("vocab.json has the ids, merges.txt the order of merging", () => {
  pair(home);
  for (const path of [home, at("vocab.json"), at("merges.txt")]) {
    const { text, files } = tokenizerAt(path);
    expect(files).toEqual([at("vocab.json"), at("merges.txt")]);
    const backwards = readerOf(text);
    for (const [prompt, ids] of prompts) {
      expect([...backwards(prompt, ids.length + 2)]).toEqual([start, ...ids, end].map((id) => end - id));
    }
  }
});

test("OpenAI's file lists more merges than were trained with: the vocabulary has 49,408 words", () => {
  const many = ["#version: 0.2", ...Array.from({ length: 60_000 }, (_, i) => `${i} x`)].join("\n");
  const { text } = clipFromMerges(many) as { text: string };
  expect(largestId(text, "tokenizer.json")).toBe(49407);
  expect(readerOf(text)("a!", 4)).toEqual(Int32Array.of(49406, 320, 256, 49407));
  const { merges } = JSON.parse(text).model as { merges: readonly string[] };
  expect([merges.length, merges[0], merges.at(-1)]).toEqual([48894, "0 x", "48893 x"]);
});

test.each<[string, (folder: string) => void, string]>([
  ["a vocabulary alone", (folder) => rmSync(join(folder, "merges.txt")), "the tokenizer is missing: there is no file FOLDER/merges.txt"],
  ["merges alone", (folder) => rmSync(join(folder, "vocab.json")), "the tokenizer is missing: there is no file FOLDER/vocab.json"],
  ["no JSON", (folder) => pair(folder, "version https://git-lfs.github.com/spec/v1"), "FOLDER/vocab.json: vocab.json is not JSON ("],
  ["a list", (folder) => pair(folder, "[]"), "FOLDER/vocab.json: vocab.json is no table of words"],
  ["an id beyond", (folder) => pair(folder, '{ "a": 1 }'), 'FOLDER/vocab.json: vocab.json gives the word "a" no id from 0 to 0'],
  [
    "GPT-2's",
    (folder) => pair(folder, '{ "a": 0, "<|endoftext|>": 1 }'),
    'FOLDER/vocab.json: it is not CLIP\'s: its vocabulary lacks "<|startoftext|>"',
  ],
  ["a merge of three", (folder) => pair(folder, undefined, "a b c"), 'FOLDER/vocab.json: the merge "a b c" is no pair'],
  [
    "merges of another",
    (folder) => pair(folder, undefined, "q q\nqq q"),
    'FOLDER/vocab.json: it is not CLIP\'s: its vocabulary lacks "qq"',
  ],
])("refused: %s", (_, spoil, message) => {
  pair(home);
  spoil(home);
  expect(() => tokenizerIn(home)).toThrow(message.replace("FOLDER", home));
});

test("a file that cannot be unpacked, or is far more than it says", () => {
  writeFileSync(at("bpe_simple_vocab_16e6.txt.gz"), "nothing packed");
  expect(() => tokenizerIn(home)).toThrow("it cannot be unpacked (");
  writeFileSync(at("bomb.gz"), gzipSync(Buffer.alloc(2 ** 25 + 1)));
  expect(() => tokenizerAt(at("bomb.gz"))).toThrow("it cannot be unpacked (");
});

const span = { file: "model.mv", start: 0, end: 0 };
function found(elsewhere: { readonly chosen?: string; readonly checkpoint?: string } = {}): TokenizerFile {
  mkdirSync(at("model"), { recursive: true });
  const tokenizer = { file: "clip.tokenizer.json", pad: "<|endoftext|>", spans: { file: span, pad: span }, prompts: [] };
  return readTokenizer(tokenizer, at("model/model.mv"), elsewhere);
}

test("the chosen one, the one that is named, another form in its place, the checkpoint's: in this order", () => {
  const checkpoint = at("checkpoint");
  expect(found({ checkpoint })).toEqual({ kind: "absent", path: at("model/clip.tokenizer.json") });
  pair(join(checkpoint, "tokenizer"));
  expect(found({ checkpoint })).toMatchObject({ kind: "found", path: at("checkpoint/tokenizer/vocab.json"), named: false });
  mkdirSync(at("model"), { recursive: true });
  writeFileSync(at("model/bpe_simple_vocab_16e6.txt.gz"), packed);
  expect(found({ checkpoint })).toMatchObject({ path: at("model/bpe_simple_vocab_16e6.txt.gz"), text: made.text, named: false });
  writeFileSync(at("model/clip.tokenizer.json"), "its own");
  expect(found({ checkpoint })).toMatchObject({ path: at("model/clip.tokenizer.json"), text: "its own", named: true });
  cpSync(join(golden, "merges.txt.gz"), at("mine.txt.gz"));
  expect(found({ checkpoint, chosen: at("mine.txt.gz") })).toMatchObject({ path: at("mine.txt.gz"), text: made.text, named: false });
});

test("what lies in the place of the file that is named is refused at the name where it is wrong", () => {
  mkdirSync(at("model"));
  writeFileSync(at("model/vocab.json"), "{}");
  expect(found()).toMatchObject({ kind: "refused", diagnostic: { message: expect.stringContaining("there is no file") } });
});

test("`mvc build` says where the tokenizer is from, and refuses one of another size than the model's table", async () => {
  const model = (vocabulary: number) => {
    writeFileSync(at("model.mv"), clipModel.replace("VOCABULARY", `${vocabulary}`));
    return at("model.mv");
  };
  pair(at("tokenizer"));
  const built = await mvc(["build", model(end + 1), "--target", "onnx", "-o", at("out")]);
  expect(built).toMatchObject({
    code: 0,
    err: `note the tokenizer is that of ${at("tokenizer/vocab.json")} and ${at("tokenizer/merges.txt")}\n`,
  });
  expect(readFileSync(at("out/tokenizer.json"), "utf8")).toBe(tokenizerAt(at("tokenizer")).text);
  const small = await mvc(["build", model(end), "--tokenizer", join(golden, "merges.txt.gz"), "-o", at("none")]);
  expect(small).toMatchObject({ code: 1, err: expect.stringContaining("error tokenizer-mismatch") });
  expect(small.err).toContain(
    `golden/clip-tokenizer/merges.txt.gz has ids up to ${end}, but the table that "tokens" is looked up in has ${end} rows`,
  );
});

test("`mvc sample` with a prompt that is too long, and with words that weigh", async () => {
  pair(at("tokenizer"));
  writeFileSync(at("model.mv"), clipModel.replace("VOCABULARY", `${end + 1}`));
  expect((await mvc(["build", at("model.mv"), "--init", "1", "--target", "onnx", "-o", at("out")])).code).toBe(0);
  const latentOf = async (prompt: string, ...options: string[]) => {
    const { code, err } = await mvc(["sample", at("out"), prompt, ...options, "-o", at("latent.safetensors")]);
    return { code, err, latent: code === 0 ? (await readSafetensors(at("latent.safetensors"))).latent : undefined };
  };
  const refused = await latentOf("a photo of a (man:1.5)");
  expect(refused).toMatchObject({
    code: 1,
    err: expect.stringMatching(/^note "a photo of a \(man:1.5\)" is read as it stands: `--word-weights` reads its numbers as weights$/m),
  });
  expect(refused.err).toMatch(/^error prompt-too-long\n.* but the model takes 8: "\(man:1.5\)" did not fit\n.*`--long-prompt truncate`/m);
  const long = "a photo of a man and a dog";
  const cut = await latentOf(long, "--long-prompt", "truncate");
  expect(cut.err).toBe(`note ${JSON.stringify(long)} has 10 tokens of at most 8: "a", "dog" is left out\n`);
  const plain = await latentOf("a photo of a man and");
  expect(cut.latent).toEqual(plain.latent);
  const weighed = await latentOf("a photo of a (man:1.5) and", "--word-weights");
  expect([weighed.code, weighed.err]).toEqual([0, ""]);
  expect(weighed.latent).not.toEqual(plain.latent);
  const { metadata } = await readSafetensorsHeader(at("latent.safetensors"));
  expect([metadata.get("word-weights"), metadata.get("long-prompt")]).toEqual(["true", undefined]);
});

const clipModel = `dim B = 1; dim L = 8;
model Clip {
  tokenizer { file: "clip.tokenizer.json", pad: "<|endoftext|>" }
  graph encodeText(tokens: Tensor<i32, [B, L]>): Tensor<float, [B, L, 2]> { return embedding(tokens, VOCABULARY, 2) as table; }
  graph denoise(z: Tensor<float, [B, 2]>, t: Tensor<f32, [B]>, text: Tensor<float, [B, L, 2]>): Tensor<float, [B, 2]> {
    return z * view(t, [B, 1]) + view(mean(text, axis: 1), [B, 2]);
  }
  sampler denoise(z, t) {
    method: "ddim", steps: 3, guidance: 2, predicts: "v", schedule: "cosine", betas: [0.1, 0.2], trainSteps: 1000,
    conditions: { text: { from: "text", encoder: encodeText, unguided: "" } },
  }
}
`;

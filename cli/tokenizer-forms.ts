/** A path to the tokenizer that lies there, in any form in which checkpoints bring one, as the text of a tokenizer.json. */

import { existsSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { gunzipSync } from "node:zlib";
import { mvcError, reasonOf } from "../runtime/errors.ts";
import { readBytes, readText, textLimits } from "../runtime/node/regular-file.ts";
import { clipFromMerges, clipFromVocabulary, type Made } from "./clip-tokenizer.ts";

export interface FoundTokenizer {
  /** The file by which it is known. */
  readonly path: string;
  /** Every file that it is made of. */
  readonly files: readonly string[];
  /** Of a tokenizer.json. */
  readonly text: string;
}

const what = "the tokenizer";
const most = textLimits.tokenizer;
/** OpenAI's merges unpacked are 3.2 MB. */
const mostUnpacked = 2 ** 25;
const read = (path: string) => readText(path, what, most);

interface Form {
  /** Names in their folder: the first is the one by which it is known. */
  readonly files: readonly string[];
  /** Throws MvcError `file-…`, `not-utf8`. */
  readonly make: (paths: readonly string[]) => Made;
}

/** The first that is there counts: a tokenizer.json says itself how it reads, of the others only CLIP's are known. */
const forms: readonly Form[] = [
  { files: ["tokenizer.json"], make: ([path = ""]) => ({ text: read(path) }) },
  { files: ["vocab.json", "merges.txt"], make: ([vocabulary = "", merges = ""]) => clipFromVocabulary(read(vocabulary), read(merges)) },
  { files: ["bpe_simple_vocab_16e6.txt.gz"], make: ([path = ""]) => clipFromMerges(unpacked(path)) },
  { files: ["bpe_simple_vocab_16e6.txt"], make: ([path = ""]) => clipFromMerges(read(path)) },
];

/** What a folder can hold, for messages. */
export const knownForms = forms.map(({ files }) => files.join(" with ")).join(", ");

/**
 * The tokenizer of a folder, or of its `tokenizer/`; undefined where there is none. A file of a pair without the other is an error.
 * @throws MvcError `file-…`, `not-utf8`, `tokenizer-invalid`
 */
export function tokenizerIn(folder: string): FoundTokenizer | undefined {
  for (const place of [folder, join(folder, "tokenizer")]) {
    const form = forms.find(({ files }) => files.some((file) => existsSync(join(place, file))));
    if (form !== undefined) return made(form, place);
  }
  return undefined;
}

/**
 * The tokenizer that a file or a folder is: a file by any other name is read as a tokenizer.json, or, where it ends in .gz or .txt, as merges.
 * @throws MvcError `file-…`, `not-utf8`, `tokenizer-invalid`
 */
export function tokenizerAt(path: string): FoundTokenizer {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) {
    const found = tokenizerIn(path);
    if (found === undefined) throw mvcError("file-missing", { file: path, what: `a tokenizer (${knownForms}) in that folder` });
    return found;
  }
  const named = forms.find(({ files }) => files.includes(basename(path)));
  if (named !== undefined) return made(named, dirname(path));
  const like = path.endsWith(".gz")
    ? "bpe_simple_vocab_16e6.txt.gz"
    : path.endsWith(".txt")
      ? "bpe_simple_vocab_16e6.txt"
      : "tokenizer.json";
  const form = forms.find(({ files }) => files[0] === like) as Form;
  return made({ ...form, files: [basename(path)] }, dirname(path));
}

function made({ files, make }: Form, folder: string): FoundTokenizer {
  const paths = files.map((file) => join(folder, file));
  const path = paths[0] as string;
  const result = make(paths);
  if ("fault" in result) throw mvcError("tokenizer-invalid", { file: path, reason: result.fault });
  return { path, files: paths, text: result.text };
}

function unpacked(path: string): string {
  try {
    return gunzipSync(readBytes(path, what, most), { maxOutputLength: mostUnpacked }).toString("utf8");
  } catch (thrown) {
    if (thrown instanceof Error && "code" in thrown && (String(thrown.code).startsWith("Z_") || thrown.code === "ERR_BUFFER_TOO_LARGE"))
      throw mvcError("tokenizer-invalid", { file: path, reason: `it cannot be unpacked (${reasonOf(thrown)})` });
    throw thrown;
  }
}

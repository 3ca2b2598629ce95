/** The tokenizer that a model names to the text of its file, which lies in the model's folder or below it, or comes with a checkpoint. */

import { existsSync, realpathSync } from "node:fs";
import { dirname, isAbsolute, join, relative, sep } from "node:path";
import type { Tokenizer } from "../compiler/module/module.ts";
import type { PromptForm } from "../compiler/package/manifest.ts";
import { readPromptForm } from "../compiler/package/read-manifest.ts";
import type { Diagnostic } from "../dsl/index.ts";
import { MvcError, mvcError, reasonOf } from "../runtime/errors.ts";
import { readText, textLimits } from "../runtime/node/regular-file.ts";
import { type FoundTokenizer, tokenizerAt, tokenizerIn } from "./tokenizer-forms.ts";

export type TokenizerFile =
  | (FoundTokenizer & {
      readonly kind: "found";
      readonly prompts: PromptForm | undefined;
      /** Whether it is the file that the model names. */
      readonly named: boolean;
    })
  | { readonly kind: "absent"; readonly path: string }
  | { readonly kind: "refused"; readonly diagnostic: Diagnostic };

/** Where a tokenizer may be that the model does not name. */
export interface Elsewhere {
  /** A file or a folder that the user names: it comes before the model's own. */
  readonly chosen?: string | undefined;
  /** A checkpoint's folder: it comes after what lies beside the model. */
  readonly checkpoint?: string | undefined;
}

/**
 * `file` is where the model was read from. What the user chose counts, else the file that the model names, else what lies in its place in
 * another form, else what came with the checkpoint. Throws MvcError `file-…`, `tokenizer-invalid` of what the model does not name.
 */
export function readTokenizer(tokenizer: Tokenizer, file: string, { chosen, checkpoint }: Elsewhere = {}): TokenizerFile {
  if (chosen !== undefined) return foundAs(tokenizerAt(chosen));
  const own = readOwn(tokenizer, file);
  if (own.kind !== "absent" || checkpoint === undefined) return own;
  const brought = tokenizerIn(checkpoint);
  return brought === undefined ? own : foundAs(brought);
}

const foundAs = (found: FoundTokenizer): TokenizerFile => ({ ...found, kind: "found", prompts: undefined, named: false });

function readOwn(tokenizer: Tokenizer, file: string): TokenizerFile {
  const folder = dirname(file);
  const path = join(folder, tokenizer.file);
  const refused = (message: string, hint: string): TokenizerFile => ({
    kind: "refused",
    diagnostic: { code: "tokenizer-file", severity: "error", message, span: tokenizer.spans.file, hint },
  });
  const outside = (reason: string) =>
    refused(
      `the tokenizer's file must lie in the model's folder or below it, but ${reason}`,
      "put it beside the model, and name it by its path from there, or give it by `mvc build --tokenizer`",
    );
  if (isAbsolute(tokenizer.file)) return outside(`${tokenizer.file} is an absolute path`);
  if (climbs(folder, path)) return outside(`${tokenizer.file} climbs out of it`);
  try {
    const found = existsSync(path) ? tokenizerAt(path) : tokenizerIn(dirname(path));
    if (found === undefined) return { kind: "absent", path };
    const away = found.files.map((one) => realpathSync(one)).find((real) => climbs(realpathSync(folder), real));
    if (away !== undefined) return outside(`${tokenizer.file} is reached by a link that leads to ${away}`);
    return { ...found, kind: "found", prompts: promptsBeside(path), named: existsSync(path) };
  } catch (thrown) {
    if (!(thrown instanceof MvcError)) throw thrown;
    return refused(thrown.message, thrown.hint);
  }
}

/** `mini.prompts.json` beside `mini.tokenizer.json`, where it is there. Throws MvcError `file-…`, `option-invalid`. */
function promptsBeside(path: string): PromptForm | undefined {
  const file = path.replace(/tokenizer\.json$/, "prompts.json");
  if (file === path || !existsSync(file)) return undefined;
  try {
    return readPromptForm(JSON.parse(readText(file, "the form of prompts", textLimits.settings)));
  } catch (thrown) {
    if (thrown instanceof MvcError) throw thrown;
    throw mvcError("file-unreadable", { file, reason: reasonOf(thrown) });
  }
}

function climbs(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way === ".." || way.startsWith(`..${sep}`) || isAbsolute(way);
}

/** The tokenizer that a model names to the bytes of its file, which lies in the model's folder or below it. */

import { existsSync, realpathSync } from "node:fs";
import { dirname, isAbsolute, join, relative, sep } from "node:path";
import type { Tokenizer } from "../compiler/module/module.ts";
import type { PromptForm } from "../compiler/package/manifest.ts";
import { readPromptForm } from "../compiler/package/read-manifest.ts";
import type { Diagnostic } from "../dsl/index.ts";
import { MvcError, mvcError, reasonOf } from "../runtime/errors.ts";
import { readText, textLimits } from "../runtime/node/regular-file.ts";

export type TokenizerFile =
  | { readonly kind: "found"; readonly path: string; readonly text: string; readonly prompts: PromptForm | undefined }
  | { readonly kind: "absent"; readonly path: string }
  | { readonly kind: "refused"; readonly diagnostic: Diagnostic };

/** `file` is where the model was read from. */
export function readTokenizer(tokenizer: Tokenizer, file: string): TokenizerFile {
  const folder = dirname(file);
  const path = join(folder, tokenizer.file);
  const refused = (message: string, hint: string): TokenizerFile => ({
    kind: "refused",
    diagnostic: { code: "tokenizer-file", severity: "error", message, span: tokenizer.spans.file, hint },
  });
  const outside = (reason: string) =>
    refused(
      `the tokenizer's file must lie in the model's folder or below it, but ${reason}`,
      "put it beside the model, and name it by its path from there",
    );
  if (isAbsolute(tokenizer.file)) return outside(`${tokenizer.file} is an absolute path`);
  if (climbs(folder, path)) return outside(`${tokenizer.file} climbs out of it`);
  try {
    const text = readText(path, "the tokenizer", textLimits.tokenizer);
    const real = realpathSync(path);
    return climbs(realpathSync(folder), real)
      ? outside(`${tokenizer.file} is reached by a link that leads to ${real}`)
      : { kind: "found", path, text, prompts: promptsBeside(path) };
  } catch (thrown) {
    if (!(thrown instanceof MvcError)) throw thrown;
    return thrown.code === "file-missing" ? { kind: "absent", path } : refused(thrown.message, thrown.hint);
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

/** A model's tokenizer file against the graphs that take its tokens: what a package would refuse at its first prompt is told at the source. */

import type { Tokenizer } from "../compiler/module/module.ts";
import type { Diagnostic, Span } from "../dsl/index.ts";
import { MvcError, mvcError } from "../runtime/errors.ts";
import { promptReader, type ReadPrompt } from "../runtime/prompt.ts";
import { largestId, loadTokenizer } from "../runtime/tokenizer.ts";
import { shownPath } from "./shown-path.ts";
import { type Elsewhere, readTokenizer, type TokenizerFile } from "./tokenizer-file.ts";

/** Reads each file and makes each encoder once, for the many configurations that name the same. */
export class TokenizerCheck {
  private readonly source: string;
  private readonly elsewhere: Elsewhere;
  private readonly files = new Map<string, TokenizerFile>();
  private readonly largest = new Map<string, number>();
  private readonly encoders = new Map<string, ReadPrompt>();

  /** `source` is the path of the model's file. */
  constructor(source: string, elsewhere: Elsewhere = {}) {
    this.source = source;
    this.elsewhere = elsewhere;
  }

  /** Throws MvcError `file-…`, `tokenizer-invalid` of what the model does not name. */
  fileOf(tokenizer: Tokenizer): TokenizerFile {
    return kept(this.files, tokenizer.file, () => readTokenizer(tokenizer, this.source, this.elsewhere));
  }

  pathOf(tokenizer: Tokenizer): string {
    const file = this.fileOf(tokenizer);
    return file.kind === "refused" ? this.source : file.path;
  }

  /** Of a file that is there; codes and sentences are the runtime's `tokenizer-…`, `word-unknown` and `prompt-too-long`. */
  errorsOf(tokenizer: Tokenizer): readonly Diagnostic[] {
    const found = this.fileOf(tokenizer);
    if (found.kind === "refused") return [{ ...found.diagnostic, span: tokenizer.spans.file }];
    if (found.kind === "absent") return [];
    const { text } = found;
    const file = shownPath(found.path);
    const { pad, spans, prompts } = tokenizer;
    const largest = told(spans.file, () => kept(this.largest, file, () => largestId(text, file)));
    if (isDiagnostic(largest)) return [largest];
    const read = told(spans.pad, () => kept(this.encoders, `${file}\n${pad}`, () => promptReader(loadTokenizer(text, { file, pad }))));
    const mismatches = prompts.flatMap(({ tensor, ids, length, unguided }) => {
      if (ids !== undefined && largest >= ids.rows) {
        const mismatch = mvcError("tokenizer-mismatch", { file, id: largest, tensor, ids: ids.rows });
        return [diagnosticOf(mismatch, ids.span)];
      }
      const encoded =
        unguided === undefined || isDiagnostic(read) ? [] : told(unguided.span, () => read(unguided.text, { pieces: 1, length }));
      return isDiagnostic(encoded) ? [encoded] : [];
    });
    return isDiagnostic(read) ? [read, ...mismatches] : mismatches;
  }
}

function kept<T>(known: Map<string, T>, key: string, make: () => T): T {
  const value = known.get(key) ?? make();
  known.set(key, value);
  return value;
}

/** What a step makes, or the error that it throws, told at a place of the source. */
function told<T>(span: Span, step: () => T): T | Diagnostic {
  try {
    return step();
  } catch (thrown) {
    if (!(thrown instanceof MvcError)) throw thrown;
    return diagnosticOf(thrown, span);
  }
}

function diagnosticOf({ code, message, hint }: MvcError, span: Span): Diagnostic {
  return { code, severity: "error", message, span, hint };
}

function isDiagnostic(value: unknown): value is Diagnostic {
  return typeof value === "object" && value !== null && "severity" in value;
}

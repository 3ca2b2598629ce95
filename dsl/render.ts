/** Diagnostics to text for people: code, place, sentence, the lines with what must change underlined, hint, where it came from. */

import type { Span } from "./ast.ts";
import type { Diagnostic, FoundIn } from "./diagnostic.ts";

export interface Painter {
  readonly red: (text: string) => string;
  readonly yellow: (text: string) => string;
  readonly cyan: (text: string) => string;
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
}

const plain: Painter = { red: (t) => t, yellow: (t) => t, cyan: (t) => t, bold: (t) => t, dim: (t) => t };

export interface RenderOptions {
  readonly colours?: Painter;
}

export interface Place {
  readonly line: number;
  readonly column: number;
}

/** Line and column, both from 1. */
export function placeOf(text: string, offset: number): Place {
  const { starts } = linesOf(text);
  let [low, high] = [0, starts.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((starts[middle] ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return { line: low + 1, column: offset - (starts[low] ?? 0) + 1 };
}

interface Lines {
  readonly text: string;
  readonly starts: readonly number[];
}

/** The last text that a place was asked of: diagnostics come a file at a time, and many of one file. */
let lines: Lines = { text: "", starts: [0] };

function linesOf(text: string): Lines {
  if (lines.text !== text) {
    const starts = [0];
    for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
    lines = { text, starts };
  }
  return lines;
}

function lineAt(text: string, line: number): string {
  const { starts } = linesOf(text);
  return text.slice(starts[line - 1], (starts[line] ?? text.length + 1) - 1);
}

export function renderDiagnostic(diagnostic: Diagnostic, texts: ReadonlyMap<string, string>, options: RenderOptions = {}): string {
  const paint = options.colours ?? plain;
  const severity = diagnostic.severity === "error" ? paint.red("error") : paint.yellow("warning");
  const lines = [`${severity} ${paint.bold(diagnostic.code)}  ${placeText(diagnostic.span, texts)}`, `  ${diagnostic.message}`];
  lines.push(...frame(diagnostic.span, texts, paint));
  if (diagnostic.foundIn !== undefined) lines.push(`  ${placeIn(diagnostic.foundIn)}`);
  if (diagnostic.decidedAt !== undefined) lines.push(`  set at ${placeText(diagnostic.decidedAt, texts)}`);
  if (diagnostic.hint !== undefined) lines.push(`  ${paint.cyan("hint:")} ${diagnostic.hint}`);
  for (const related of diagnostic.related ?? []) lines.push(paint.dim(`  ${related.message} at ${placeText(related.span, texts)}`));
  return lines.join("\n");
}

/** `in preset Mini and 3 more`: where an error is found that the file's own sizes do not show. */
function placeIn({ preset, ablations, others }: FoundIn): string {
  const named = ablations.length === 0 ? [] : [`ablation${ablations.length === 1 ? "" : "s"} ${ablations.join(", ")}`];
  const places = [...named, ...(preset === undefined ? [] : [`preset ${preset}`])].join(" of ");
  return `in ${places}${others === 0 ? "" : ` and ${others} more`}`;
}

/** All diagnostics and a line that counts them. */
export function renderAll(diagnostics: readonly Diagnostic[], texts: ReadonlyMap<string, string>, options: RenderOptions = {}): string {
  const errors = diagnostics.filter((diagnostic) => diagnostic.severity === "error").length;
  const warnings = diagnostics.length - errors;
  const counts = [
    [errors, "error"],
    [warnings, "warning"],
  ] as const;
  const summary = counts.flatMap(([count, word]) => (count === 0 ? [] : [`${count} ${word}${count === 1 ? "" : "s"}`])).join(", ");
  return [...diagnostics.map((diagnostic) => renderDiagnostic(diagnostic, texts, options)), summary].join("\n\n");
}

function placeText(span: Span, texts: ReadonlyMap<string, string>): string {
  const text = texts.get(span.file);
  if (text === undefined || text === "") return span.file;
  const { line, column } = placeOf(text, span.start);
  return `${span.file}:${line}:${column}`;
}

/** As much of a line as is shown; of a longer one, the part around what is underlined. */
const widest = 160;
const before = 40;

/** The first line of the span, underlined to its end or the line's. */
function frame(span: Span, texts: ReadonlyMap<string, string>, paint: Painter): string[] {
  const text = texts.get(span.file);
  if (text === undefined || (span.start === 0 && span.end === 0)) return [];
  const { line, column } = placeOf(text, span.start);
  const whole = lineAt(text, line).replace(/\r$/, "");
  const from = whole.length <= widest ? 0 : Math.max(0, Math.min(column - 1 - before, whole.length - widest));
  const source = `${from > 0 ? "…" : ""}${whole.slice(from + (from > 0 ? 1 : 0), from + widest)}${from + widest < whole.length ? "…" : ""}`;
  const at = column - 1 - from;
  const length = Math.max(1, Math.min(span.end - span.start, source.length - at));
  const number = String(line);
  // Tabs keep their width before the carets, so that these stand under what they mean.
  const indent = source.slice(0, at).replace(/[^\t]/g, " ");
  return [
    `${paint.dim(`${number} |`)} ${source}`,
    `${paint.dim(`${" ".repeat(number.length)} |`)} ${indent}${paint.red("^".repeat(length))}`,
  ];
}

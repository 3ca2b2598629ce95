/** Tokens and syntax trees as text for whoever works on the language: one a line, with where each stands in the file. */

import type { SourceFile, Span } from "../ast.ts";
import { splitLabels } from "../label-tokens.ts";
import { lexer } from "../tokens.ts";

/** `12..17  Word:model  model`, in the order of the file; comments are not among them. */
export function printTokens(text: string): string {
  const lines = splitLabels(lexer.tokenize(text).tokens).tokens.map(({ startOffset, image, tokenType }) => {
    const place = `${startOffset}..${startOffset + image.length}`;
    return `${place.padEnd(14)}${tokenType.name.padEnd(18)}${image}`;
  });
  return `${lines.join("\n")}\n`;
}

/** Each node as its kind with its names, words and numbers beside it, its parts indented below. */
export function printTree({ declarations }: SourceFile): string {
  return `${declarations.flatMap((declaration) => nodeLines("", declaration)).join("\n")}\n`;
}

function nodeLines(field: string, node: object): readonly string[] {
  const fields = Object.entries(node).filter(([name, value]) => name !== "kind" && name !== "doc" && value !== undefined && !isSpan(value));
  const words = fields.flatMap(([name, value]) => {
    const word = wordOf(value);
    return word === undefined ? [] : [`${name}=${word}`];
  });
  const parts = fields.flatMap(([name, value]) => (wordOf(value) === undefined ? partLines(name, value) : []));
  const head = [field === "" ? "" : `${field}:`, "kind" in node ? String(node.kind) : "", ...words, placeOf(node)];
  return [head.filter((part) => part !== "").join(" "), ...parts.map((line) => `  ${line}`)];
}

function placeOf(node: object): string {
  return "span" in node && isSpan(node.span) ? `@${node.span.start}..${node.span.end}` : "";
}

function partLines(name: string, value: unknown): readonly string[] {
  if (!Array.isArray(value)) return nodeLines(name, value as object);
  return value.flatMap((item, i) =>
    wordOf(item) === undefined ? nodeLines(`${name}[${i}]`, item as object) : [`${name}[${i}]: ${wordOf(item)}`],
  );
}

/** What is no node: plain values, and names with nothing but their text. */
function wordOf(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return value.length === 0 ? "[]" : undefined;
  const rest = Object.entries(value).filter(([name, part]) => !isSpan(part) && name !== "span");
  return rest.length === 1 && rest[0]?.[0] === "name" && typeof rest[0][1] === "string" ? rest[0][1] : undefined;
}

function isSpan(value: unknown): value is Span {
  return typeof value === "object" && value !== null && "start" in value && "end" in value && "file" in value;
}

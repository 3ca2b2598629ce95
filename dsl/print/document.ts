/** A document of text, possible line breaks and comments to lines of at most the width: the layout half of the formatter. */

import { never } from "../never.ts";

/** `hard` is set where a line break inside is certain, so that what encloses it is laid out over several lines. */
export type Doc =
  | { readonly kind: "text"; readonly text: string; readonly hard: false }
  | { readonly kind: "join"; readonly parts: readonly Doc[]; readonly hard: boolean }
  | { readonly kind: "indent"; readonly inner: Doc; readonly hard: boolean }
  /** Flat if it fits with what follows up to the next possible break, else every `line` directly in it breaks. */
  | { readonly kind: "group"; readonly inner: Doc; readonly hard: boolean }
  /** A break, or `flat` where the group stays on one line; `broken` stands before the break. */
  | { readonly kind: "line"; readonly flat: string; readonly broken: string; readonly hard: boolean; readonly blank: boolean }
  /** A comment that waits for the end of its line. */
  | { readonly kind: "suffix"; readonly text: string; readonly hard: true };

export type DocPart = Doc | string;

const line = (flat: string, broken: string, hard: boolean, blank: boolean): Doc => ({ kind: "line", flat, broken, hard, blank });

/** A space, or a break. */
export const space = line(" ", "", false, false);
/** Nothing, or a break. */
export const gap = line("", "", false, false);
/** Nothing, or the comma after the last item and a break. */
export const lastComma = line("", ",", false, false);
/** The same where a space stands before the closing bracket. */
export const lastCommaSpaced = line(" ", ",", false, false);
export const lineBreak = line("", "", true, false);
export const blankLine = line("", "", true, true);

export function join(parts: readonly DocPart[]): Doc {
  const docs = parts.map((part): Doc => (typeof part === "string" ? { kind: "text", text: part, hard: false } : part));
  return { kind: "join", parts: docs, hard: docs.some((doc) => doc.hard) };
}

export function indent(...parts: readonly DocPart[]): Doc {
  const inner = join(parts);
  return { kind: "indent", inner, hard: inner.hard };
}

export function group(...parts: readonly DocPart[]): Doc {
  const inner = join(parts);
  return { kind: "group", inner, hard: inner.hard };
}

export function suffix(text: string): Doc {
  return { kind: "suffix", text, hard: true };
}

interface Piece {
  readonly doc: Doc;
  readonly depth: number;
  readonly flat: boolean;
}

/** A finished line; its comment is apart until those of neighbouring lines are aligned. */
interface Line {
  code: string;
  comment: string;
}

/** The text, with one line break at its end; comments behind code stand in one column over neighbouring lines. */
export function layOut(doc: Doc, width: number): string {
  const lines: Line[] = [];
  let current: Line = { code: "", comment: "" };
  let depth = 0;
  const write = (text: string) => {
    if (text !== "" && current.code === "") current.code = "  ".repeat(depth);
    current.code += text;
  };
  const stack: Piece[] = [{ doc, depth: 0, flat: false }];
  for (let piece = stack.pop(); piece !== undefined; piece = stack.pop()) {
    const { doc: found, flat } = piece;
    switch (found.kind) {
      case "text":
        write(found.text);
        break;
      case "join":
        for (const part of [...found.parts].reverse()) stack.push({ ...piece, doc: part });
        break;
      case "indent":
        stack.push({ doc: found.inner, depth: piece.depth + 1, flat });
        break;
      case "group": {
        const used = current.code === "" ? depth * 2 : current.code.length;
        stack.push({ ...piece, doc: found.inner, flat: flat || (!found.hard && fits(found.inner, width - used, stack)) });
        break;
      }
      case "line":
        if (flat) {
          write(found.flat);
          break;
        }
        write(found.broken);
        lines.push(current);
        if (found.blank) lines.push({ code: "", comment: "" });
        current = { code: "", comment: "" };
        depth = piece.depth;
        break;
      case "suffix":
        current.comment += current.comment === "" ? found.text : ` ${found.text}`;
        break;
      default:
        never(found);
    }
  }
  lines.push(current);
  return `${aligned(lines).join("\n").trimEnd()}\n`;
}

/** Whether a document fits on the rest of the line, with what follows it up to the next possible break. */
function fits(doc: Doc, room: number, rest: readonly Piece[]): boolean {
  let left = room;
  let next = rest.length - 1;
  const stack: { doc: Doc; flat: boolean }[] = [{ doc, flat: true }];
  while (left >= 0) {
    const piece = stack.pop() ?? rest[next--];
    if (piece === undefined) return true;
    const { doc: found, flat } = piece;
    if (found.kind === "text") left -= found.text.length;
    else if (found.kind === "join") for (const part of [...found.parts].reverse()) stack.push({ doc: part, flat });
    else if (found.kind === "indent" || found.kind === "group") stack.push({ doc: found.inner, flat });
    else if (found.kind === "line") {
      if (!flat) return left >= found.broken.length;
      left -= found.flat.length;
    }
  }
  return false;
}

function aligned(lines: readonly Line[]): string[] {
  const texts: string[] = [];
  for (let start = 0; start < lines.length; ) {
    let end = start;
    while (end < lines.length && lines[end]?.comment !== "") end++;
    const run = lines.slice(start, end);
    const column = run.reduce((widest, one) => Math.max(widest, one.code.length), 0) + 2;
    for (const one of run) texts.push(one.code.padEnd(column) + one.comment);
    if (end < lines.length) texts.push(lines[end]?.code ?? "");
    start = end + 1;
  }
  return texts;
}

/** Statements of Python to lines that are not too long, broken within brackets as black does it. */

import { mostColumns } from "./python.ts";

/** A statement in as few lines as the limit allows; `line` begins with its indent. */
export function broken(line: string): string[] {
  if (line.length <= mostColumns) return [line];
  const indent = /^ */.exec(line)?.[0] ?? "";
  const text = line.slice(indent.length);
  const signature = /^(?:def|class) /.test(text) ? bracketsOf(text)[0] : undefined;
  if (signature !== undefined) return splitAt(text, signature, { indent, lead: "", end: "", isOpen: false });
  const lead = /^(?:return |[\w.]+(?:\[[^\]]*\])*(?:, [\w.]+)* = )/.exec(text)?.[0] ?? "";
  return lay(text.slice(lead.length), { indent, lead, end: "", isOpen: false });
}

interface Place {
  readonly indent: string;
  /** What stands before it on its line, and behind it. */
  readonly lead: string;
  readonly end: string;
  /** Whether brackets around it let it go on over lines. */
  readonly isOpen: boolean;
}

function lay(text: string, place: Place): string[] {
  const { indent, lead, end, isOpen } = place;
  if (indent.length + lead.length + text.length + end.length <= mostColumns) return [`${indent}${lead}${text}${end}`];
  const keyword = /^\w+=(?!=)/.exec(text)?.[0];
  if (keyword !== undefined) return lay(text.slice(keyword.length), { ...place, lead: lead + keyword, isOpen: false });
  const terms = termsOf(text);
  const links = terms.length > 1 ? [] : linksOf(text);
  if (terms.length < 2 && links.length < 2) {
    const [last] = bracketsOf(text).slice(-1);
    return last === undefined ? [`${indent}${lead}${text}${end}`] : splitAt(text, last, place);
  }
  if (!isOpen || (lead !== "" && links.length > 1)) {
    const inside = lay(text, { indent: `${indent}    `, lead: "", end: "", isOpen: true });
    return [`${indent}${lead}(`, ...inside, `${indent})${end}`];
  }
  const parts = links.length > 1 ? links.map((link) => ["", link] as const) : terms;
  return parts.flatMap(([sign, part], i) => {
    const own = { indent, lead: (i === 0 ? lead : "") + sign, end: i === parts.length - 1 ? end : "", isOpen: true };
    return links.length > 1 ? layLink(part, own) : lay(part, own);
  });
}

/** A link of a chain is broken within its own brackets. */
function layLink(text: string, place: Place): string[] {
  const { indent, lead, end } = place;
  if (indent.length + lead.length + text.length + end.length <= mostColumns) return [`${indent}${lead}${text}${end}`];
  const [last] = bracketsOf(text).slice(-1);
  return last === undefined ? [`${indent}${lead}${text}${end}`] : splitAt(text, last, place);
}

/** What stands in a pair of brackets on lines of its own: on one, or an argument a line. */
function splitAt(text: string, [from, to]: readonly [number, number], { indent, lead, end }: Place): string[] {
  const deeper = `${indent}    `;
  const inside = text.slice(from + 1, to);
  const parts = argumentsOf(inside);
  const fits = deeper.length + inside.length <= mostColumns && !inside.endsWith(",");
  const lines =
    parts.length === 1 || fits
      ? lay(fits ? inside : (parts[0] ?? ""), { indent: deeper, lead: "", end: "", isOpen: true })
      : parts.flatMap((part) => lay(part, { indent: deeper, lead: "", end: ",", isOpen: true }));
  return [`${indent}${lead}${text.slice(0, from + 1)}`, ...lines, `${indent}${text.slice(to)}${end}`];
}

/** Terms of the loosest operator that no bracket holds, each with the operator before it; the whole alone where there is none. */
function termsOf(text: string): (readonly [sign: string, term: string])[] {
  for (const operators of [/ (?:for|if|else) /y, / [+-] /y, / (?:\*|\/|@) /y]) {
    const cuts: number[] = [];
    scan(text, (at, depth) => {
      operators.lastIndex = at;
      if (depth === 0 && at > 0 && operators.test(text)) cuts.push(at);
    });
    if (cuts.length === 0) continue;
    return [0, ...cuts].map((start, i) => {
      const term = text.slice(start, cuts[i]).trim();
      const sign = i === 0 ? "" : `${term.slice(0, term.indexOf(" "))} `;
      return [sign, term.slice(sign.length)] as const;
    });
  }
  return [["", text]];
}

/** A chain of calls, cut before each call of what came out of the one before; the whole alone where it is none. */
function linksOf(text: string): string[] {
  const cuts: number[] = [];
  scan(text, (at, depth, char) => {
    if (depth === 0 && char === "." && ")]".includes(text[at - 1] ?? "") && /^\.\w+\(/.test(text.slice(at))) cuts.push(at);
  });
  return [0, ...cuts].map((start, i) => text.slice(start, cuts[i]));
}

/** Outer pairs of brackets with something in them. */
function bracketsOf(text: string): (readonly [from: number, to: number])[] {
  const pairs: (readonly [number, number])[] = [];
  let open = -1;
  scan(text, (at, depth, char) => {
    if ("([{".includes(char) && depth === 0) open = at;
    if (")]}".includes(char) && depth === 0 && at > open + 1) pairs.push([open, at]);
  });
  return pairs;
}

function argumentsOf(text: string): string[] {
  const parts: string[] = [];
  let start = 0;
  scan(text, (at, depth, char) => {
    if (char !== "," || depth > 0) return;
    parts.push(text.slice(start, at).trim());
    start = at + 1;
  });
  const last = text.slice(start).trim();
  return last === "" ? parts : [...parts, last];
}

/** Each character outside of strings, with the number of brackets around it; a bracket itself is outside of what it holds. */
function scan(text: string, each: (at: number, depth: number, char: string) => void): void {
  let depth = 0;
  let quote = "";
  for (let at = 0; at < text.length; at++) {
    const char = text[at] ?? "";
    if (quote !== "") {
      if (char === "\\") at++;
      else if (char === quote) quote = "";
      continue;
    }
    if (char === '"' || char === "'") quote = char;
    if (")]}".includes(char)) depth--;
    each(at, depth, char);
    if ("([{".includes(char)) depth++;
  }
}

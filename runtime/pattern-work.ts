/** A regular expression of a tokenizer to the most ways in which it can be tried from one place of a text, before it is run on any. */

/** A quantifier without an end is counted as so many ways: the length of a long word. */
const longest = 256;
/** Two such in a row, and what tokenizers have beside them. Three let a prompt of a thousand characters take minutes. */
export const mostWays = 2 ** 22;

/** Regular expressions of a tokenizer.json, wherever it names them. */
export function patternsOf(json: unknown): readonly string[] {
  if (typeof json !== "object" || json === null) return [];
  return Object.entries(json).flatMap(([key, value]) => (key === "Regex" && typeof value === "string" ? [value] : patternsOf(value)));
}

/**
 * An upper bound of the ways in which a backtracking engine matches the pattern from one place: alternatives add up, parts in a row
 * multiply, and what is repeated multiplies with itself. Infinity where a group is repeated without end (as `(a+)+`, where the
 * ways double with each character), and where the pattern cannot be read.
 */
export function waysOf(pattern: string): number {
  const reader = new Reader(pattern);
  const ways = reader.alternatives(0);
  return reader.ended ? ways : Number.POSITIVE_INFINITY;
}

interface Part {
  readonly ways: number;
  /** Whether it takes one character at most, so that repeating it is one more way for each character. */
  readonly single: boolean;
}

/** Deeper than any tokenizer nests its groups. */
const deepest = 50;
const unreadable: Part = { ways: Number.POSITIVE_INFINITY, single: false };

class Reader {
  private at = 0;
  private readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  get ended(): boolean {
    return this.at >= this.text.length;
  }

  /** Up to the group's end or the pattern's. */
  alternatives(depth: number): number {
    if (depth > deepest) return Number.POSITIVE_INFINITY;
    let sum = this.sequence(depth);
    while (this.take(/\|/y) !== undefined) sum += this.sequence(depth);
    return sum;
  }

  private sequence(depth: number): number {
    let ways = 1;
    while (!this.ended && !/[|)]/.test(this.text.charAt(this.at))) ways *= this.repeated(this.atom(depth));
    return ways;
  }

  private atom(depth: number): Part {
    // A flag for what follows, `(?i)`, matches nothing.
    if (this.take(/\(\?[a-z]*(?:-[a-z]+)?\)/y) !== undefined) return { ways: 1, single: true };
    if (this.take(/\((?:\?(?:[a-z]*(?:-[a-z]+)?:|<?[=!]|>|<\w+>))?/y) !== undefined) {
      const ways = this.alternatives(depth + 1);
      return this.take(/\)/y) === undefined ? unreadable : { ways, single: false };
    }
    if (this.take(/\[/y) !== undefined) return this.characterClass() ? { ways: 1, single: true } : unreadable;
    const one = this.take(/\\(?:[pPx]\{[^}]*\}|k<\w+>|u[0-9a-fA-F]{4}|[\s\S])|[^\\]/uy);
    return one === undefined ? unreadable : { ways: 1, single: true };
  }

  /** Classes may lie in each other. */
  private characterClass(): boolean {
    for (let open = 1; open > 0; ) {
      const part = this.take(/\\[\s\S]|[^\\]/uy);
      if (part === undefined) return false;
      if (part === "[") open++;
      if (part === "]") open--;
    }
    return true;
  }

  private repeated({ ways, single }: Part): number {
    const found = this.take(/(?:[*+?]|\{\d*,?\d*\})[?+]?/y);
    if (found === undefined) return ways;
    const [, from, comma, to] = /^\{(\d*)(,?)(\d*)\}/.exec(found) ?? [];
    const least = found.startsWith("+") ? 1 : Number(from ?? 0);
    const most = found.startsWith("?")
      ? 1
      : from === undefined || (comma === "," && to === "")
        ? Number.POSITIVE_INFINITY
        : Number(to || from);
    if (single) return Math.min(longest, most - least + 1);
    return most === 1 ? ways + 1 : least === most ? ways ** most : (ways + 1) ** most;
  }

  private take(what: RegExp): string | undefined {
    what.lastIndex = this.at;
    const found = what.exec(this.text)?.[0];
    if (found !== undefined) this.at += found.length;
    return found;
  }
}

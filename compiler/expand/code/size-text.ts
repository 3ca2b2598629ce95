/** The name of an axis, as axes show it, to the known value that it says: `C * 8`, `(T - 1) / 2`, `div(C, 6)`. */

import type { Known, KnownOperator } from "../../module/code.ts";

const token = /\s*(?:(\d+)|([A-Za-z_]\w*)|(\*\*|[-+*/%(),]))/y;

/** What binds how strongly; of equals the left first. */
const strengths: { readonly [operator: string]: number } = { "+": 1, "-": 1, "*": 2, "/": 2, "%": 2, "**": 4 };

const known = new Map<string, Known | undefined>();

/** Undefined where the text is no such sum. Its names are local until a scope tells. */
export function readSize(text: string): Known | undefined {
  if (!known.has(text)) known.set(text, new SizeReader(text).all());
  return known.get(text);
}

class SizeReader {
  private readonly tokens: string[] = [];
  private at = 0;

  constructor(text: string) {
    token.lastIndex = 0;
    let end = 0;
    for (let match = token.exec(text); match !== null; match = token.exec(text)) {
      this.tokens.push(match[1] ?? match[2] ?? match[3] ?? "");
      end = token.lastIndex;
    }
    if (text.slice(end).trim() !== "") this.tokens.length = 0;
  }

  all(): Known | undefined {
    const value = this.sum(0);
    return value !== undefined && this.at === this.tokens.length ? value : undefined;
  }

  private sum(least: number): Known | undefined {
    let left = this.one();
    while (left !== undefined) {
      const operator = this.tokens[this.at] ?? "";
      const strength = strengths[operator];
      if (strength === undefined || strength < least) return left;
      this.at++;
      const right = this.sum(operator === "**" ? strength : strength + 1);
      if (right === undefined) return undefined;
      // As sources write it: axes have their numbers behind their names.
      const swaps = operator === "*" && right.kind === "plain" && left.kind === "name";
      left = { kind: "binary", operator: operator as KnownOperator, left: swaps ? right : left, right: swaps ? left : right, whole: true };
    }
    return undefined;
  }

  private one(): Known | undefined {
    const text = this.tokens[this.at++];
    if (text === undefined) return undefined;
    if (/^\d/.test(text)) return { kind: "plain", value: Number(text) };
    if (text === "(") return this.closed(this.sum(0));
    if (text === "-") {
      const operand = this.sum(3);
      return operand && { kind: "minus", operand };
    }
    if (!/^[A-Za-z_]/.test(text)) return undefined;
    if (text !== "div" || this.tokens[this.at] !== "(") return { kind: "name", name: text, of: "local" };
    this.at++;
    const left = this.sum(0);
    const comma = this.tokens[this.at++];
    const right = this.closed(this.sum(0));
    if (left === undefined || right === undefined || comma !== ",") return undefined;
    return { kind: "binary", operator: "/", left, right, whole: true };
  }

  private closed(value: Known | undefined): Known | undefined {
    return this.tokens[this.at++] === ")" ? value : undefined;
  }
}

/** What the value is where names are as `sizeOf` says; undefined where one is none, or a division does not come out of the names' own. */
export function sizeFrom(value: Known, sizeOf: (name: string) => number | undefined): number | undefined {
  switch (value.kind) {
    case "plain":
      return typeof value.value === "number" ? value.value : undefined;
    case "name":
      return sizeOf(value.name);
    case "minus": {
      const operand = sizeFrom(value.operand, sizeOf);
      return operand === undefined ? undefined : -operand;
    }
    case "binary": {
      const [left, right] = [sizeFrom(value.left, sizeOf), sizeFrom(value.right, sizeOf)];
      if (left === undefined || right === undefined) return undefined;
      switch (value.operator) {
        case "+":
          return left + right;
        case "-":
          return left - right;
        case "*":
          return left * right;
        case "/":
          return Math.floor(left / right);
        case "%":
          return left % right;
        case "**":
          return left ** right;
        default:
          return undefined;
      }
    }
    default:
      return undefined;
  }
}

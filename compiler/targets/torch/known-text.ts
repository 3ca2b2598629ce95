/** Values that are known when the model is built to Python expressions. */

import type { Known, KnownOperator } from "../../module/code.ts";
import { pythonValue } from "./python.ts";

/** An expression, and how strongly its outermost operator binds. */
export interface Text {
  readonly text: string;
  readonly strength: number;
}

export const strengths = { choice: 1, or: 2, and: 3, not: 4, compare: 5, sum: 6, product: 7, unary: 8, power: 9, call: 10 } as const;

export function atom(text: string): Text {
  return { text, strength: strengths.call };
}

/** The text in brackets where it binds less than its place needs. */
export function within({ text, strength }: Text, least: number): string {
  return strength < least ? `(${text})` : text;
}

const operators: { readonly [O in KnownOperator]: readonly [python: string, strength: number] } = {
  "+": ["+", strengths.sum],
  "-": ["-", strengths.sum],
  "*": ["*", strengths.product],
  "/": ["/", strengths.product],
  "%": ["%", strengths.product],
  "**": ["**", strengths.power],
  "==": ["==", strengths.compare],
  "!=": ["!=", strengths.compare],
  "<": ["<", strengths.compare],
  "<=": ["<=", strengths.compare],
  ">": [">", strengths.compare],
  ">=": [">=", strengths.compare],
  "&&": ["and", strengths.and],
  "||": ["or", strengths.or],
};

/** Where names and the rounds of loops are asked for. */
export interface Names {
  readonly name: (known: Extract<Known, { readonly kind: "name" }>) => string;
  readonly index: (loop: number) => string;
  readonly table: (rows: string) => string;
}

export function knownText(known: Known, names: Names): Text {
  const of = (part: Known, least: number) => within(knownText(part, names), least);
  const whole = (part: Known) => of(part, 0);
  switch (known.kind) {
    case "plain": {
      const text = pythonValue(known.value, known.float);
      return { text, strength: text.startsWith("-") ? strengths.unary : strengths.call };
    }
    case "name":
      return atom(names.name(known));
    case "list":
      return atom(`[${known.items.map(whole).join(", ")}]`);
    case "record":
      return atom(`{${[...known.fields].map(([name, value]) => `${JSON.stringify(name)}: ${whole(value)}`).join(", ")}}`);
    case "not":
      return { text: `not ${of(known.operand, strengths.not)}`, strength: strengths.not };
    case "minus":
      return { text: `-${of(known.operand, strengths.unary)}`, strength: strengths.unary };
    case "binary": {
      const [sign, strength] = operators[known.operator];
      const operator = known.operator === "/" && known.whole ? "//" : sign;
      const [left, right] = known.operator === "**" ? [strength + 1, strengths.unary] : [strength, strength + 1];
      return { text: `${of(known.left, left)} ${operator} ${of(known.right, right)}`, strength };
    }
    case "choice": {
      const [then, test] = [of(known.yes, strengths.choice + 1), of(known.test, strengths.choice + 1)];
      return { text: `${then} if ${test} else ${of(known.no, strengths.choice)}`, strength: strengths.choice };
    }
    case "length":
      return atom(`len(${whole(known.of)})`);
    case "item":
      return atom(`${of(known.list, strengths.call)}[${whole(known.index)}]`);
    case "field":
      return atom(`${of(known.record, strengths.call)}[${JSON.stringify(known.field)}]`);
    case "method":
      return atom(known.method === "reversed" ? `${of(known.list, strengths.call)}[::-1]` : `${known.method}(${whole(known.list)})`);
    case "round":
      return atom(names.index(known.loop));
    case "table":
      return atom(names.table(pythonValue(known.rows)) + known.loops.map((loop) => `[${names.index(loop)}]`).join(""));
  }
}

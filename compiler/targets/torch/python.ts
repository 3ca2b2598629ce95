/** What any Python file needs: names that may be used as they are, literals, docstrings, and lines that are broken where they are too long. */

import type { PlainValue } from "../../module/code.ts";
import { pieces } from "./pieces.ts";

/** flake8's own limit. */
export const mostColumns = 79;

/** Keywords; what the file itself takes from Python and PyTorch; and names that linters take for digits. */
const taken = new Set(
  (
    "False None True and as assert async await break class continue def del elif else except finally for from global if import in is lambda " +
    "nonlocal not or pass raise return try while with yield match case type self super torch nn fn math json struct sys Tensor len range " +
    "zip enumerate reversed min max list dict tuple int float bool str bytes open print hasattr isinstance property setattr getattr l I O"
  ).split(" "),
);

/** The name as it is, or with a line behind it where Python or the file has it for itself. */
export function pythonName(name: string): string {
  const plain = name.replace(/[^A-Za-z0-9_]/g, "_");
  return taken.has(plain) || Object.hasOwn(pieces, plain) || /^\d/.test(plain) ? `${plain}_` : plain;
}

export function isIdentifier(name: string): boolean {
  return /^[A-Za-z_]\w*$/.test(name) && !taken.has(name);
}

export function pythonValue(value: PlainValue, float = false): string {
  if (typeof value === "number") return numberText(value, float);
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "string") return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((item: PlainValue) => pythonValue(item, float)).join(", ")}]`;
  return `{${Object.entries(value)
    .map(([name, item]) => `${JSON.stringify(name)}: ${pythonValue(item, float)}`)
    .join(", ")}}`;
}

function numberText(value: number, float: boolean): string {
  const text = value !== 0 && Math.abs(value) < 1e-3 ? value.toExponential() : String(value).replace("e+", "e");
  return float && /^-?\d+$/.test(text) ? `${text}.0` : text;
}

/** Lines of prose in `"""`, at most as long as the file's. */
export function docstring(text: string, indent: string): string[] {
  const safe = text.replaceAll("\\", "\\\\").replaceAll('"""', '\\"\\"\\"').replace(/"$/, '\\"');
  const lines = wrapText(`"""${safe}`, mostColumns - indent.length, mostColumns - indent.length);
  const last = lines.at(-1) ?? "";
  if (lines.length === 1 && indent.length + last.length + 3 <= mostColumns) return [`${indent}${last}"""`];
  const shown = lines.map((line) => (line === "" ? "" : indent + line));
  return indent.length + last.length + 3 <= mostColumns && last !== ""
    ? [...shown.slice(0, -1), `${indent}${last}"""`]
    : [...shown, `${indent}"""`];
}

export function comment(text: string, indent = ""): string[] {
  return wrapText(text, mostColumns - indent.length - 2, mostColumns - indent.length - 2).map((line) => `${indent}# ${line}`.trimEnd());
}

function wrapText(text: string, first: number, others: number): string[] {
  return text.split("\n").flatMap((paragraph, i) => {
    const lines: string[] = [];
    let line = "";
    for (const word of paragraph.split(/\s+/).filter((one) => one !== "")) {
      const most = i === 0 && lines.length === 0 ? first : others;
      if (line !== "" && line.length + 1 + word.length > most) {
        lines.push(line);
        line = word;
      } else line = line === "" ? word : `${line} ${word}`;
    }
    return [...lines, line];
  });
}

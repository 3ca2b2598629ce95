/** A block to the class or function that it is in Python. */

import type { CodeBlock, CodeStatement, Computed } from "../../module/code.ts";
import { broken } from "./broken.ts";
import { isOfModules } from "./clashes.ts";
import { BlockContext, type FileContext } from "./context.ts";
import { ForwardWriter, shapeText } from "./forward.ts";
import { InitWriter } from "./init.ts";
import { type Kept, keptOf, type Node } from "./lines.ts";
import { type BlockPlan, dimKey, likeKey, namesRead, parameterKey } from "./plan.ts";
import { comment, docstring, mostColumns, pythonName, pythonValue } from "./python.ts";

export interface WrittenBlock {
  readonly plan: BlockPlan;
  readonly lines: readonly string[];
  /** Dims and parameters that the modules and weights are made with. */
  readonly makes: ReadonlySet<string>;
  /** All that is read, of globals too. */
  readonly uses: ReadonlySet<string>;
}

/** `called` says which parameters a call takes; where it is not known yet, all that modules and weights are not made with. */
export function writeBlock(name: string, block: CodeBlock, file: FileContext, called?: ReadonlySet<string>): WrittenBlock {
  return block.owns ? writeClass(name, block, file, called) : writeFunction(name, block, file);
}

function writeFunction(name: string, block: CodeBlock, file: FileContext): WrittenBlock {
  const context = new BlockContext(file, block);
  const float = block.parameters.find(({ tensor }) => tensor !== undefined && tensor !== "several" && tensor.isFloat);
  const like = float === undefined ? "like" : pythonName(float.name);
  const forward = new ForwardWriter(context, { parameter: pythonName, dim: pythonName, like });
  const kept = keptOf(forward.write(block.body));
  const sizes = forward.sizes(kept.uses);
  const { uses } = sizes;
  const named = namesRead(block, uses);
  const takesLike = kept.uses.has(likeKey) && float === undefined;
  const plan: BlockPlan = { name, block, made: [], called: named, takesLike, returns: returnedBy(block) };
  const given = [...tensorsOf(block), ...named.map((one) => signatureOf(block, one)), ...(takesLike ? ["like: Tensor"] : [])];
  const lines = [
    ...broken(`def ${name}(${given.join(", ")}) -> ${resultOf(block.body)}:`),
    ...(block.doc === undefined ? [] : docstring(block.doc, "    ")),
    ...shapesOf(block, "    "),
    ...sizes.lines.map((line) => `    ${line}`),
    ...indented(kept, "    "),
  ];
  return { plan, lines, makes: new Set(), uses };
}

function writeClass(name: string, block: CodeBlock, file: FileContext, called: ReadonlySet<string> | undefined): WrittenBlock {
  const context = new BlockContext(file, block);
  const init = new InitWriter(context, false, block.body);
  const made = init.write(block.body);
  const { base } = init;
  const isSet = (node: Node) => node.kind === "line" && node.sets !== undefined;
  const makes = keptOf(base === undefined ? made : [...made.filter(isSet), base, ...made.filter((node) => !isSet(node))]);

  const children = new Set(
    [...context.spots.values()].flatMap((spot) => (spot.kind === "attribute" && spot.owner === "self" ? [spot.name] : [])),
  );
  const stored = (one: string) => `${base !== undefined || isOfModules(one) || children.has(one) ? "_" : ""}${pythonName(one)}`;
  const given = called ?? new Set(block.parameters.map((parameter) => parameter.name));
  const float = block.parameters.find(({ tensor }) => tensor !== undefined && tensor !== "several" && tensor.isFloat);
  const isGiven = (one: string) => given.has(one) && !makes.uses.has(parameterKey(one));
  const forward = new ForwardWriter(context, {
    parameter: (one) => (isGiven(one) ? pythonName(one) : `self.${stored(one)}`),
    dim: (one) => `self.${stored(one)}`,
    like: float === undefined ? "next(self.parameters())" : pythonName(float.name),
  });
  const kept = keptOf(forward.write(block.body));
  const sizes = forward.sizes(kept.uses);
  const { uses } = sizes;
  const read = namesRead(block, uses);
  const calls = read.filter((one) => block.parameters.some((parameter) => parameter.name === one) && isGiven(one));
  const keeps = read.filter((one) => !calls.includes(one));
  const names = namesRead(block, new Set([...makes.uses, ...keeps.flatMap((one) => [dimKey(one), parameterKey(one)])]));
  const plan: BlockPlan = { name, block, made: names, called: calls, takesLike: false, returns: undefined };

  const start = [...keeps.map((one) => `        self.${stored(one)} = ${pythonName(one)}`)];
  const making = indented(makes, "        ");
  const at = base === undefined ? -1 : making.findIndex((line) => line.startsWith("        super().__init__("));
  const initLines = base === undefined ? ["        super().__init__()", ...start, ...making] : insertBehind(making, at, start);
  const signature = ["self", ...tensorsOf(block), ...calls.map((one) => signatureOf(block, one))];
  const call = [
    ...broken(`    def forward(${signature.join(", ")}) -> ${resultOf(block.body)}:`),
    ...shapesOf(block, "        "),
    ...sizes.lines.map((line) => `        ${line}`),
    ...indented(kept, "        "),
  ];
  // A class that only makes its base with numbers of its own is called as that is.
  const tensors = block.parameters.flatMap(({ name: one, tensor }) => (tensor === undefined ? [] : [pythonName(one)])).join(", ");
  const inherits =
    base !== undefined && calls.length === 0 && kept.lines.length === 1 && kept.lines[0]?.text === `return super().forward(${tensors})`;
  const lines = [
    `class ${name}(${context.base ?? context.plain}):`,
    ...(block.doc === undefined ? [] : [...docstring(block.doc, "    "), ""]),
    ...broken(`    def __init__(${["self", ...names.map((one) => signatureOf(block, one))].join(", ")}) -> None:`),
    ...initLines,
    ...(inherits ? [] : ["", ...call]),
  ];
  return { plan, lines, makes: makes.uses, uses: new Set([...uses, ...makes.uses]) };
}

/** Behind the statement that begins at a line, which may go on over several. */
function insertBehind(lines: readonly string[], at: number, more: readonly string[]): string[] {
  const first = lines[at] ?? "";
  const end = first.endsWith("(") ? lines.findIndex((line, i) => i > at && line === "        )") : at;
  return [...lines.slice(0, end + 1), ...more, ...lines.slice(end + 1)];
}

export function tensorsOf(block: CodeBlock): string[] {
  return block.parameters.flatMap(({ name, tensor }) => {
    if (tensor === undefined) return [];
    return [`${pythonName(name)}: ${tensor === "several" ? "list | dict" : "Tensor"}`];
  });
}

function signatureOf(block: CodeBlock, name: string): string {
  const parameter = block.parameters.find((one) => one.name === name);
  const types = { int: "int", float: "float", bool: "bool", string: "str", list: "list", record: "dict" } as const;
  const type = parameter?.type === undefined ? "int" : types[parameter.type];
  const standard = parameter?.value === undefined ? "" : ` = ${pythonValue(parameter.value, parameter.type === "float")}`;
  return `${pythonName(name)}: ${type}${standard}`;
}

/** What comes back: a tensor, or several. */
export function resultOf(statements: readonly CodeStatement[]): string {
  const returns = returnsOf(statements);
  if (returns.every(({ shape }) => shape !== undefined)) return "Tensor";
  return returns.some(({ value }) => value.kind === "fields") ? "dict[str, Tensor | list[Tensor]]" : "list[Tensor]";
}

type Return = Extract<CodeStatement, { kind: "return" }>;

function returnsOf(statements: readonly CodeStatement[]): Return[] {
  return statements.flatMap((statement): Return[] => {
    if (statement.kind === "return") return [statement];
    if (statement.kind === "if") return [...returnsOf(statement.yes), ...returnsOf(statement.no)];
    return statement.kind === "repeat" ? returnsOf(statement.body) : [];
  });
}

/** Axes of what a call takes and gives. */
export function shapesOf(block: CodeBlock, indent: string): string[] {
  const given = block.parameters.flatMap(({ name, tensor }) =>
    tensor === undefined || tensor === "several" ? [] : [`${pythonName(name)} ${shapeText(tensor.shape)}`],
  );
  const result = returnsOf(block.body).at(-1)?.shape;
  if (given.length === 0) return [];
  return comment(`${given.join(", ")}${result === undefined ? "" : ` -> ${shapeText(result)}`}`, indent);
}

export function indented({ lines }: Pick<Kept, "lines">, indent: string): string[] {
  return lines.flatMap(({ depth, text, comment: said }) => {
    const start = indent + "    ".repeat(depth);
    const whole = `${start}${text}`;
    if (said === undefined) return broken(whole);
    if (whole.length + said.length + 4 <= mostColumns) return [`${whole}  # ${said}`];
    return [...comment(said, start), ...broken(whole)];
  });
}

/** The parameter that a block gives back as it is. */
function returnedBy({ body }: CodeBlock): string | undefined {
  const [first] = body;
  const value: Computed | undefined = first?.kind === "return" ? first.value : undefined;
  return value?.kind === "variable" ? value.name : undefined;
}

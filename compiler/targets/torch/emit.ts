/** A model's code to one file of Python that needs PyTorch alone. */

import type { CodeBlock, CodeGraph, CodeStatement, Computed, Known, ModelCode } from "../../module/code.ts";
import { broken } from "./broken.ts";
import { isOfModules } from "./clashes.ts";
import { BlockContext, type FileContext } from "./context.ts";
import { ForwardWriter } from "./forward.ts";
import { InitWriter } from "./init.ts";
import { keptOf } from "./lines.ts";
import { needed, type PieceName, pieces } from "./pieces.ts";
import { dimKey, globalKey, parameterKey } from "./plan.ts";
import { comment, docstring, mostColumns, pythonName, pythonValue } from "./python.ts";
import { placesOf } from "./registering.ts";
import { ending, imports } from "./surroundings.ts";
import { indented, resultOf, shapesOf, tensorsOf, type WrittenBlock, writeBlock } from "./write-block.ts";

/** `version` is the compiler's, `source` the file's name for people. */
export function emitTorch(code: ModelCode, version: string, source: string): string {
  const globals = new Map(code.globals.map((one) => [one.name, one]));
  const names = classNames(code);
  const write = (called?: readonly ReadonlySet<string>[]) => {
    const plans: WrittenBlock["plan"][] = [];
    const file: FileContext = { plans, globals, pieces: new Set<PieceName>() };
    const blocks = code.blocks.map((block, i) => {
      const written = writeBlock(names[i] ?? block.name, block, file, called?.[i]);
      plans.push(written.plan);
      return written;
    });
    return { file, blocks };
  };
  const first = write();
  const { file, blocks } = write(calledOf(code, first.blocks));
  const model = writeModel(code, file);
  const uses = new Set([...blocks.flatMap((block) => [...block.uses]), ...model.uses]);
  const shown = blocks.filter(({ plan }) => plan.returns === undefined);
  const constants = code.globals.filter(({ name }) => uses.has(globalKey(name)));
  const end = ending(code, pythonName(code.name), methodName);
  const body = [
    ...piecesOf(file.pieces).map((name) => pieces[name].split("\n")),
    ...shown.map(({ lines }) => lines),
    model.lines,
    ...end,
  ].map((lines) => lines.join("\n"));
  const head = [
    docstring(aboutText(code, source, version), "").join("\n"),
    "",
    imports(body.join("\n")),
    "",
    ...constants.flatMap(({ name, value, float, doc }) => constant(`${pythonName(name)} = ${pythonValue(value, float)}`, doc)),
  ];
  return `${[head.join("\n").trimEnd(), ...body].join("\n\n\n")}\n`;
}

function aboutText({ name, preset, ablations, about }: ModelCode, source: string, version: string): string {
  const choices = [...(preset === null ? [] : [`preset ${preset}`]), ...ablations.map((one) => `ablation ${one}`)];
  const of = `${name}${choices.length === 0 ? "" : ` (${choices.join(", ")})`}`;
  return `${about === undefined ? of : about}\n\nWritten by mvc ${version} from ${source}: ${of}.`;
}

function constant(line: string, doc: string | undefined): string[] {
  const text = doc?.split("\n").join(" ");
  if (text === undefined) return broken(line);
  return line.length + text.length + 4 <= mostColumns ? [`${line}  # ${text}`] : [...comment(text), ...broken(line)];
}

function piecesOf(used: ReadonlySet<PieceName>): PieceName[] {
  const all = new Set(used);
  for (const name of used) for (const other of needed[name] ?? []) all.add(other);
  return (Object.keys(pieces) as PieceName[])
    .filter((name) => all.has(name))
    .sort((a, b) => Number(needed[a] !== undefined) - Number(needed[b] !== undefined));
}

/** Those of one block with different code are numbered, and no class has another's name. */
function classNames(code: ModelCode): string[] {
  const taken = new Set<string>([
    pythonName(code.name),
    ...Object.keys(pieces),
    "load",
    "main",
    "read_safetensors",
    ...code.globals.map(({ name }) => pythonName(name)),
    ...code.blocks.flatMap(variablesOf),
  ]);
  return code.blocks.map(({ name }) => {
    let own = pythonName(name);
    for (let i = 2; taken.has(own); i++) own = `${pythonName(name)}${i}`;
    taken.add(own);
    return own;
  });
}

/** Names that a function gives values: a class by one of them could not be called there. */
function variablesOf({ body, dims, parameters }: CodeBlock): string[] {
  const named = (statements: readonly CodeStatement[]): string[] =>
    statements.flatMap((statement) => {
      if (statement.kind === "set" || statement.kind === "bind") return [statement.name];
      if (statement.kind === "if") return [...named(statement.yes), ...named(statement.no)];
      return statement.kind === "repeat" ? [statement.element ?? "", statement.index ?? "", ...named(statement.body)] : [];
    });
  return [...dims, ...parameters.map(({ name }) => name), ...named(body)].map(pythonName);
}

/**
 * Which known parameters each block's call takes: those that no module is made with, and that follow from the shapes of what a
 * caller is given. Callers stand behind the blocks that they call, graphs behind all.
 */
function calledOf(code: ModelCode, written: readonly WrittenBlock[]): ReadonlySet<string>[] {
  const called = code.blocks.map(() => new Set<string>());
  const visit = (block: CodeBlock, own: ReadonlySet<string>, makes: ReadonlySet<string>) => {
    const sets = new Map<string, Known>();
    const follows = (known: Known): boolean => {
      if (known.kind !== "name") return partsOf(known).some(follows);
      if (known.of === "dim") return !makes.has(dimKey(known.name));
      if (known.of === "parameter") return own.has(known.name);
      const set = sets.get(known.name);
      return known.of === "local" && set !== undefined && follows(set);
    };
    visitCalls(block.body, sets, (call) => {
      for (const place of placesOf(call)) {
        for (const [name, value] of call.given) {
          const isParameter = code.blocks[place]?.parameters.some((one) => one.name === name) === true;
          if (isParameter && !written[place]?.makes.has(parameterKey(name)) && follows(value)) called[place]?.add(name);
        }
      }
    });
  };
  for (let i = code.blocks.length - 1; i >= 0; i--) {
    const [block, own, made] = [code.blocks[i], called[i], written[i]];
    if (block?.owns && own !== undefined && made !== undefined) visit(block, own, made.makes);
  }
  return called;
}

function partsOf(known: Known): readonly Known[] {
  switch (known.kind) {
    case "list":
      return known.items;
    case "record":
      return [...known.fields.values()];
    case "not":
    case "minus":
      return [known.operand];
    case "binary":
      return [known.left, known.right];
    case "choice":
      return [known.test, known.yes, known.no];
    case "length":
      return [known.of];
    case "item":
      return [known.list, known.index];
    case "field":
      return [known.record];
    case "method":
      return [known.list];
    case "plain":
    case "name":
    case "round":
    case "table":
      return [];
  }
}

function visitCalls(
  statements: readonly CodeStatement[],
  sets: Map<string, Known>,
  each: (call: Extract<Computed, { kind: "call" }>) => void,
): void {
  const visit = (value: Computed): void => {
    switch (value.kind) {
      case "call":
        each(value);
        for (const tensor of value.tensors.values()) visit(tensor);
        return;
      case "op":
        return value.inputs.forEach(visit);
      case "tensors":
        return value.items.forEach(visit);
      case "fields":
        return value.fields.forEach(visit);
      case "choose":
        visit(value.yes);
        return visit(value.no);
      case "at":
      case "reverse":
        return visit(value.list);
      case "of":
        return visit(value.record);
      case "arrange":
      case "view":
      case "float":
        return visit(value.x);
      default:
        return;
    }
  };
  for (const statement of statements) {
    if (statement.kind === "set") sets.set(statement.name, statement.value);
    else if (statement.kind === "bind" || statement.kind === "return") visit(statement.value);
    else if (statement.kind === "push") visit(statement.item);
    else if (statement.kind === "if") {
      visitCalls(statement.yes, sets, each);
      visitCalls(statement.no, sets, each);
    } else if (statement.kind === "repeat") visitCalls(statement.body, sets, each);
  }
}

export function methodName(graph: string): string {
  const name = pythonName(graph);
  return isOfModules(name) || name === "forward" ? `${name}_` : name;
}

/** The class of the whole model: a method a graph. */
function writeModel(code: ModelCode, file: FileContext): { readonly lines: readonly string[]; readonly uses: ReadonlySet<string> } {
  const methods = code.graphs.map(({ name }) => methodName(name));
  const registered = new Map<string, string>();
  const uses = new Set<string>();
  const made: string[] = [];
  const calls: string[][] = [];
  const taken = new Set<string>();
  let plain = "nn.Module";
  for (const { name, doc, block } of code.graphs) {
    const context = new BlockContext(file, block, methods);
    for (const one of taken) context.taken.add(one);
    const init = keptOf(new InitWriter(context, true, block.body).write(block.body, registered));
    made.push(...indented(init, "        "));
    if (context.plain !== "nn.Module") plain = context.plain;
    const float = block.parameters.find(({ tensor }) => tensor !== undefined && tensor !== "several" && tensor.isFloat);
    const forward = new ForwardWriter(context, {
      parameter: pythonName,
      dim: pythonName,
      like: float === undefined ? "next(self.parameters())" : pythonName(float.name),
    });
    const kept = keptOf(forward.write(block.body));
    const sizes = forward.sizes(kept.uses);
    for (const use of [...init.uses, ...sizes.uses]) uses.add(use);
    for (const one of context.taken) taken.add(one);
    calls.push([
      ...broken(`    def ${methodName(name)}(${["self", ...tensorsOf(block)].join(", ")}) -> ${resultOf(block.body)}:`),
      ...(doc === undefined ? [] : docstring(doc, "        ")),
      ...shapesOf(block, "        "),
      ...sizes.lines.map((line) => `        ${line}`),
      ...indented(kept, "        "),
    ]);
  }
  const main = methodName(code.looped ?? (code.graphs as readonly CodeGraph[])[0]?.name ?? "");
  const lines = [
    `class ${pythonName(code.name)}(${plain}):`,
    ...(code.doc === undefined ? [] : [...docstring(code.doc, "    "), ""]),
    "    def __init__(self) -> None:",
    "        super().__init__()",
    ...made,
    ...calls.flatMap((call) => ["", ...call]),
    "",
    `    forward = ${main}`,
  ];
  return { lines, uses };
}

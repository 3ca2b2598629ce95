/** A model's graphs to the class of the whole model: a method a graph. */

import type { CodeGraph, ModelCode } from "../../module/code.ts";
import { broken } from "./broken.ts";
import { isOfModules } from "./clashes.ts";
import { BlockContext, type FileContext, type Registered } from "./context.ts";
import { ForwardWriter } from "./forward.ts";
import { InitWriter } from "./init.ts";
import { keptOf } from "./lines.ts";
import { docstring, pythonName } from "./python.ts";
import { indented, resultOf, shapesOf, tensorsOf } from "./write-block.ts";

export function methodName(graph: string): string {
  const name = pythonName(graph);
  return isOfModules(name) || name === "forward" ? `${name}_` : name;
}

export interface WrittenModel {
  readonly lines: readonly string[];
  readonly uses: ReadonlySet<string>;
  /** What its constructor registers, by its place. */
  readonly registered: ReadonlyMap<string, Registered>;
  readonly methods: readonly string[];
}

export function writeModel(code: ModelCode, file: FileContext): WrittenModel {
  const methods = code.graphs.map(({ name }) => methodName(name));
  const registered = new Map<string, Registered>();
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
  return { lines, uses, registered, methods };
}

/** A model's losses and the stages that minimise them to one file of Python, beside that of the model. */

import type { CodeGlobal } from "../../module/code.ts";
import type { TrainingCode } from "../../module/training-code.ts";
import { classNames, unusedName, variablesOf } from "./names.ts";
import { globalKey } from "./plan.ts";
import { mostColumns, pythonName } from "./python.ts";
import { aboutLines, constantLines, modelText, pieceLines, withNeeded } from "./sections.ts";
import { dataNames, stageData } from "./stage-data.ts";
import { imports } from "./surroundings.ts";
import { tiedAs, tiedNames } from "./tied.ts";
import { trainerCall } from "./trainer.ts";
import { exportsOf, isShown, type WrittenBlocks, writeBlocks, writeFile } from "./write-file.ts";
import { writeLoss } from "./write-loss.ts";

/** `version` is the compiler's, `source` the file's name for people. */
export function emitTraining(training: TrainingCode, version: string, source: string): string {
  const { model: code, losses, blocks, globals } = training;
  const model = writeFile(code);
  const known = exportsOf(code, model);
  const more = blocks.slice(model.blocks.length);
  const variables = [...more, ...losses.map(({ block }) => block)].flatMap(variablesOf);
  const taken = new Set([...known, ...globals.map(({ name }) => pythonName(name)), ...variables, ...dataNames, "trainer"]);
  const helpers = new Map(tiedNames.map((name) => [name as string, unusedName(name, taken)]));
  const names = classNames(more, taken);
  for (const name of names) taken.add(name);
  const classes = new Map(losses.map(({ name }) => [name, unusedName(camelCase(name), taken)]));
  const classOf = (loss: string) => classes.get(loss) ?? loss;

  const aliases = new Map(known.filter((name) => variables.includes(name)).map((name) => [name, unusedName(name, taken)]));
  const before = renamed(model, aliases);
  const { file, blocks: written } = writeBlocks(blocks, [...before.blocks.map(({ plan }) => plan.name), ...names], globals, before);
  const own = written.slice(before.blocks.length);
  const modelName = pythonName(code.name);
  const tied = helpers.get("tied") ?? "tied";
  const writtenLosses = losses.map((loss) => writeLoss(classOf(loss.name), loss, file, model.model, { model: modelName, tied }));

  const uses = new Set([...own, ...writtenLosses].flatMap((one) => [...one.uses]));
  const read = globals.filter(({ name }) => uses.has(globalKey(name)));
  const isTheirs = ({ name }: CodeGlobal) => model.constants.some((one) => one.name === name);
  const losing = writtenLosses.map(({ lines }) => lines.join("\n"));
  const ties = losing.some((text) => text.includes(`${tied}(`)) ? [tiedAs((name) => helpers.get(name) ?? name)] : [];
  const body = [
    ...pieceLines(withNeeded(file.pieces).filter((name) => !model.pieces.includes(name))).map((lines) => lines.join("\n")),
    ...own.filter(isShown).map(({ lines }) => lines.join("\n")),
    ...ties,
    ...losing,
  ];
  const constants = read.filter((one) => !isTheirs(one));
  const plain = withoutText(body.join("\n"));
  const isRead = (name: string) => new RegExp(`(?<![.\\w])${name}\\b`).test(plain);
  const functions = known.filter((name) => !globals.some((one) => pythonName(one.name) === name));
  const taking = [
    ...read.filter(isTheirs).map(({ name }) => pythonName(name)),
    ...functions.filter((name) => isRead(aliases.get(name) ?? name)).map((name) => withAlias(name, aliases.get(name))),
  ];
  const about = `How ${modelText(code)} is trained: its losses, and the stages that minimise them.`;
  const head = [
    ...aboutLines(about, code, version, source),
    "",
    imports(body.join("\n"), ties.length === 0 ? [] : ["from collections.abc import Callable"]),
    "",
    ...importLines(taking),
    "",
    ...constantLines(constants),
  ];
  const data = stageData(training, classOf).map((lines) => lines.join("\n"));
  return `${[head.join("\n").trimEnd(), ...body, data.join("\n"), trainerCall(modelName)].join("\n\n\n")}\n`;
}

/** The blocks under the names that they are imported by. */
function renamed({ blocks, called }: WrittenBlocks, aliases: ReadonlyMap<string, string>): WrittenBlocks {
  const plans = blocks.map((block) => ({ ...block, plan: { ...block.plan, name: aliases.get(block.plan.name) ?? block.plan.name } }));
  return { blocks: plans, called };
}

function withAlias(name: string, alias: string | undefined): string {
  return alias === undefined ? name : `${name} as ${alias}`;
}

function camelCase(name: string): string {
  return pythonName(name.slice(0, 1).toUpperCase() + name.slice(1));
}

/** Python without its strings and comments. */
function withoutText(text: string): string {
  return text.replace(/"""[\s\S]*?"""|"(?:\\.|[^"\\\n])*"|#.*/g, '""');
}

/** As isort has them: constants, classes, then all else, by name; what gets another name by itself. */
function importLines(names: readonly string[]): string[] {
  const kind = (name: string) => (/^[A-Z][A-Z0-9_]+$/.test(name) ? 0 : /^[A-Z]/.test(name) ? 1 : 2);
  const key = (name: string) => `${kind(name)} ${name.toLowerCase().replace(/\d+/g, (digits) => digits.padStart(9, "0"))} ${name}`;
  const [renamed, plain] = [true, false].map((has) => names.filter((name) => name.includes(" as ") === has));
  const sorted = (plain ?? []).sort((a, b) => (key(a) < key(b) ? -1 : 1));
  const line = `from model import ${sorted.join(", ")}`;
  const lines = line.length <= mostColumns ? [line] : ["from model import (", ...sorted.map((name) => `    ${name},`), ")"];
  return [...lines, ...(renamed ?? []).sort().map((name) => `from model import ${name}`)];
}

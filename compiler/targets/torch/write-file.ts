/** A model's code to the classes, functions and constants of its file. */

import type { CodeBlock, CodeGlobal, ModelCode } from "../../module/code.ts";
import { calledOf } from "./called.ts";
import type { FileContext } from "./context.ts";
import { classNames } from "./names.ts";
import { type PieceName, pieces } from "./pieces.ts";
import { globalKey } from "./plan.ts";
import { pythonName } from "./python.ts";
import { withNeeded } from "./sections.ts";
import { type WrittenBlock, writeBlock } from "./write-block.ts";
import { type WrittenModel, writeModel } from "./write-model.ts";

export interface WrittenFile extends WrittenBlocks {
  readonly model: WrittenModel;
  readonly constants: readonly CodeGlobal[];
  readonly pieces: readonly PieceName[];
}

export interface WrittenBlocks {
  readonly blocks: readonly WrittenBlock[];
  /** Which parameters each block's call takes. */
  readonly called: readonly ReadonlySet<string>[];
}

/** Names of every file of a model. */
const ownNames = ["load", "main", "read_safetensors"];

export function writeFile(code: ModelCode): WrittenFile {
  const taken = [pythonName(code.name), ...Object.keys(pieces), ...ownNames, ...code.globals.map(({ name }) => pythonName(name))];
  const { file, ...written } = writeBlocks(code.blocks, classNames(code.blocks, taken), code.globals);
  const model = writeModel(code, file);
  const uses = new Set([...written.blocks.flatMap((block) => [...block.uses]), ...model.uses]);
  const constants = code.globals.filter(({ name }) => uses.has(globalKey(name)));
  return { ...written, model, constants, pieces: withNeeded(file.pieces) };
}

/** The names that other files may take from a model's. */
export function exportsOf(code: ModelCode, { blocks, constants, pieces: own }: WrittenFile): string[] {
  const shown = blocks.filter(isShown).map(({ plan }) => plan.name);
  return [pythonName(code.name), ...shown, ...own, ...constants.map(({ name }) => pythonName(name)), ...ownNames];
}

/** What gives back what it is given is not written. */
export function isShown({ plan }: WrittenBlock): boolean {
  return plan.returns === undefined;
}

/** Blocks behind those that are written already. */
export function writeBlocks(
  blocks: readonly CodeBlock[],
  names: readonly string[],
  globals: readonly CodeGlobal[],
  before: WrittenBlocks = { blocks: [], called: [] },
): WrittenBlocks & { readonly file: FileContext } {
  const byName = new Map(globals.map((one) => [one.name, one]));
  const write = (called?: readonly ReadonlySet<string>[]) => {
    const plans = before.blocks.map(({ plan }) => plan);
    const file: FileContext = { plans, globals: byName, pieces: new Set() };
    const more = blocks.slice(plans.length).map((block) => {
      const place = plans.length;
      const written = writeBlock(names[place] ?? block.name, block, file, called?.[place]);
      plans.push(written.plan);
      return written;
    });
    return { file, blocks: [...before.blocks, ...more] };
  };
  const called = calledOf(blocks, write().blocks, before.called);
  return { ...write(called), called };
}

/** The graphs of a configured model to the layouts that it has: under which keys the checkpoints of each hold its weights. */

import { type Diagnostic, type LayoutDeclaration, wellFormedDrop } from "../../../dsl/index.ts";
import type { TensorType } from "../../graph/graph.ts";
import type { Layout } from "../../module/layout.ts";
import { type Configuration, globalsOf, staticFrame } from "../configure.ts";
import { type Attempt, attempt } from "../failure.ts";
import { type Frame, Scope } from "../frame.ts";
import { type Body, isBody } from "../parts.ts";
import { int } from "../static.ts";
import type { DeclaredLayouts } from "./declared.ts";
import type { KeysEntry } from "./path-tree.ts";
import { type KeysOf, prefixesOf, Reading, type Start } from "./reading.ts";
import { joinKeys, placeOf, type Spelling, spellingsOf, textOf, within } from "./spellings.ts";
import { Stored } from "./stored.ts";

/** What of the declared layouts has been of use, over all configurations that share it. */
export interface LayoutUse {
  /** Entries by which a weight got its keys, or which led to a block with a layout of its own. */
  readonly entries: Set<KeysEntry>;
  /** Layouts to whose block or model one has led. */
  readonly layouts: Set<LayoutDeclaration>;
}

export function noUse(): LayoutUse {
  return { entries: new Set(), layouts: new Set() };
}

/** `bodies` are those of the model's graphs. */
export function readLayouts(
  configuration: Configuration,
  bodies: readonly Body[],
  declared: DeclaredLayouts,
  use: LayoutUse = noUse(),
): Attempt<readonly Layout[]> {
  const layouts: Layout[] = [];
  const diagnostics: Diagnostic[] = [];
  for (const name of declared.namesOf(configuration.model)) {
    const read = attempt(() => new LayoutReader(configuration, declared, name, use).read(bodies));
    if (read.ok) layouts.push(read.value);
    else diagnostics.push(...read.diagnostics);
  }
  return diagnostics.length === 0 ? { ok: true, value: layouts } : { ok: false, diagnostics };
}

class LayoutReader {
  private readonly configuration: Configuration;
  private readonly declared: DeclaredLayouts;
  private readonly name: string;
  private readonly use: LayoutUse;
  /** Of the whole program, in which layouts are read. */
  private readonly frame: Frame;
  private readonly stored: Stored;
  /** The arguments of calls, as layouts read them, and what is borrowed. */
  private readonly scopes = new Map<Start, Scope>();
  /** Of entries without holes, which say the same at every call. */
  private readonly plain = new Map<KeysEntry, readonly Spelling[]>();

  constructor(configuration: Configuration, declared: DeclaredLayouts, name: string, use: LayoutUse) {
    const { program, overrides, budget, reads } = configuration;
    this.configuration = configuration;
    this.declared = declared;
    this.name = name;
    this.use = use;
    budget.beginGraph();
    this.frame = staticFrame(program, globalsOf(program, overrides, budget, reads), configuration.file, budget);
    this.stored = new Stored(name);
  }

  read(bodies: readonly Body[]): Layout {
    const ofModel = this.declared.of(this.configuration.model, this.name);
    if (ofModel === undefined) throw new Error(`layouts: the model has no layout ${this.name}`);
    for (const body of bodies) this.visit(body, "", [this.start({ layout: ofModel, body, base: undefined })]);
    return this.stored.finish();
  }

  private start(start: Start): Reading {
    const { layout } = start;
    this.use.layouts.add(layout.declaration);
    for (const { keys } of layout.drops) {
      const frame = this.frameAt(start, new Map());
      for (const key of keys) {
        const text = textOf(key, wellFormedDrop, frame);
        for (const prefix of prefixesOf(start, this.keysOf)) this.stored.drop(joinKeys(prefix.key, text), key.span);
      }
    }
    return Reading.at(start);
  }

  /** `readings` are the layouts of the blocks that a body is in, from the outermost; the last has the say, until one before it has a longer path. */
  private visit(body: Body, path: string, readings: readonly Reading[]): void {
    const way = new Way(readings);
    for (const { levels, made } of body.parts) {
      const there = way.to(levels);
      if (there.length === 0) continue;
      const below = levels === "" || path === "" ? path + levels : `${path}.${levels}`;
      if (isBody(made)) this.visit(made, below, this.enter(made, there));
      else this.place(below, made, there);
    }
  }

  /** A block without a layout of the name keeps its own names. One whose call no path leads to stands in none, unless its label adds no level. */
  private enter(body: Body, readings: readonly Reading[]): readonly Reading[] {
    const layout = body.block === undefined ? undefined : this.declared.of(body.block, this.name);
    const outer = readings.at(-1);
    if (layout === undefined || outer === undefined) return readings;
    if (outer.match !== undefined) {
      this.use.entries.add(outer.match.entry);
      return [...readings, this.start({ layout, body, base: outer })];
    }
    return outer.tail === "" ? [...readings, this.start({ layout, body, base: outer.start.base })] : readings;
  }

  private place(path: string, type: TensorType, readings: readonly Reading[]): void {
    const reading = readings.at(-1);
    if (reading?.match === undefined || this.stored.has(path)) return;
    for (const spelling of reading.spellings(this.keysOf))
      this.stored.add(path, type.shape, placeOf(spelling, path, type, this.frame), spelling);
  }

  private readonly keysOf: KeysOf = (start, { entry, numbers }) => {
    this.use.entries.add(entry);
    const frame = isPlain(entry) ? this.frame : this.frameAt(start, numbers);
    const own = this.plain.get(entry) ?? spellingsOf(entry, frame);
    if (frame === this.frame) this.plain.set(entry, own);
    return within(prefixesOf(start, this.keysOf), own, frame, entry.span);
  };

  /** In which a layout's expressions are read: with the arguments of the call and the numbers of the holes, and behind them the names of files. */
  private frameAt(start: Start, numbers: ReadonlyMap<string, number>): Frame {
    const known = this.scopes.get(start) ?? this.namesFor(start);
    this.scopes.set(start, known);
    const scope = new Scope(known);
    for (const [name, number] of numbers) scope.declare(name, int(number));
    return { ...this.frame, file: start.layout.file, scope };
  }

  private namesFor({ layout, body }: Start): Scope {
    const borrowed = new Scope();
    for (const name of layout.borrowed) {
      const value = this.frame.expansion.globals.lookUp(name, layout.owner.file);
      if (value !== undefined) borrowed.declare(name, value);
    }
    return argumentsOf(body, borrowed);
  }
}

function argumentsOf({ block, argument }: Body, outer: Scope): Scope {
  const scope = new Scope(outer);
  const own = block === undefined ? [] : [...block.dims, ...block.parameters.map((parameter) => parameter.name)];
  for (const { name } of own) {
    const value = argument(name);
    if (value !== undefined && value.kind !== "tensor") scope.declare(name, value);
  }
  return scope;
}

/** Whether the keys are the same wherever they are read. */
function isPlain({ keys }: KeysEntry): boolean {
  return keys.every(({ text, rows, shape }) => text.holes.length === 0 && rows === undefined && shape === undefined);
}

/** The layouts from a body on to one part after another: what two neighbours have in common is gone once. */
class Way {
  private readonly stops: { readonly level: string; readonly readings: readonly Reading[] }[] = [];
  private readonly start: readonly Reading[];

  constructor(start: readonly Reading[]) {
    this.start = start;
  }

  /** Empty where no layout has anything to say of what lies there. */
  to(path: string): readonly Reading[] {
    if (path === "" || this.start.length === 0) return this.start;
    const levels = path.split(".");
    const common = this.stops.findIndex(({ level }, i) => level !== levels[i]);
    if (common >= 0) this.stops.length = common;
    let readings = this.stops.at(-1)?.readings ?? this.start;
    for (let i = this.stops.length; i < levels.length && readings.length > 0; i++) {
      const [first] = readings;
      // Where no path goes on, all names are kept.
      if (readings.length === 1 && first?.isOpen === false) return [first.keep(levels.slice(i).join("."))];
      const level = levels[i] as string;
      readings = descend(readings, level);
      this.stops.push({ level, readings });
    }
    return readings;
  }
}

/** One level further in each; where a longer path matches, that layout has the say again. */
function descend(readings: readonly Reading[], level: string): readonly Reading[] {
  const next: Reading[] = [];
  for (const [i, reading] of readings.entries()) {
    const further = reading.descend(level);
    const decides = further.match !== reading.match || i === readings.length - 1;
    if (decides || further.isOpen) next.push(further);
    if (decides) break;
  }
  return next.some((reading) => reading.isOpen) || next.at(-1)?.match !== undefined ? next : [];
}

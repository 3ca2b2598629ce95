/** The graphs of a configured model to the layouts that it has: under which keys the checkpoints of each hold its weights. */

import type { Diagnostic } from "../../../dsl/index.ts";
import type { TensorType } from "../../graph/graph.ts";
import type { Layout } from "../../module/layout.ts";
import { type Configuration, globalsOf, staticFrame } from "../configure.ts";
import { type Attempt, attempt } from "../failure.ts";
import { type Frame, Scope } from "../frame.ts";
import { type Body, isBody } from "../parts.ts";
import { int } from "../static.ts";
import type { DeclaredLayout, DeclaredLayouts } from "./declared.ts";
import type { KeysEntry } from "./path-tree.ts";
import { Reading } from "./reading.ts";
import { joinKeys, placeOf, textOf } from "./spellings.ts";
import { Stored } from "./stored.ts";

/** What of the declared layouts has been of use, over all configurations that share it. */
export interface LayoutUse {
  /** Entries by which a weight got its keys. */
  readonly entries: Set<KeysEntry>;
  /** Layouts to whose block or model one has led. */
  readonly layouts: Set<DeclaredLayout>;
}

export function noUse(): LayoutUse {
  return { entries: new Set(), layouts: new Set() };
}

/** `bodies` are those of the model's graphs. */
export function readLayouts(
  configuration: Configuration,
  bodies: Iterable<Body>,
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

  read(bodies: Iterable<Body>): Layout {
    const ofModel = this.declared.of(this.configuration.model, this.name);
    if (ofModel === undefined) throw new Error(`layouts: the model has no layout ${this.name}`);
    for (const body of bodies) this.visit(body, "", [this.start(ofModel, body, undefined)]);
    return this.stored.finish();
  }

  private start(layout: DeclaredLayout, body: Body, base: Reading | undefined): Reading {
    const reading = Reading.start(layout, body, base);
    this.use.layouts.add(layout);
    for (const { keys } of layout.drops) {
      const frame = this.frameOf(layout, body, new Map());
      for (const key of keys) {
        const text = textOf(key, frame);
        for (const spelling of reading.spellings(this.frameOf)) this.stored.drop(joinKeys(spelling.key, text), key.span);
      }
    }
    return reading;
  }

  /** `readings` are the layouts of the blocks that a body is in, from the outermost; the last has the say, until one before it has a longer path. */
  private visit(body: Body, path: string, readings: readonly Reading[]): void {
    for (const { levels, made } of body.parts) {
      const below = levels === "" ? path : path === "" ? levels : `${path}.${levels}`;
      const there = levels === "" ? readings : levels.split(".").reduce(descend, readings);
      if (isBody(made)) this.visit(made, below, this.enter(made, there));
      else this.place(below, made, there);
    }
  }

  /** A block without a layout of the name keeps its own names. One whose call no path leads to stands in none, unless its label adds no level. */
  private enter(body: Body, readings: readonly Reading[]): readonly Reading[] {
    const layout = body.block === undefined ? undefined : this.declared.of(body.block, this.name);
    const outer = readings.at(-1);
    if (layout === undefined || outer === undefined) return readings;
    if (outer.match !== undefined) return [...readings, this.start(layout, body, outer)];
    return outer.tail === "" ? [...readings, this.start(layout, body, outer.base)] : readings;
  }

  private place(path: string, type: TensorType, readings: readonly Reading[]): void {
    const reading = readings.at(-1);
    if (reading?.match === undefined || this.stored.has(path)) return;
    for (let used: Reading | undefined = reading; used !== undefined; used = used.base)
      if (used.match) this.use.entries.add(used.match.entry);
    for (const spelling of reading.spellings(this.frameOf))
      this.stored.add(path, type.shape, placeOf(spelling, path, type, this.frame), spelling.span);
  }

  private readonly frameOf = (layout: DeclaredLayout, body: Body, numbers: ReadonlyMap<string, number>): Frame => {
    const scope = new Scope();
    const { block } = body;
    const own = block === undefined ? [] : [...block.dims, ...block.parameters.map((parameter) => parameter.name)];
    for (const { name } of own) {
      const value = body.argument(name);
      if (value !== undefined && value.kind !== "tensor") scope.declare(name, value);
    }
    for (const [name, number] of numbers) scope.declare(name, int(number));
    return { ...this.frame, file: layout.file, scope };
  };
}

/** One level further in each; where a longer path matches, that layout has the say again. */
function descend(readings: readonly Reading[], level: string): readonly Reading[] {
  const next: Reading[] = [];
  for (const reading of readings) {
    const further = reading.descend(level);
    next.push(further);
    if (further.match !== reading.match) break;
  }
  return next;
}

/** Configurations whose layouts are right to whether those of another are then right too: it has the same weights or fewer, and all that keys are made of is the same. */

import { type BlockDeclaration, expressionsOf, partsOf } from "../../../dsl/index.ts";
import type { Layout } from "../../module/layout.ts";
import type { Configuration } from "../configure.ts";
import { KnownCalls } from "../known-calls.ts";
import { type Body, isBody } from "../parts.ts";
import { sameStatic } from "../static.ts";
import type { DeclaredLayouts } from "./declared.ts";

/** What the layouts of a configuration hang on, beside what they read of the file: each weight by its path, and the calls of blocks that have layouts. */
export type Ground = ReadonlyMap<string, string>;

interface Known {
  readonly configuration: Configuration;
  /** By `globalKey`, what keys were made of. */
  readonly reads: ReadonlySet<string>;
  readonly ground: Ground;
  /** The weights that are parts of a whole, which needs them all. */
  readonly parts: readonly string[];
}

export class Covered {
  private readonly declared: DeclaredLayouts;
  private readonly known: Known[] = [];
  private readonly keys = new KnownCalls();
  /** By block, a number and the names of arguments that its layouts read. */
  private readonly blocks = new Map<BlockDeclaration, { readonly id: number; readonly names: readonly string[] }>();

  constructor(declared: DeclaredLayouts) {
    this.declared = declared;
  }

  groundOf(bodies: readonly Body[]): Ground {
    const ground = new Map<string, string>();
    const visit = (body: Body, path: string): void => {
      if (body.block !== undefined && this.declared.ofAnyName(body.block).length > 0) {
        const { id, names } = this.blockOf(body.block);
        const given = names.map((name) => {
          const value = body.argument(name);
          return value === undefined ? "" : this.keys.keyOfValue(value);
        });
        ground.set(`${path} block ${id}`, given.join());
      }
      for (const { levels, made } of body.parts) {
        const below = levels === "" || path === "" ? path + levels : `${path}.${levels}`;
        if (isBody(made)) visit(made, below);
        else ground.set(below, made.shape.join());
      }
    };
    for (const body of bodies) visit(body, "");
    return ground;
  }

  has(configuration: Configuration, ground: Ground): boolean {
    return this.known.some((known) => {
      if (known.configuration.model !== configuration.model || !sameValues(known, configuration)) return false;
      return known.parts.every((path) => ground.has(path)) && [...ground].every(([path, what]) => known.ground.get(path) === what);
    });
  }

  add(configuration: Configuration, reads: ReadonlySet<string>, ground: Ground, layouts: readonly Layout[]): void {
    const parts = layouts.flatMap(({ places }) =>
      [...places].flatMap(([path, keys]) => (keys.some(({ part }) => part !== undefined) ? [path] : [])),
    );
    this.known.push({ configuration, reads, ground, parts });
  }

  private blockOf(block: BlockDeclaration) {
    const known = this.blocks.get(block);
    if (known !== undefined) return known;
    const read = new Set<string>();
    const visit = (node: Parameters<typeof partsOf>[0]): void => {
      if (node.kind === "name") read.add(node.name);
      for (const part of partsOf(node)) visit(part);
    };
    for (const { declaration } of this.declared.ofAnyName(block)) for (const expression of expressionsOf(declaration)) visit(expression);
    const own = [...block.dims, ...block.parameters.map((parameter) => parameter.name)].map(({ name }) => name);
    const made = { id: this.blocks.size, names: own.filter((name) => read.has(name)) };
    this.blocks.set(block, made);
    return made;
  }
}

function sameValues({ configuration: { overrides }, reads }: Known, other: Configuration): boolean {
  return [...reads].every((key) => {
    const [first, second] = [overrides.get(key), other.overrides.get(key)];
    return first === second || (first !== undefined && second !== undefined && sameStatic(first, second, () => {}) === true);
  });
}

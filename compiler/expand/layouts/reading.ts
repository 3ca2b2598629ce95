/** A layout on the way from the call of its block down to a weight: where it stands among its paths, and the keys so far. */

import type { Body } from "../parts.ts";
import type { DeclaredLayout } from "./declared.ts";
import { type Cursor, followLevel, leadsOn, type Match, matchAt } from "./path-tree.ts";
import { type Spelling, withTail } from "./spellings.ts";

/** Reads the keys of an entry at the call of a block, behind those that led there. */
export type KeysOf = (start: Start, match: Match) => readonly Spelling[];

/** The call of a block that has a layout. */
export interface Start {
  readonly layout: DeclaredLayout;
  readonly body: Body;
  /** The layout that led to it, where it stood then; none for that of the model. */
  readonly base: Reading | undefined;
}

const none: readonly Cursor[] = [];

export class Reading {
  readonly start: Start;
  /** The longest path that has matched so far. */
  readonly match: Match | undefined;
  /** Levels since then, or since the start, whose names are kept. */
  readonly tail: string;
  private readonly cursors: readonly Cursor[];
  /** What this was where its tail began. */
  private readonly matched: Reading | undefined;
  private known: readonly Spelling[] | undefined;

  private constructor(start: Start, cursors: readonly Cursor[], match: Match | undefined, tail: string, matched?: Reading) {
    this.start = start;
    this.cursors = cursors;
    this.match = match;
    this.tail = tail;
    this.matched = matched;
  }

  static at(start: Start): Reading {
    return new Reading(start, start.layout.paths.start, undefined, "");
  }

  descend(level: string): Reading {
    if (this.cursors.length === 0) return this.keep(level);
    const reached = followLevel(this.cursors, level);
    const match = matchAt(reached);
    const open = reached.filter(({ branch }) => leadsOn(branch));
    return match === undefined ? this.keep(level, open) : new Reading(this.start, open, match, "");
  }

  /** Levels further, whose names are kept. */
  keep(levels: string, open: readonly Cursor[] = none): Reading {
    return new Reading(this.start, open, this.match, this.tail === "" ? levels : `${this.tail}.${levels}`, this.matched ?? this);
  }

  /** Whether a longer path may still match. */
  get isOpen(): boolean {
    return this.cursors.length > 0;
  }

  /** The keys of the place that has been reached; at the start, those of the block. */
  spellings(keysOf: KeysOf): readonly Spelling[] {
    if (this.known === undefined) {
      if (this.matched !== undefined) this.known = withTail(this.matched.spellings(keysOf), this.tail);
      else this.known = this.match === undefined ? prefixesOf(this.start, keysOf) : keysOf(this.start, this.match);
    }
    return this.known;
  }
}

/** The keys of a block, below which all that its layout says lies. */
export function prefixesOf({ layout, base }: Start, keysOf: KeysOf): readonly Spelling[] {
  return base?.spellings(keysOf) ?? [{ key: "", span: layout.declaration.of.span, holed: undefined, part: undefined, shape: undefined }];
}

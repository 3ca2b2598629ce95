/** A layout on the way from the call of its block down to a weight: where it stands among its paths, and the keys so far. */

import type { Frame } from "../frame.ts";
import type { Body } from "../parts.ts";
import type { DeclaredLayout } from "./declared.ts";
import { type Cursor, followLevel, type Match, matchAt } from "./path-tree.ts";
import { type Spelling, spellingsOf, within, withTail } from "./spellings.ts";

/** Gives the frame in which a layout's expressions are read, at the call of its block and with the numbers of its holes. */
export type FrameOf = (layout: DeclaredLayout, body: Body, numbers: ReadonlyMap<string, number>) => Frame;

export class Reading {
  readonly layout: DeclaredLayout;
  readonly body: Body;
  /** The layout that led to the block, where it stood then; none for that of the model. */
  readonly base: Reading | undefined;
  /** The longest path that has matched so far. */
  readonly match: Match | undefined;
  /** Levels since then, or since the start, whose names are kept. */
  readonly tail: string;
  private readonly cursors: readonly Cursor[];
  private known: readonly Spelling[] | undefined;

  private constructor(of: Pick<Reading, "layout" | "body" | "base" | "match" | "tail">, cursors: readonly Cursor[]) {
    this.layout = of.layout;
    this.body = of.body;
    this.base = of.base;
    this.match = of.match;
    this.tail = of.tail;
    this.cursors = cursors;
  }

  static start(layout: DeclaredLayout, body: Body, base: Reading | undefined): Reading {
    return new Reading({ layout, body, base, match: undefined, tail: "" }, layout.paths.start);
  }

  descend(level: string): Reading {
    const cursors = followLevel(this.cursors, level);
    const match = matchAt(cursors);
    if (match !== undefined) return new Reading({ ...this.parts, match, tail: "" }, cursors);
    return new Reading({ ...this.parts, tail: this.tail === "" ? level : `${this.tail}.${level}` }, cursors);
  }

  private get parts() {
    const { layout, body, base, match } = this;
    return { layout, body, base, match };
  }

  /** The keys of the place that has been reached; of one that no path leads to, of which nothing may be asked, those of the block. */
  spellings(frameOf: FrameOf): readonly Spelling[] {
    this.known ??= this.find(frameOf);
    return this.known;
  }

  private find(frameOf: FrameOf): readonly Spelling[] {
    const { match, layout } = this;
    const { span } = layout.declaration.of;
    const base = this.base?.spellings(frameOf) ?? [{ key: "", span, part: undefined, shape: undefined }];
    if (match === undefined) return base;
    const frame = frameOf(layout, this.body, match.numbers);
    return withTail(within(base, spellingsOf(match.entry, frame), frame, match.entry.span), this.tail);
  }
}

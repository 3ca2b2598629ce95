/** The comments of a file in order, handed out as the formatter passes them, so that each is printed once. */

import type { Comment, SourceFile } from "../ast.ts";
import { blankLine, type Doc, join, lineBreak, suffix } from "./document.ts";

interface Extent {
  readonly start: number;
  readonly end: number;
}

/** One line of a body or list with its comments, and where it began and ended in the source. */
export interface Entry extends Extent {
  readonly doc: Doc;
  /** Whether it must stand on lines of its own, because of its comments. */
  readonly apart: boolean;
}

export class Comments {
  readonly text: string;
  private readonly all: readonly Comment[];
  private next = 0;
  /** Comments inside an entry where no line begins: they move above it. One list an open entry, innermost last. */
  private readonly homeless: Comment[][] = [];

  constructor(source: SourceFile) {
    this.text = source.text;
    this.all = source.comments;
  }

  /** Prints what stands on a line of its own, comments above and behind included; `limit` is where the next such thing begins. */
  entry(extent: Extent, limit: number, print: () => Doc): Entry {
    const above = this.before(extent.start);
    this.homeless.push([]);
    const doc = print();
    const moved = [...(this.homeless.pop() ?? []), ...this.before(extent.end)];
    const behind = this.behind(extent.end, limit);
    const lines: Doc[] = [];
    let last: Extent | undefined;
    for (const comment of [...above, ...moved]) {
      if (last !== undefined) lines.push(this.between(last.end, comment.span.start));
      lines.push(join([comment.text.trimEnd()]));
      last = comment.span;
    }
    if (last !== undefined) lines.push(this.between(last.end, extent.start));
    return {
      doc: join([...lines, doc, ...(behind === undefined ? [] : [suffix(behind.text.trimEnd())])]),
      start: above[0]?.span.start ?? extent.start,
      end: behind?.span.end ?? extent.end,
      apart: lines.length > 0 || behind !== undefined,
    };
  }

  /** Comments before an offset, each as a line: those that end a body or list. */
  lines(offset: number): Entry[] {
    return this.before(offset).map(({ text, span }) => ({ doc: join([text.trimEnd()]), start: span.start, end: span.end, apart: true }));
  }

  /** Lets comments before an offset go above the entry that is being printed. */
  moveOut(offset: number): void {
    const home = this.homeless.at(-1);
    for (const comment of this.before(offset)) home?.push(comment);
  }

  /** Whether a comment stands between the last one printed and an offset. */
  anyBefore(offset: number): boolean {
    const comment = this.all[this.next];
    return comment !== undefined && comment.span.start < offset;
  }

  /** The comment behind an offset on its line, if it stands before the limit. */
  behind(offset: number, limit: number): Comment | undefined {
    const comment = this.all[this.next];
    if (comment === undefined || comment.span.start < offset || comment.span.start >= limit) return undefined;
    if (this.breaks(offset, comment.span.start)) return undefined;
    this.next++;
    return comment;
  }

  breaks(start: number, end: number): boolean {
    return this.text.slice(start, end).includes("\n");
  }

  /** A line break, with one blank line where the source has any. */
  between(start: number, end: number): Doc {
    return /\n[^\S\n]*\n/.test(this.text.slice(start, end)) ? blankLine : lineBreak;
  }

  /** The offset of a mark at or after another, comments passed over; only marks may stand between. */
  seek(offset: number, mark: string): number {
    let at = offset;
    while (at < this.text.length && this.text[at] !== mark) {
      if (!this.text.startsWith("//", at)) at++;
      else while (at < this.text.length && this.text[at] !== "\n") at++;
    }
    return at;
  }

  private before(offset: number): Comment[] {
    const found: Comment[] = [];
    for (let comment = this.all[this.next]; comment !== undefined && comment.span.start < offset; comment = this.all[this.next]) {
      found.push(comment);
      this.next++;
    }
    return found;
  }
}

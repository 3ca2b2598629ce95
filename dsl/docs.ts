/** `///` comments to the docs of what they stand before, or behind on the same line. */

import type { Comment, Declaration, ModelMember, SourceFile } from "./ast.ts";

/** Gives each declaration and member of a model the `///` lines right above it, or the one behind it on its last line. */
export function attachDocs(source: SourceFile): SourceFile {
  const docs = new Docs(source);
  const declarations = source.declarations.map((declaration): Declaration => {
    if (declaration.kind === "import") return declaration;
    const documented = { ...declaration, doc: docs.of(declaration) };
    if (documented.kind !== "model") return documented;
    return { ...documented, members: documented.members.map((member): ModelMember => ({ ...member, doc: docs.of(member) })) };
  });
  return { ...source, declarations, doc: docs.ofFile() };
}

class Docs {
  private readonly text: string;
  private readonly comments: readonly Comment[];
  private readonly first: number;
  private readonly firstIsImport: boolean;

  constructor(source: SourceFile) {
    this.text = source.text;
    this.comments = source.comments.filter((comment) => comment.text.startsWith("///"));
    this.first = source.declarations[0]?.span.start ?? source.text.length;
    this.firstIsImport = source.declarations[0]?.kind === "import";
  }

  of(node: { readonly span: { readonly start: number; readonly end: number } }): string | undefined {
    const next = this.comments[this.firstFrom(node.span.end)];
    const behind = next !== undefined && !this.between(node.span.end, next.span.start).includes("\n") ? next : undefined;
    const above = this.linesAbove(node.span.start);
    const lines = behind !== undefined && /^\s*$/.test(this.between(node.span.end, behind.span.start)) ? [...above, behind] : above;
    return lines.length === 0 ? undefined : textOf(lines);
  }

  /** The lines that open the file, when a blank line or an import parts them from what they would else document. */
  ofFile(): string | undefined {
    const lines: Comment[] = [];
    for (const comment of this.comments) {
      const from = lines.at(-1)?.span.end ?? 0;
      if (comment.span.start > this.first || !/^\s*$/.test(this.between(from, comment.span.start))) break;
      if (lines.length > 0 && /\n\s*\n/.test(this.between(from, comment.span.start))) break;
      lines.push(comment);
    }
    const last = lines.at(-1);
    if (last === undefined) return undefined;
    const parted = this.firstIsImport || /\n[ \t]*\r?\n/.test(this.between(last.span.end, this.first));
    return parted ? textOf(lines) : undefined;
  }

  /** Comment lines with nothing but a line break between them and what follows. */
  private linesAbove(start: number): Comment[] {
    const lines: Comment[] = [];
    let below = start;
    for (let i = this.firstFrom(start) - 1; i >= 0; i--) {
      const comment = this.comments[i] as Comment;
      if (!/^\r?\n[ \t]*$/.test(this.between(comment.span.end, below))) break;
      const lineStart = this.text.lastIndexOf("\n", comment.span.start - 1) + 1;
      if (!/^\s*$/.test(this.between(lineStart, comment.span.start))) break;
      lines.push(comment);
      below = comment.span.start;
    }
    return lines.reverse();
  }

  /** The index of the first comment at or after an offset: comments are in order. */
  private firstFrom(offset: number): number {
    let [low, high] = [0, this.comments.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.comments[middle] as Comment).span.start >= offset) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  private between(start: number, end: number): string {
    return this.text.slice(start, end);
  }
}

function textOf(comments: readonly Comment[]): string {
  return comments.map((comment) => comment.text.replace(/^\/\/\/ ?/, "")).join("\n");
}

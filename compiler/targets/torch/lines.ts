/** Statements of Python as a tree, so that what nothing reads is left out before it is text. */

/** What a line reads: variables, sizes, parameters and globals, each by a key of its own. */
export type Uses = ReadonlySet<string>;

export interface Line {
  readonly kind: "line";
  readonly text: string;
  readonly uses: Uses;
  /** The variable that it does nothing but set. */
  readonly sets: string | undefined;
  /** Behind the line where it fits, else above it. */
  readonly comment: string | undefined;
}

/** A header and what stands below it: left out where nothing does. */
export interface Nest {
  readonly kind: "nest";
  /** The header may follow from what is read below it. */
  readonly header: (inner: Uses) => { readonly text: string; readonly uses: Uses };
  readonly body: readonly Node[];
  /** An `else`, which stands though nothing did before it. */
  readonly otherwise: readonly Node[];
}

export type Node = Line | Nest;

export interface Kept {
  readonly lines: readonly { readonly depth: number; readonly text: string; readonly comment: string | undefined }[];
  readonly uses: Uses;
}

/** The lines that matter, and all that they read. `always` is read elsewhere. */
export function keptOf(nodes: readonly Node[], always: Uses = new Set()): Kept {
  let uses = always;
  for (;;) {
    const found = usesOf(nodes, uses);
    if ([...found].every((use) => uses.has(use))) return { lines: linesOf(nodes, uses, 0), uses };
    uses = new Set([...uses, ...found]);
  }
}

function isKept(node: Node, uses: Uses): boolean {
  if (node.kind === "line") return node.sets === undefined || uses.has(node.sets);
  return [...node.body, ...node.otherwise].some((inner) => isKept(inner, uses));
}

function usesOf(nodes: readonly Node[], uses: Uses): Set<string> {
  const found = new Set<string>();
  for (const node of nodes.filter((one) => isKept(one, uses))) {
    if (node.kind === "line") for (const use of node.uses) found.add(use);
    else {
      const inner = usesOf([...node.body, ...node.otherwise], uses);
      for (const use of [...inner, ...node.header(inner).uses]) found.add(use);
    }
  }
  return found;
}

function linesOf(nodes: readonly Node[], uses: Uses, depth: number): Kept["lines"][number][] {
  return nodes
    .filter((node) => isKept(node, uses))
    .flatMap((node) => {
      if (node.kind === "line") return [{ depth, text: node.text, comment: node.comment }];
      const inner = usesOf([...node.body, ...node.otherwise], uses);
      const body = linesOf(node.body, uses, depth + 1);
      const otherwise = linesOf(node.otherwise, uses, depth + 1);
      const pass = { depth: depth + 1, text: "pass", comment: undefined };
      return [
        { depth, text: node.header(inner).text, comment: undefined },
        ...(body.length === 0 ? [pass] : body),
        ...(otherwise.length === 0 ? [] : [{ depth, text: "else:", comment: undefined }, ...otherwise]),
      ];
    });
}

/** The weights of a graph by path while it is expanded: a path that comes again is of the same weight where labels say so, else an error. */

import type { Span } from "../../dsl/index.ts";
import type { TensorType, ValueId } from "../graph/graph.ts";
import { FollowUp } from "./failure.ts";
import { type Frame, fail } from "./frame.ts";
import type { LabelScope } from "./unread-weights.ts";

interface MadeWeight {
  /** Undefined where the call that makes it was left out. */
  id: ValueId | undefined;
  readonly type: TensorType;
  readonly label: LabelScope | undefined;
  readonly span: Span;
}

export class MadeWeights {
  private readonly weights = new Map<string, MadeWeight>();
  /** Whether a repeated path has been told of. */
  private repeated = false;

  /** The weight that the path already is, if a value of the graph stands for it. `frame` is that of the innermost label known. */
  claim(frame: Frame, span: Span, path: string, type: TensorType): ValueId | undefined {
    const first = this.weights.get(path);
    if (first === undefined) {
      this.weights.set(path, { id: undefined, type, label: frame.label, span });
      return undefined;
    }
    const related = [{ message: `\`${path}\` used here first`, span: first.span }];
    if (!areTied(first.label, frame.label)) {
      // One label too many makes all paths below it come again.
      if (this.repeated) throw new FollowUp();
      this.repeated = true;
      const hint = "let the labels differ, by a hole such as `{i}`, or write `as tied …` where the weights are to be the same";
      return fail(frame, "repeated-weight", span, { path }, { hint, related });
    }
    if (first.type.dtype === type.dtype && first.type.shape.join() === type.shape.join()) return first.id;
    return fail(frame, "tied-weight", span, { path, first: show(first.type), second: show(type) }, { related });
  }

  /** Says which value stands for a path that was claimed. */
  keep(path: string, id: ValueId): void {
    const weight = this.weights.get(path);
    if (weight !== undefined) weight.id = id;
  }
}

function show({ dtype, shape }: TensorType): string {
  return `${dtype} [${shape.join(", ")}]`;
}

/** Whether two ways to one path part where a label says that the weights are the same: below, all paths come again as they were. */
function areTied(one: LabelScope | undefined, other: LabelScope | undefined): boolean {
  const [first, second] = [scopesOf(one), scopesOf(other)];
  const at = first.findIndex((scope, i) => scope !== second[i]);
  const [a, b] = [first[at], second[at]];
  if (a === undefined || b === undefined || a.tie !== b.tie) return false;
  return a.tie === "stated" || (a.tie === "rounds" && a.span.file === b.span.file && a.span.start === b.span.start);
}

/** From the outermost. */
function scopesOf(label: LabelScope | undefined): readonly LabelScope[] {
  const scopes: LabelScope[] = [];
  for (let scope = label; scope !== undefined; scope = scope.outer) scopes.push(scope);
  return scopes.reverse();
}

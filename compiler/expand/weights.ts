/** The path and type of a weight to a value of the graph, refused where the path is another's or the size depends on the batch. */

import type { Span } from "../../dsl/index.ts";
import type { ValueId, WeightInitialiser } from "../graph/graph.ts";
import type { AxisType } from "../ops/op.ts";
import { type Frame, fail, newValue } from "./frame.ts";
import { addPart } from "./parts.ts";

/** `frame` is that of the innermost label of the path. */
export function newWeight(frame: Frame, span: Span, path: string, type: AxisType, init: WeightInitialiser): ValueId {
  const { builder, reads, weights } = frame.expansion;
  const made = newValue(frame, span, type);
  const tied = frame.expansion.made.claim(frame, span, path, made);
  addPart(frame.body, path, made);
  if (tied !== undefined) return tied;
  const once = weights?.shapes.get(path);
  const same = once === undefined ? weights?.missing !== "none" : once.join() === made.shape.join();
  if (!same) {
    const holes = { path, once: once === undefined ? "not there" : `[${once.join(", ")}]`, twice: `[${made.shape.join(", ")}]` };
    fail(frame, "batch-weight", span, holes, {
      hint: "let it have no axis that follows the batch: an axis of 1 is stretched over any size",
    });
  }
  const axes = type.axes.some(({ plain }) => !plain) ? type.axes.map(({ name }) => name) : undefined;
  const id = builder.weight(path, made, init, axes);
  frame.expansion.made.keep(path, id);
  reads.addWeight(id, path, frame.label);
  return id;
}

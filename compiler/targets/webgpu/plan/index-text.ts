/** A value to how much WGSL it takes to say where one of its elements lies. */

import type { OpValue, OpValueOf, Value, ValueId } from "../../../graph/graph.ts";
import { formOf } from "../forms/table.ts";
import { address, type Coordinate, moved, probes, rowMajor, scalar } from "../layout/coordinates.ts";
import { isInPlace } from "../layout/group.ts";

/** What an index may take: twice the most that the skip connections of a U-Net ask for. */
export const mostIndexText = 500;

/** Characters that an index map and a branch take besides the places that they name. */
const ofMap = 4;
const ofBranch = 40;

/**
 * Characters of the addresses that an element is read from, through the index maps and concatenations down to what lies
 * in memory. Whatever is beyond `most` counts as infinite, and is found no slower.
 */
export function indexText(of: Value, value: (id: ValueId) => Value, most: number): number {
  let left = most;
  const visit = (one: Value, at: readonly Coordinate[]): void => {
    if (left < 0) return;
    const { shape } = one.type;
    const [input] = one.kind === "op" ? one.inputs : [];
    const form = one.kind === "op" ? formOf(one.op) : undefined;
    if (one.kind === "op" && form?.kind === "move" && input !== undefined) {
      left -= ofMap;
      const from = value(input);
      visit(from, form.source(at, one, from.type.shape));
    } else if (isJoined(one)) {
      const { axis } = one.attributes;
      let start = 0;
      for (const id of one.inputs) {
        if (left < 0) return;
        const part = value(id);
        const size = part.type.shape[axis] ?? 1;
        left -= ofBranch + scalar(at[axis] ?? []).length;
        visit(part, at.with(axis, moved(at[axis] ?? [], size, -start)));
        start += size;
      }
    } else left -= address(at, rowMajor(shape)).text.length;
  };
  visit(of, probes(of.type.shape));
  return left < 0 ? Number.POSITIVE_INFINITY : most - left;
}

/** A concatenation that is read where its parts lie; one that is computed in place lies in memory itself. */
export function isJoined(value: Value): value is OpValueOf<"concat"> {
  return value.kind === "op" && value.op === "concat" && !isInPlace(value);
}

/** Whether a value is read through: an index map or a concatenation, which make no kernel of their own. */
export function isReadThrough(value: Value): value is OpValue {
  return value.kind === "op" && (formOf(value.op).kind === "move" || isJoined(value));
}

/** A core's operand to the buffers that hold it, run by run of its inner axis, so that loops add one number to an address. */

import type { ValueId } from "../../../graph/graph.ts";
import { startsOf } from "../../../ops/concat.ts";
import { formOf } from "../forms/table.ts";
import { address, type Coordinate, probes, variable } from "../layout/coordinates.ts";
import type { Stored } from "../layout/stored.ts";
import type { Scene } from "./reader.ts";

/** The inner variable of every product's loop, and a fourth of it. */
export const innerVariable = "k";
export const innerQuarter = "k4";

/** A stretch of the inner axis that lies in one buffer, vec4 by vec4. */
export interface Run {
  readonly stored: Stored;
  /** Where the stretch begins on the inner axis, and how long it is. */
  readonly start: number;
  readonly size: number;
  /** The address of its first element in units of four, at the places that `at` gave; `k4` is added to it. */
  readonly base: (at: readonly Coordinate[]) => string;
}

/**
 * The runs of an operand of the given inner size; undefined where they do not lie in fours, as for a picture as
 * applications give it, or behind an op that must be computed. `inner` is the operand's axis that is summed over.
 */
export function runsOf(scene: Scene, id: ValueId, inner: number): readonly Run[] | undefined {
  const { shape } = scene.value(id).type;
  const size = shape[inner] ?? 1;
  const runs: Run[] = [];
  const along = (length: number) => variable(innerVariable, length, innerQuarter);
  const anywhere = (length: number) => probes(shape).map((one, axis) => (axis === inner ? along(length) : one));
  const visit = (
    value: ValueId,
    place: (at: readonly Coordinate[]) => readonly Coordinate[],
    start: number,
    length: number,
    straight: boolean,
  ): boolean => {
    const stored = scene.stored(value);
    if (stored !== undefined) {
      const probe = place(anywhere(length));
      const { quarter, reach } = address(probe, stored.strides, stored.start);
      if (quarter === undefined || reach !== length) return false;
      const quarters = stored.strides.map((stride) => stride / 4);
      const base = (at: readonly Coordinate[]) => {
        const whole = place(at.map((one, axis) => (axis === inner ? along(length) : one)));
        const still = whole.map((one) =>
          one.map((digit) => (digit.base === innerVariable ? { ...digit, base: "0u", quarter: "0u" } : digit)),
        );
        return address(still, quarters, stored.start / 4).text;
      };
      runs.push({ stored, start, size: length, base });
      return true;
    }
    const op = scene.value(value);
    if (op.kind !== "op") return false;
    if (op.op === "concat") {
      const axis = Number(op.attributes.axis);
      const probe = place(anywhere(length))[axis];
      const [digit] = probe ?? [];
      if (!straight || probe?.length !== 1 || digit?.base !== innerVariable || digit.size !== length || op.type.shape[axis] !== length)
        return false;
      const sizes = op.inputs.map((input) => scene.value(input).type.shape[axis] ?? 0);
      return op.inputs.every((input, i) => visit(input, place, start + (startsOf(sizes)[i] ?? 0), sizes[i] ?? 0, true));
    }
    const form = formOf(op.op);
    const [input] = op.inputs;
    if (form.kind !== "move" || input === undefined) return false;
    const { shape: from } = scene.value(input).type;
    return visit(input, (at) => form.source(place(at), op, from), start, length, straight && op.op !== "reshape");
  };
  return size % 4 === 0 && visit(id, (at) => at, 0, size, true) ? runs : undefined;
}

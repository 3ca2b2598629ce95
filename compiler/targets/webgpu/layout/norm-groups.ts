/** How a group norm is computed: whole, a workgroup reading its groups again from a cache, or statistics first and the rest by their readers. */

import { type OpValueOf, sizeOf } from "../../../graph/graph.ts";

/** Numbers that a workgroup may read three times: what the first cache of a graphics card holds, or nearly. */
const mostNumbers = 32768;
/** vec4s of channels that a workgroup holds side by side. */
const mostQuarters = 64;
/** Fewer workgroups would leave a card idle. */
const leastWorkgroups = 64;

/** Groups that one workgroup norms, so many that their channels are fours; undefined where the norm goes by statistics. */
export function groupsTogether({ type, attributes }: OpValueOf<"groupNorm">): number | undefined {
  const [channels = 1, height = 1, width = 1] = type.shape.slice(-3);
  const groups = attributes.groups;
  const inGroup = channels / groups;
  const together = [1, 2, 4].find((count) => (count * inGroup) % 4 === 0) ?? 4;
  const own = together * inGroup;
  const fits = groups % together === 0 && own / 4 <= mostQuarters && own * height * width <= mostNumbers;
  return fits && (sizeOf(type.shape.slice(0, -3)) * groups) / together >= leastWorkgroups ? together : undefined;
}

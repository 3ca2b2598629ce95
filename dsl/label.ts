/** What a label says before its holes are known. */

import type { Levels } from "./expressions.ts";

/** The levels of a label without holes. */
export function plainText({ texts, holes }: Levels): string | undefined {
  return holes.length === 0 ? texts[0] : undefined;
}

/** As a message shows it. */
export function showLabel({ texts }: Levels): string {
  return texts.join("{…}");
}

/** Names, numbers and what other people's keys have beside them, levels parted by dots; nothing for no level. */
export const wellFormed = /^(?:[\w-]+(?:\.[\w-]+)*)?$/;

/** A key of a checkpoint, or its first part: levels as above, folders before slashes. */
export const wellFormedKey = /^(?:[\w-]+(?:[./][\w-]+)*\/?)?$/;

/** Keys that are dropped: one that ends in a dot or a slash stands for all that begin so. */
export const wellFormedDrop = /^[\w-]+(?:[./][\w-]+)*[./]?$/;

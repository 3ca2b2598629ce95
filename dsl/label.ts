/** What a label says before its holes are known. */

import type { Label } from "./expressions.ts";

/** The levels of a label without holes. */
export function plainText({ texts, holes }: Label): string | undefined {
  return holes.length === 0 ? texts[0] : undefined;
}

/** As a message shows it. */
export function showLabel({ texts }: Label): string {
  return texts.join("{…}");
}

/** Names, numbers and what other people's keys have beside them, levels parted by dots; nothing for no level. */
export const wellFormed = /^(?:[\w-]+(?:\.[\w-]+)*)?$/;

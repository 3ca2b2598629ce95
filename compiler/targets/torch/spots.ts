/** Where a module lies to the expression that reads it, and a loop to the variable that counts its rounds. */

import type { CodeStatement, Levels } from "../../module/code.ts";
import { type BlockContext, type KnownWriter, levelsOf, modelOwner, type Spot } from "./context.ts";
import { moduleKey } from "./plan.ts";

export const noLevels: Levels = { texts: [""], holes: [] };

/** The variable that counts the rounds of a loop. */
export function indexOf({ loop }: Extract<CodeStatement, { kind: "repeat" }>, context: BlockContext): string {
  return context.loopIndices.get(loop) ?? "_";
}

/** The expression that reads what lies at a spot. */
export function readSpot(spot: Spot, context: BlockContext, known: KnownWriter): string {
  switch (spot.kind) {
    case "attribute":
      if (spot.owner !== "self") known.use(moduleKey(spot.owner));
      return context.child(spot.owner, spot.name);
    case "path": {
      if (spot.owner !== "self") known.use(moduleKey(spot.owner));
      const [first, ...others] = levelsOf(spot.levels);
      const name = first?.holes.length === 0 ? (first.texts[0] ?? "") : undefined;
      const start = name === undefined ? `${spot.owner}._modules[${known.string(first ?? noLevels)}]` : context.child(spot.owner, name);
      return start + others.map((level) => `[${known.string(level)}]`).join("");
    }
    case "whole":
      known.use(moduleKey(spot.owner));
      return spot.owner;
    case "shared":
      return `${spot.owner}.${spot.name}`;
    case "submodule": {
      const at = known.string(spot.levels);
      const owner = at === '""' ? modelOwner : `${modelOwner}.get_submodule(${at})`;
      return context.clashes(spot.name, modelOwner) ? `${owner}._parameters[${JSON.stringify(spot.name)}]` : `${owner}.${spot.name}`;
    }
    case "beside":
      return `self.${spot.name}${spot.levels === undefined ? "" : `[${known.string(spot.levels)}]`}`;
    case "base":
      return "super().forward";
  }
}

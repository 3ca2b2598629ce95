/** Labels of calls and of the rounds of a `repeat` to the levels that they add to a weight path. */

import { type Label, plainText, wellFormed } from "../../dsl/index.ts";
import { evaluate } from "./evaluate.ts";
import { below, type Frame, fail, join } from "./frame.ts";
import { describe } from "./static.ts";

/** What is called with a label. */
export function labelled(frame: Frame, label: Label | undefined): Frame {
  if (label === undefined) return frame;
  // With holes, a path that comes again is a mistake unless it is said to be tied.
  const tie = label.tied ? "stated" : frame.sharesRounds && plainText(label) !== undefined ? "rounds" : "none";
  return below(frame, levelsOf(label, frame), tie, label.span);
}

/** A round of a `repeat`. A plain label is followed by the round's number; one with holes says it itself, and one that is tied has none. */
export function inRound(frame: Frame, label: Label | undefined, round: number): Frame {
  if (label === undefined) return { ...frame, sharesRounds: true };
  const inside = labelled(frame, label);
  if (label.tied || plainText(label) === undefined) return inside;
  return { ...inside, path: join(inside.path, String(round)) };
}

function levelsOf(label: Label, frame: Frame): string {
  const plain = plainText(label);
  if (plain !== undefined) return plain;
  const filled = label.holes.map((hole) => {
    const value = evaluate(hole, frame);
    if (value.kind === "int" || value.kind === "string") return String(value.value);
    return fail(frame, "wrong-kind", hole.span, { expected: "an int or a string, as part of a label", found: describe(value) });
  });
  const levels = label.texts.map((text, i) => text + (filled[i] ?? "")).join("");
  if (wellFormed.test(levels)) return levels;
  const path = levels.length > 60 ? `${levels.slice(0, 60)}…` : levels;
  return fail(frame, "bad-path", label.span, {
    path,
    why: "is no part of a path: levels are of letters, digits, `_` and `-`, parted by single dots",
  });
}

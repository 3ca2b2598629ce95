/** Prompts that begin at frames of a clip to what each window's text is: the nearest two, their encodings mixed by how near they are. */

import { type ClipFeeds, type ClipRequest, clipFeeds, requireTextsLeft } from "../conditions.ts";
import { mvcError } from "../errors.ts";
import type { ReadPrompt } from "../prompt.ts";
import type { Roles } from "../roles.ts";
import type { ClipPlan } from "./plan.ts";

export interface PromptKey {
  /** The frame of the clip where the prompt holds alone. */
  readonly frame: number;
  readonly prompt: string;
}

/** What a clip is fed where each of its prompts holds alone, by the frame; of one prompt one. */
export type KeyedFeeds = readonly { readonly frame: number; readonly feeds: ClipFeeds }[];

/** Throws MvcError `input-invalid`, `input-unknown`, and as `clipFeeds`. */
export function keyedFeeds(roles: Roles, request: ClipRequest, plan: ClipPlan, read: ReadPrompt | undefined): KeyedFeeds {
  const { prompts, prompt, ...rest } = request;
  if (prompts === undefined) return [{ frame: 0, feeds: clipFeeds(roles, request, read) }];
  const refuse = (expected: string, found: unknown) => mvcError("input-invalid", { input: "prompts", expected, found: String(found) });
  if (prompt !== undefined) throw refuse("left out beside `prompt`, which holds for the whole clip", "both");
  requireTextsLeft("prompts", roles.conditions, request.inputs ?? {});
  if (prompts.length === 0) throw refuse("one prompt or more", "none");
  const bad = prompts.find(({ frame }) => !Number.isSafeInteger(frame) || frame < 0 || frame >= plan.wanted);
  if (bad !== undefined) throw refuse(`at frames from 0 to ${plan.wanted - 1}`, bad.frame);
  if (new Set(prompts.map(({ frame }) => frame)).size < prompts.length) throw refuse("at frames of their own", "two at one frame");
  if (prompts.length > 1 && plan.windows === undefined) {
    throw refuse("one, as a text holds for all frames of a window and the clip is one window: `length` makes it longer", prompts.length);
  }
  const plain = roles.conditions.find(
    ({ from, encoder, name }) => from === "text" && encoder === undefined && request.inputs?.[name] === undefined,
  );
  if (plain !== undefined) throw refuse(`left out, as \`${plain.name}\` is tokens, which no encoder makes into what can be mixed`, "given");
  return [...prompts]
    .sort((a, b) => a.frame - b.frame)
    .map(({ frame, prompt: text }) => ({ frame, feeds: clipFeeds(roles, { ...rest, prompt: text }, read) }));
}

/** What a clip is fed in the window that begins at a frame: its text is that of the window's middle. In a loop the last prompt leads to the first. */
export function feedsOfWindow(keyed: KeyedFeeds, start: number, count: number, length: number, loop: boolean): ClipFeeds {
  const middle = start + (count - 1) / 2;
  const at = loop ? middle % length : middle;
  const [first, last] = [keyed[0], keyed.at(-1)] as [KeyedFeeds[number], KeyedFeeds[number]];
  const before = keyed.filter(({ frame }) => frame <= at).at(-1) ?? (loop ? { ...last, frame: last.frame - length } : first);
  const after = keyed.find(({ frame }) => frame > at) ?? (loop ? { ...first, frame: first.frame + length } : last);
  const share = after.frame > before.frame ? (at - before.frame) / (after.frame - before.frame) : 0;
  if (share <= 0) return before.feeds;
  return before.feeds.map((feed, i) => {
    const next = after.feeds[i]?.guided;
    return next === undefined || next.tensor === feed.guided.tensor ? feed : { ...feed, towards: { guided: next, share } };
  });
}

/** The form of a small model's sentences to the kinds of words that an unknown one stands in place of. */

import type { PromptForm } from "../compiler/package/manifest.ts";

/** The place of one word in a sentence: of which kind it is, if of any, and which words stand there. */
interface Slot {
  readonly kind: string | undefined;
  readonly words: ReadonlySet<string>;
}

function slotsOf({ sentence, words: kinds }: PromptForm): readonly Slot[] {
  return sentence.split(" ").flatMap((part): readonly Slot[] => {
    const kind = part.startsWith("{") && part.endsWith("}") ? part.slice(1, -1) : undefined;
    const entries = (kind !== undefined && kinds[kind]) || [part];
    const rows = entries.map((entry) => entry.split(" "));
    const width = Math.max(...rows.map((row) => row.length));
    return Array.from({ length: width }, (_, i) => ({ kind, words: new Set(rows.flatMap((row) => row.slice(i, i + 1))) }));
  });
}

/** The kinds that the unknown words of a prompt are taken for: by the nearest known word after, else before, else by their place. */
export function kindsOf(
  form: PromptForm,
  prompt: readonly string[],
  isUnknown: (word: string) => boolean,
): readonly (readonly [kind: string, words: readonly string[]])[] {
  const slots = slotsOf(form);
  const placed = prompt.map((word) => slots.findIndex(({ words }) => words.has(word.toLowerCase())));
  const found = new Map<string, readonly string[]>();
  for (const [i, word] of prompt.entries()) {
    if (!isUnknown(word)) continue;
    const after = placed.findIndex((slot, at) => at > i && slot >= 0);
    const before = placed.findLastIndex((slot, at) => at < i && slot >= 0);
    const known = after >= 0 ? after : before;
    const at = known < 0 ? i : (placed[known] ?? 0) + i - known;
    const kind = slots[Math.max(0, Math.min(at, slots.length - 1))]?.kind;
    const words = kind === undefined ? undefined : form.words[kind];
    if (kind !== undefined && words !== undefined) found.set(kind, words);
  }
  return [...found];
}

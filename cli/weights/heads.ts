/** The keys of a checkpoint to those of a layout: what others put before them (`module.`), and parts that lie in a file by themselves, are found. */

/** The checkpoint's key `file + rest` is the layout's `layout + rest`. */
export interface Head {
  readonly file: string;
  readonly layout: string;
}

export interface Translation {
  /** The checkpoint's keys by the layout's. */
  readonly keys: ReadonlyMap<string, string>;
  /** By which they were found, those of most keys first; that of keys which are the same is left out. */
  readonly heads: readonly Head[];
  /** Two heads of which nothing decides; else none. */
  readonly rivals: readonly Head[];
}

/** Heads that are looked at closely: those that most keys speak for. */
const mostHeads = 40;

/**
 * Keys that are the same are taken as such. Of the rest, heads are taken one by one, that of most keys first, where half of what lies
 * under one in the layout has its counterpart, or half of what lies under it in the checkpoint, of like shapes: chance does not reach that.
 * @param fits whether the shapes agree, which decides between heads of as many keys.
 */
export function translate(
  checkpoint: readonly string[],
  layout: ReadonlySet<string>,
  fits: (key: string, layoutKey: string) => boolean,
): Translation {
  const keys = new Map(checkpoint.filter((key) => layout.has(key)).map((key) => [key, key]));
  const left = new Set(checkpoint.filter((key) => !layout.has(key)));
  const candidates = votedHeads(left, layout);
  const heads: Head[] = [];
  for (;;) {
    const claims = candidates.map((head) => claimOf(head, left, layout, keys, fits)).filter(isSound);
    claims.sort((a, b) => b.pairs.length - a.pairs.length || b.fitting - a.fitting);
    const [best, ...others] = claims;
    if (best === undefined) return { keys, heads, rivals: [] };
    const rival = others.find((other) => other.pairs.length === best.pairs.length && other.fitting === best.fitting && meet(best, other));
    if (rival !== undefined) return { keys, heads, rivals: [best.head, rival.head] };
    for (const [key, layoutKey] of best.pairs) {
      keys.set(layoutKey, key);
      left.delete(key);
    }
    heads.push(best.head);
  }
}

/** Every head under which what is left of some key is what is left of a key of the layout, the likeliest first. */
function votedHeads(checkpoint: Iterable<string>, layout: ReadonlySet<string>): readonly Head[] {
  const byRest = new Map<string, string[]>();
  for (const head of partsOf(layout)) {
    for (const key of layout) {
      if (!key.startsWith(head)) continue;
      const rest = key.slice(head.length);
      // A name by itself (`weight`) tells nothing, unless it is all that a folder's key has.
      if (!/[./]/.test(rest) && !head.endsWith("/")) continue;
      byRest.set(rest, [...(byRest.get(rest) ?? []), head]);
    }
  }
  const votes = new Map<string, { readonly head: Head; count: number }>();
  for (const key of checkpoint) {
    const start = starts(key).find((at) => byRest.has(key.slice(at)));
    if (start === undefined) continue;
    for (const layoutHead of byRest.get(key.slice(start)) ?? []) {
      const head = { file: key.slice(0, start), layout: layoutHead };
      const name = `${head.file} ${head.layout}`;
      const vote = votes.get(name);
      if (vote === undefined) votes.set(name, { head, count: 1 });
      else vote.count++;
    }
  }
  const sorted = [...votes.values()].sort((a, b) => b.count - a.count);
  return sorted.slice(0, mostHeads).map(({ head }) => head);
}

/** Where the names of a key begin. */
function starts(key: string): readonly number[] {
  return [0, ...[...key.matchAll(/[./]/g)].map(({ index }) => index + 1)];
}

/**
 * What the parts of a layout begin with, and the layout as a whole: `unet/`, or `model.` and `model.diffusion_model.`, as far as all
 * keys that begin with its first name go together. Deeper in, blocks of one part are like blocks of another.
 */
function partsOf(layout: ReadonlySet<string>): ReadonlySet<string> {
  const parts = new Map<string, string>();
  for (const key of layout) {
    const [, end = 0] = starts(key);
    const part = key.slice(0, end);
    parts.set(part, common(parts.get(part) ?? key, key));
  }
  return new Set(["", ...[...parts.values()].flatMap((shared) => starts(shared).map((at) => shared.slice(0, at)))]);
}

function common(one: string, other: string): string {
  let length = 0;
  while (length < one.length && one[length] === other[length]) length++;
  return one.slice(0, length);
}

interface Claim {
  readonly head: Head;
  readonly pairs: readonly (readonly [key: string, layoutKey: string])[];
  readonly fitting: number;
  /** How many keys lie under the head in the checkpoint and in the layout. */
  readonly under: { readonly file: number; readonly layout: number };
}

function claimOf(
  head: Head,
  left: Iterable<string>,
  layout: ReadonlySet<string>,
  taken: ReadonlyMap<string, string>,
  fits: (key: string, layoutKey: string) => boolean,
): Claim {
  const pairs: [string, string][] = [];
  let under = 0;
  for (const key of left) {
    if (!key.startsWith(head.file)) continue;
    under++;
    const layoutKey = head.layout + key.slice(head.file.length);
    if (layout.has(layoutKey) && !taken.has(layoutKey)) pairs.push([key, layoutKey]);
  }
  const fitting = pairs.filter(([key, layoutKey]) => fits(key, layoutKey)).length;
  const inLayout = [...layout].filter((key) => key.startsWith(head.layout)).length;
  return { head, pairs, fitting, under: { file: under, layout: inLayout } };
}

/** A few keys that lie alone in the checkpoint are like others by chance (`time_embed.0.weight` and `encoder/0.weight`): there, shapes must be alike too. */
function isSound({ pairs, fitting, under }: Claim): boolean {
  const areMost = (some: number, all: number) => some > 0 && 2 * some >= all;
  return areMost(pairs.length, under.layout) || (areMost(pairs.length, under.file) && areMost(fitting, pairs.length));
}

/** Whether two claims would have the same tensor of the checkpoint, or give the same weight. */
function meet(one: Claim, other: Claim): boolean {
  const [keys, layoutKeys] = [new Set(one.pairs.map(([key]) => key)), new Set(one.pairs.map(([, layoutKey]) => layoutKey))];
  return other.pairs.some(([key, layoutKey]) => keys.has(key) || layoutKeys.has(layoutKey));
}

/** Values that live one after another, or apart, to the few buffers that they share: which buffer, and where in it. */

export interface Lifetime {
  readonly buffer: string;
  readonly bytes: number;
  /** The dispatches that write it first and touch it last. */
  readonly first: number;
  readonly last: number;
  /** What a dispatch reads while it writes this, or writes while it reads this: better in another slot. */
  readonly apart: ReadonlySet<string>;
}

export interface Place {
  readonly slot: number;
  readonly offset: number;
}

export interface Slots {
  /** Bytes of each slot. */
  readonly sizes: readonly number[];
  readonly places: ReadonlyMap<string, Place>;
}

/** Bindings begin at multiples of this, WebGPU's default. */
export const bindingAlignment = 256;

/** A value to place. */
interface Item extends Lifetime {
  readonly index: number;
  /** Bytes up to where the next binding may begin. */
  readonly aligned: number;
  /** The items that `apart` names. */
  readonly others: readonly number[];
}

interface Slot {
  bytes: number;
  /** By their offsets. */
  readonly taken: (Item & { readonly offset: number })[];
}

type Order = (a: Lifetime, b: Lifetime) => number;

/** The orders in which values are placed; which serves a graph best is seen by trying. */
const orders: readonly Order[] = [
  (a, b) => b.bytes - a.bytes || a.first - b.first,
  (a, b) => b.bytes * (b.last - b.first + 1) - a.bytes * (a.last - a.first + 1) || a.first - b.first,
  (a, b) => b.bytes - a.bytes || b.last - b.first - (a.last - a.first) || a.first - b.first,
  (a, b) => b.last - b.first - (a.last - a.first) || b.bytes - a.bytes || a.first - b.first,
  (a, b) => a.first - b.first || b.bytes - a.bytes,
];

/**
 * Places each value in the gap that it fills best, else at the end of the slot that grows least, else in a new slot.
 * WebGPU tracks how a buffer is used as a whole, so a dispatch that reads the slot that it writes must bind both as
 * writable. Slots keep such values apart, unless that takes more than `content` times the least.
 */
export function shareSlots(lifetimes: readonly Lifetime[], limit: number): Slots {
  const least = leastBytes(lifetimes);
  const sorted = sortings(itemsOf(lifetimes));
  const boundless = Number.POSITIVE_INFINITY;
  const search = (budget: number, from: Assigned | undefined, boundsOf: (best: Assigned | undefined) => Omit<Bounds, "budget">) => {
    let best = from;
    for (const items of sorted) {
      for (const growth of growths) best = assign(items, growth, limit, { budget, ...boundsOf(best) }) ?? best;
    }
    return best;
  };
  const apart = search(boundless, undefined, (best) => ({ bytes: best === undefined ? boundless : total(best) - 1, together: 0 }));
  if (apart === undefined) throw new Error("slots: no assignment without bounds");
  if (total(apart) <= content * least) return apart;
  const fewer = (best: Assigned | undefined) => ({ bytes: content * least, together: best === undefined ? boundless : best.together - 1 });
  return budgets.reduce<Assigned | undefined>((best, budget) => search(budget * least, best, fewer), undefined) ?? apart;
}

function itemsOf(lifetimes: readonly Lifetime[]): readonly Item[] {
  const indices = new Map(lifetimes.map(({ buffer }, index) => [buffer, index]));
  return lifetimes.map((one, index) => ({
    ...one,
    index,
    aligned: aligned(one.bytes),
    others: [...one.apart].flatMap((buffer) => indices.get(buffer) ?? []),
  }));
}

/** The items in each order; orders that come to the same are tried once. */
function sortings(items: readonly Item[]): readonly (readonly Item[])[] {
  const found = new Map<string, readonly Item[]>();
  for (const order of orders) {
    const sorted = [...items].sort(order);
    const key = sorted.map(({ index }) => index).join();
    if (!found.has(key)) found.set(key, sorted);
  }
  return [...found.values()];
}

const aligned = (bytes: number) => Math.ceil(bytes / bindingAlignment) * bindingAlignment;

/** Over the least: the bytes that are not worth a search, and those from which on values that were to be apart come together. */
const content = 1.1;
const budgets = [1.04, content] as const;

const total = ({ sizes }: Slots) => sizes.reduce((sum, bytes) => sum + bytes, 0);

/** Whether a slot never grows, grows where a part of the value still fits, or rather than that a new slot begins. */
const growths = ["never", "partly", "always"] as const;
type Growth = (typeof growths)[number];

interface Assigned extends Slots {
  /** How many values came into a slot with one that they were to be apart from. */
  readonly together: number;
}

interface Gap {
  readonly slot: number;
  readonly offset: number;
  readonly grown: number;
  readonly waste: number;
}

interface Bounds {
  /** Bytes in all, beyond which values that were to be apart share a slot rather than that one grows. */
  readonly budget: number;
  /** What an assignment may take at most, and how many values may come together, to be worth anything. */
  readonly bytes: number;
  readonly together: number;
}

/** Undefined as soon as it is seen to go beyond the bounds. */
function assign(items: readonly Item[], growth: Growth, limit: number, bounds: Bounds): Assigned | undefined {
  const slots: Slot[] = [];
  const slotOf = new Int32Array(items.length).fill(-1);
  const places = new Map<string, Place>();
  let used = 0;
  let together = 0;
  for (const one of items) {
    const taboo = new Set<number>();
    for (const other of one.others) {
      const slot = slotOf[other] as number;
      if (slot >= 0) taboo.add(slot);
    }
    let gap = bestGap(slots, one, growth, limit, taboo);
    if (used + gap.grown > bounds.budget) {
      const closer = bestGap(slots, one, growth, limit, nothing);
      if (closer.grown < gap.grown) gap = closer;
    }
    if (taboo.has(gap.slot)) together++;
    used += gap.grown;
    if (used > bounds.bytes || together > bounds.together) return undefined;
    put(slots, one, gap);
    slotOf[one.index] = gap.slot;
    places.set(one.buffer, { slot: gap.slot, offset: gap.offset });
  }
  return { sizes: slots.map((slot) => sizeWithin(slot, limit)), places, together };
}

/** A slot ends where the next binding could begin, or with its last byte where a buffer may not be as large as that. */
function sizeWithin({ bytes, taken }: Slot, limit: number): number {
  return bytes <= limit ? bytes : taken.reduce((end, one) => Math.max(end, one.offset + one.bytes), 0);
}

const nothing: ReadonlySet<number> = new Set();

function put(slots: Slot[], one: Item, { slot: index, grown, offset }: Gap): void {
  const slot = slots[index] ?? { bytes: 0, taken: [] };
  if (index === slots.length) slots.push(slot);
  slot.bytes += grown;
  let at = slot.taken.length;
  while (at > 0 && (slot.taken[at - 1] as { offset: number }).offset > offset) at--;
  slot.taken.splice(at, 0, { ...one, offset });
}

/** The gap that grows its slot least, then wastes least, among slots that are not taboo. */
function bestGap(slots: readonly Slot[], one: Item, growth: Growth, limit: number, taboo: ReadonlySet<number>): Gap {
  const fresh: Gap = { slot: slots.length, offset: 0, grown: one.aligned, waste: 0 };
  let best: Gap | undefined;
  const consider = (slot: number, offset: number, grown: number, waste: number): void => {
    if (best !== undefined && (grown > best.grown || (grown === best.grown && waste >= best.waste))) return;
    best = { slot, offset, grown, waste };
  };
  for (const [index, slot] of slots.entries()) {
    if (taboo.has(index)) continue;
    let from = 0;
    for (const other of slot.taken) {
      if (other.first > one.last || one.first > other.last) continue;
      if (other.offset - from >= one.aligned) consider(index, from, 0, other.offset - from - one.aligned);
      from = Math.max(from, other.offset + other.aligned);
    }
    const end = from + one.aligned;
    const grown = Math.max(0, end - slot.bytes);
    if (grown === 0 || (growth !== "never" && from + one.bytes <= limit)) consider(index, from, grown, Math.max(0, slot.bytes - end));
  }
  const found = best ?? fresh;
  return found.grown < one.aligned || growth === "always" ? found : fresh;
}

/** The largest sum of bytes that are alive at once, each up to where the next binding may begin: no plan has less. */
export function leastBytes(lifetimes: readonly Lifetime[]): number {
  const changes: number[] = [];
  for (const { first, last, bytes } of lifetimes) {
    changes[first] = (changes[first] ?? 0) + aligned(bytes);
    changes[last + 1] = (changes[last + 1] ?? 0) - aligned(bytes);
  }
  let [alive, most] = [0, 0];
  for (const change of changes) {
    alive += change ?? 0;
    most = Math.max(most, alive);
  }
  return most;
}

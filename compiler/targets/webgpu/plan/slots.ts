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

interface Slot {
  bytes: number;
  readonly taken: (Lifetime & { readonly offset: number })[];
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
  const tryAll = (budget: number) =>
    orders.flatMap((order) => growths.map((growth) => assign([...lifetimes].sort(order), growth, limit, budget)));
  const apart = tryAll(Number.POSITIVE_INFINITY).reduce(smaller);
  if (total(apart) <= content * least) return apart;
  const mixed = budgets.flatMap((budget) => tryAll(budget * least)).filter((slots) => total(slots) <= content * least);
  return mixed.length > 0 ? mixed.reduce((one, other) => (other.together < one.together ? other : one)) : apart;
}

/** Over the least: the bytes that are not worth a search, and those from which on values that were to be apart come together. */
const content = 1.1;
const budgets = [1.04, content] as const;

const total = ({ sizes }: Slots) => sizes.reduce((sum, bytes) => sum + bytes, 0);
const smaller = <S extends Slots>(one: S, other: S) => (total(other) < total(one) ? other : one);

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

/** Beyond `budget` bytes in all, values that were to be apart share a slot rather than that one grows. */
function assign(lifetimes: readonly Lifetime[], growth: Growth, limit: number, budget: number): Assigned {
  const slots: Slot[] = [];
  const places = new Map<string, Place>();
  let used = 0;
  let together = 0;
  for (const one of lifetimes) {
    const bytes = Math.ceil(one.bytes / bindingAlignment) * bindingAlignment;
    const fresh: Gap = { slot: slots.length, offset: 0, grown: bytes, waste: 0 };
    const isApart = (slot: Slot) => slot.taken.some((other) => one.apart.has(other.buffer));
    const best = (allowed: (slot: Slot) => boolean): Gap => {
      const found = slots.flatMap((slot, index) => (allowed(slot) ? gaps(slot, index, one, bytes) : []));
      const legal = found.filter(({ slot, grown }) => grown === 0 || (growth !== "never" && (slots[slot]?.bytes ?? 0) + grown <= limit));
      const [first = fresh, ...others] = legal;
      const least = others.reduce((a, b) => (b.grown < a.grown || (b.grown === a.grown && b.waste < a.waste) ? b : a), first);
      return least.grown < bytes || growth === "always" ? least : fresh;
    };
    let gap = best((slot) => !isApart(slot));
    if (used + gap.grown > budget) {
      const closer = best(() => true);
      if (closer.grown < gap.grown) gap = closer;
    }
    const slot = slots[gap.slot] ?? { bytes: 0, taken: [] };
    if (gap.slot === slots.length) slots.push(slot);
    if (isApart(slot)) together++;
    slot.bytes += gap.grown;
    used += gap.grown;
    slot.taken.push({ ...one, offset: gap.offset });
    places.set(one.buffer, { slot: gap.slot, offset: gap.offset });
  }
  return { sizes: slots.map((slot) => slot.bytes), places, together };
}

/** Where the value could lie among those of the slot that live while it does, and what each place wastes or adds. */
function gaps(slot: Slot, index: number, one: Lifetime, bytes: number): readonly Gap[] {
  const alive = slot.taken.filter((other) => other.first <= one.last && one.first <= other.last).sort((a, b) => a.offset - b.offset);
  const found: Gap[] = [];
  let from = 0;
  for (const other of alive) {
    if (other.offset - from >= bytes) found.push({ slot: index, offset: from, waste: other.offset - from - bytes, grown: 0 });
    from = Math.max(from, Math.ceil((other.offset + other.bytes) / bindingAlignment) * bindingAlignment);
  }
  const end = from + bytes;
  found.push({ slot: index, offset: from, waste: Math.max(0, slot.bytes - end), grown: Math.max(0, end - slot.bytes) });
  return found;
}

/** The largest sum of bytes that are alive at once: no plan has less. */
export function leastBytes(lifetimes: readonly Lifetime[]): number {
  const end = lifetimes.reduce((latest, { last }) => Math.max(latest, last), 0);
  let most = 0;
  for (let at = 0; at <= end; at++) {
    most = Math.max(
      most,
      lifetimes.reduce((sum, { first, last, bytes }) => (first <= at && at <= last ? sum + bytes : sum), 0),
    );
  }
  return most;
}

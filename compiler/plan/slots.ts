/** Values that live one after another, or apart, to the few buffers that they share: which buffer, and where in it. */

export interface Lifetime {
  readonly buffer: string;
  readonly bytes: number;
  /** The dispatches that write it first and touch it last. */
  readonly first: number;
  readonly last: number;
  /** What a dispatch reads while it writes this, or writes while it reads this. */
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
 * A dispatch may not read and write one buffer, because WebGPU tracks how a buffer is used as a whole: hence several slots.
 */
export function shareSlots(lifetimes: readonly Lifetime[], limit: number): Slots {
  const tried: Slots[] = orders.flatMap((order) => growths.map((growth) => assign([...lifetimes].sort(order), growth, limit)));
  const best = tried.reduce(smaller);
  const least = leastBytes(lifetimes);
  return total(best) <= content * least ? best : [best, ...reordered(lifetimes, limit, wanted * least)].reduce(smaller);
}

/** Over the least that is possible: what needs no further search, what that aims at, and how long it goes on. */
const content = 1.1;
const wanted = 1.06;
const attempts = 24;

const total = ({ sizes }: Slots) => sizes.reduce((sum, bytes) => sum + bytes, 0);
const smaller = (one: Slots, other: Slots) => (total(other) < total(one) ? other : one);

/** Places again and again, each time those values earlier whose turn came when the bytes that are wanted were used up. */
function reordered(lifetimes: readonly Lifetime[], limit: number, bytes: number): readonly Slots[] {
  const weights = new Map(lifetimes.map((one) => [one.buffer, Math.log2(one.bytes)]));
  const weightOf = ({ buffer }: Lifetime) => weights.get(buffer) ?? 0;
  return Array.from({ length: attempts }, () => {
    const slots = assign(
      [...lifetimes].sort((a, b) => weightOf(b) - weightOf(a) || a.first - b.first),
      "partly",
      limit,
    );
    let used = 0;
    for (const { one, grown } of slots.growth) {
      used += grown;
      if (used > bytes) weights.set(one.buffer, weightOf(one) + 1);
    }
    return slots;
  });
}

/** Whether a slot never grows, grows where a part of the value still fits, or rather than that a new slot begins. */
const growths = ["never", "partly", "always"] as const;

interface Assigned extends Slots {
  /** The values that slots grew for, as they came. */
  readonly growth: readonly { readonly one: Lifetime; readonly grown: number }[];
}

function assign(lifetimes: readonly Lifetime[], growth: (typeof growths)[number], limit: number): Assigned {
  const slots: Slot[] = [];
  const grew: { one: Lifetime; grown: number }[] = [];
  const places = new Map<string, Place>();
  for (const one of lifetimes) {
    const bytes = Math.ceil(one.bytes / bindingAlignment) * bindingAlignment;
    let best: { slot: number; offset: number; grown: number; waste: number } | undefined;
    for (const [index, slot] of slots.entries()) {
      if (slot.taken.some((other) => one.apart.has(other.buffer))) continue;
      for (const { offset, waste, grown } of gaps(slot, one, bytes)) {
        if (grown > 0 && (growth === "never" || slot.bytes + grown > limit)) continue;
        const better = best === undefined || grown < best.grown || (grown === best.grown && waste < best.waste);
        if (better) best = { slot: index, offset, grown, waste };
      }
    }
    const place =
      best !== undefined && (best.grown < bytes || growth === "always") ? best : { slot: slots.length, offset: 0, grown: bytes };
    const slot = slots[place.slot] ?? { bytes: 0, taken: [] };
    if (place.slot === slots.length) slots.push(slot);
    slot.bytes += place.grown;
    if (place.grown > 0) grew.push({ one, grown: place.grown });
    slot.taken.push({ ...one, offset: place.offset });
    places.set(one.buffer, { slot: place.slot, offset: place.offset });
  }
  return { sizes: slots.map((slot) => slot.bytes), places, growth: grew };
}

/** Where the value could lie among those of the slot that live while it does, and what each place wastes or adds. */
function gaps(slot: Slot, one: Lifetime, bytes: number): readonly { offset: number; waste: number; grown: number }[] {
  const alive = slot.taken.filter((other) => other.first <= one.last && one.first <= other.last).sort((a, b) => a.offset - b.offset);
  const found: { offset: number; waste: number; grown: number }[] = [];
  let from = 0;
  for (const other of alive) {
    if (other.offset - from >= bytes) found.push({ offset: from, waste: other.offset - from - bytes, grown: 0 });
    from = Math.max(from, Math.ceil((other.offset + other.bytes) / bindingAlignment) * bindingAlignment);
  }
  const end = from + bytes;
  found.push({ offset: from, waste: Math.max(0, slot.bytes - end), grown: Math.max(0, end - slot.bytes) });
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

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
  const tried = orders.flatMap((order) => growths.map((growth) => assign([...lifetimes].sort(order), growth, limit)));
  const total = (slots: Slots) => slots.sizes.reduce((sum, bytes) => sum + bytes, 0);
  return tried.reduce((best, one) => (total(one) < total(best) ? one : best));
}

/** Whether a slot never grows, grows where a part of the value still fits, or rather than that a new slot begins. */
const growths = ["never", "partly", "always"] as const;

function assign(lifetimes: readonly Lifetime[], growth: (typeof growths)[number], limit: number): Slots {
  const slots: Slot[] = [];
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
    slot.taken.push({ ...one, offset: place.offset });
    places.set(one.buffer, { slot: place.slot, offset: place.offset });
  }
  return { sizes: slots.map((slot) => slot.bytes), places };
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

/** Buffers that live one after another to slots that they share. */

export interface Lifetime {
  readonly buffer: string;
  readonly bytes: number;
  /** The dispatches that write it first and touch it last. */
  readonly first: number;
  readonly last: number;
}

export interface Slots {
  /** Bytes of each slot. */
  readonly sizes: readonly number[];
  readonly slotOf: ReadonlyMap<string, number>;
}

/**
 * The largest first, each into the smallest slot that is free for its whole life (Pisarchyk and Lee, 2020): a slot is a
 * whole buffer, because WebGPU tracks how a dispatch uses a buffer, not a part of it.
 */
export function shareSlots(lifetimes: readonly Lifetime[]): Slots {
  const slots: { bytes: number; taken: Lifetime[] }[] = [];
  const slotOf = new Map<string, number>();
  const order = [...lifetimes].sort((a, b) => b.bytes - a.bytes || a.first - b.first);
  for (const one of order) {
    const free = slots
      .map((slot, index) => ({ slot, index }))
      .filter(({ slot }) => slot.taken.every((other) => other.last < one.first || one.last < other.first))
      .sort((a, b) => a.slot.bytes - b.slot.bytes || idle(a.slot.taken, one) - idle(b.slot.taken, one));
    const [best] = free;
    if (best === undefined) {
      slotOf.set(one.buffer, slots.length);
      slots.push({ bytes: one.bytes, taken: [one] });
    } else {
      slotOf.set(one.buffer, best.index);
      best.slot.taken.push(one);
    }
  }
  return { sizes: slots.map((slot) => slot.bytes), slotOf };
}

/** How long the slot would stand empty around the newcomer: the closest neighbours leave the most room for others. */
function idle(taken: readonly Lifetime[], one: Lifetime): number {
  const before = taken.filter((other) => other.last < one.first).map((other) => one.first - other.last);
  const after = taken.filter((other) => other.first > one.last).map((other) => other.first - one.last);
  return Math.min(...before, 1e9) + Math.min(...after, 1e9);
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

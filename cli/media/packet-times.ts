/** The packets of a video, in the order in which they are decoded, to its frames: which is shown when, and what must be decoded for some. */

import type { Shown } from "../data/windows.ts";

/** In seconds. */
export interface PacketTime {
  readonly start: number;
  /** `start` where the file does not say how long it is shown. */
  readonly end: number;
  /** Whether decoding can begin there. */
  readonly key: boolean;
}

/** A film's only frame, where nothing says how long it is shown. */
const usualTime = 0.1;

export interface FramesShown {
  /** The packet of each frame, in the order in which they are shown. */
  readonly places: readonly number[];
  readonly shown: Shown;
}

/** Throws where there is no frame. */
export function framesShown(packets: readonly PacketTime[]): FramesShown {
  const order = inOrder(packets, 0, packets.length - 1);
  // What ends before the time 0 is there for the decoder alone.
  const hidden = order.findIndex((place) => timeOf(packets, place).end > 0 || timeOf(packets, place).start >= 0);
  if (hidden < 0) throw new Error("it has no frames (cut short?)");
  const places = order.slice(hidden);
  const zero = timeOf(packets, places[0]).start;
  const starts = places.map((place) => timeOf(packets, place).start - zero);
  const last = timeOf(packets, places.at(-1));
  const lastStart = last.start - zero;
  const usual = starts.length > 1 ? lastStart / (starts.length - 1) : usualTime;
  return { places, shown: { starts, end: lastStart + (last.end > last.start ? last.end - last.start : usual) } };
}

export interface Decoding {
  /** The first and the last packet that are decoded. */
  readonly from: number;
  readonly until: number;
  /** All that are decoded, in the order in which their frames are shown. */
  readonly due: readonly number[];
}

/** What is decoded for some packets' frames. */
export function decodingOf(packets: readonly PacketTime[], wanted: readonly number[]): Decoding {
  const earliest = wanted.reduce((least, place) => Math.min(least, timeOf(packets, place).start), Number.POSITIVE_INFINITY);
  const from = lastSafeKey(packets, earliest);
  // Frames that the last one needs may be shown after it.
  const until = wanted.reduce((most, place) => Math.max(most, place), from);
  return { from, until, due: inOrder(packets, from, until) };
}

/** The last key to begin at for a frame at that time: no packet after it is shown before it, whose frame decoders would leave out. */
function lastSafeKey(packets: readonly PacketTime[], time: number): number {
  let earliest = Number.POSITIVE_INFINITY;
  for (let place = packets.length - 1; place > 0; place--) {
    const { start, key } = timeOf(packets, place);
    if (key && start <= time && start <= earliest) return place;
    earliest = Math.min(earliest, start);
  }
  return 0;
}

function inOrder(packets: readonly PacketTime[], from: number, until: number): readonly number[] {
  const places = Array.from({ length: until - from + 1 }, (_, i) => from + i);
  return places.sort((a, b) => timeOf(packets, a).start - timeOf(packets, b).start);
}

function timeOf(packets: readonly PacketTime[], place: number | undefined): PacketTime {
  const found = packets[place ?? -1];
  if (found === undefined) throw new Error(`packet times: no packet ${place} among ${packets.length}`);
  return found;
}

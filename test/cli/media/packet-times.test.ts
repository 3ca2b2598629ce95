// Packets in the order of decoding to frames in the order in which they are shown, counted by hand.

import { expect, test } from "vitest";
import { decodingOf, framesShown } from "../../../cli/media/packet-times.ts";

/** Starts in seconds, a key where it says so; each is shown for a second. */
const packets = (...starts: readonly (number | `${number}k`)[]) =>
  starts.map((start) => ({
    start: Number.parseFloat(String(start)),
    end: Number.parseFloat(String(start)) + 1,
    key: typeof start === "string",
  }));

test("frames are in the order of their times, the first at 0", () => {
  expect(framesShown(packets("5k", 8, 6, 7))).toEqual({ places: [0, 2, 3, 1], shown: { starts: [0, 1, 2, 3], end: 4 } });
});

test("what ends before 0 is decoded and not shown", () => {
  const cut = packets("-2k", -1, 0, 1);
  expect(framesShown(cut)).toEqual({ places: [2, 3], shown: { starts: [0, 1], end: 2 } });
  expect(decodingOf(cut, [3])).toEqual({ from: 0, until: 3, due: [0, 1, 2, 3] });
  expect(() => framesShown(packets("-2k"))).toThrow("it has no frames");
  expect(() => framesShown([])).toThrow("it has no frames");
});

test("a last frame of no length is shown for as long as the others", () => {
  const times = [0, 2, 1].map((start) => ({ start, end: start, key: start === 0 }));
  expect(framesShown(times).shown).toEqual({ starts: [0, 1, 2], end: 3 });
  expect(framesShown(times.slice(0, 1)).shown).toEqual({ starts: [0], end: 0.1 });
});

test("decoding begins at the last key from which the frame can be had, and goes as far as the last one that it needs", () => {
  const closed = packets("0k", 2, 1, "3k", 5, 4, "6k");
  expect(decodingOf(closed, [5])).toEqual({ from: 3, until: 5, due: [3, 5, 4] });
  expect(decodingOf(closed, [1])).toEqual({ from: 0, until: 1, due: [0, 1] });
  expect(decodingOf(closed, [2, 1])).toEqual({ from: 0, until: 2, due: [0, 2, 1] });
  expect(decodingOf(closed, [6])).toEqual({ from: 6, until: 6, due: [6] });
  // Packets 4 and 5 are shown before the key 3 that is decoded before them: who begins there loses them.
  const open = packets("0k", 2, 1, "5k", 3, 4, 6);
  expect(decodingOf(open, [6])).toEqual({ from: 0, until: 6, due: [0, 2, 1, 4, 5, 3, 6] });
});

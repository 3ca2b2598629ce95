// Which frames of a film make a clip, counted by hand.

import { expect, test } from "vitest";
import { filmWindows, heldWindow } from "../../../cli/data/windows.ts";

/** So many frames, each shown for so long. */
const even = (count: number, seconds: number) => ({
  count,
  shown: { starts: Array.from({ length: count }, (_, i) => i * seconds), end: count * seconds },
});

test("frames as they come are the middle ones, and windows the middles of equal parts", () => {
  const film = { count: 10 };
  expect(filmWindows(film, 10, {})).toEqual([[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]]);
  expect(filmWindows(film, 4, {})).toEqual([[3, 4, 5, 6]]);
  expect(filmWindows(film, 3, {})).toEqual([[3, 4, 5]]);
  expect(filmWindows(film, 4, { stride: 3 })).toEqual([[0, 3, 6, 9]]);
  expect(filmWindows(film, 2, { windows: 2 })).toEqual([
    [1, 2],
    [6, 7],
  ]);
  // Three of four fit at most twice; nothing overlaps.
  expect(filmWindows(film, 4, { windows: 3 })).toEqual([
    [0, 1, 2, 3],
    [5, 6, 7, 8],
  ]);
  expect(filmWindows(film, 11, {})).toEqual([]);
  expect(filmWindows(film, 5, { stride: 3 })).toEqual([]);
  expect(filmWindows({ count: 0 }, 1, {})).toEqual([]);
});

test("at a rate, a frame is what is shown at its time", () => {
  // 40 frames at 25 a second last 1.6 s, 12.8 at 8 a second: 8 of these begin at the third, 0.25 s, looked at at 0.27 s.
  expect(filmWindows(even(40, 0.04), 8, { fps: 8 })).toEqual([[6, 9, 13, 16, 19, 22, 25, 28]]);
  // As many as there are, though 0.1 + 0.2 is not 0.3.
  expect(filmWindows(even(7, 0.1), 7, { fps: 10 })).toEqual([[0, 1, 2, 3, 4, 5, 6]]);
  // Two films of 30000/1001 frames a second, taken at 30.
  expect(filmWindows(even(6, 1001 / 30000), 6, { fps: 30 })).toEqual([[0, 1, 2, 3, 4, 5]]);
  expect(filmWindows(even(40, 0.04), 4, { fps: 8, windows: 9 })).toEqual([
    [0, 3, 6, 9],
    [13, 16, 19, 22],
    [25, 28, 31, 34],
  ]);
  // Rates that go into one another take every second, third or fourth frame, wherever the clip begins.
  for (const [part, seconds] of [
    [1, 1 / 30],
    [2, 1 / 60],
    [3, 1 / 24],
    [4, 1 / 60],
    [2, 1001 / 60000],
  ] as const) {
    const [found = []] = filmWindows(even(101, seconds), 16, { fps: 1 / (part * seconds) });
    expect(found.map((place, i) => place - (found[0] ?? 0) - part * i)).toEqual(Array(16).fill(0));
  }
  expect(filmWindows(even(10, 0.1), 9, { fps: 8 })).toEqual([]);
  // Slower than asked for: frames come again.
  expect(filmWindows(even(4, 0.25), 8, { fps: 8 })).toEqual([[0, 0, 1, 1, 2, 2, 3, 3]]);
});

test("each frame has its own time", () => {
  // One second, then three of a tenth.
  const film = { count: 4, shown: { starts: [0, 1, 1.1, 1.2], end: 1.3 } };
  expect(filmWindows(film, 13, { fps: 10 })).toEqual([[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3]]);
  expect(filmWindows(film, 2, { fps: 2 })).toEqual([[0, 0]]);
  // Frames without times have the rate that is asked for.
  expect(filmWindows({ count: 4 }, 4, { fps: 10 })).toEqual([[0, 1, 2, 3]]);
});

test("a film that is too short is held on its last frame", () => {
  expect(heldWindow({ count: 3 }, 5, {})).toEqual([0, 1, 2, 2, 2]);
  expect(heldWindow({ count: 4 }, 3, { stride: 2 })).toEqual([0, 2, 3]);
  expect(heldWindow(even(2, 0.5), 6, { fps: 4 })).toEqual([0, 0, 1, 1, 1, 1]);
});

test("windows never overlap, leave the film or go back, at any size", () => {
  for (let count = 1; count < 40; count++) {
    for (const frames of [1, 2, 5, 16]) {
      for (const pace of [{}, { stride: 2 }, { fps: 8 }, { fps: 31 }]) {
        const film = even(count, 0.0625);
        const found = filmWindows(film, frames, { ...pace, windows: 1 + (count % 5) });
        for (const window of found) expect([window.length, [...window].sort((a, b) => a - b)]).toEqual([frames, window]);
        const places = found.flat();
        expect(places.every((place) => place >= 0 && place < count)).toBe(true);
        // At more than its own rate one frame may end a clip and begin the next.
        expect(places.every((place, i) => i === 0 || place > (places[i - 1] ?? 0) || "fps" in pace)).toBe(true);
        expect(places.every((place, i) => i === 0 || place >= (places[i - 1] ?? 0))).toBe(true);
      }
    }
  }
});

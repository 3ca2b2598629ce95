/** Checks the moving shapes against their own description: what they show, where they go, and which are kept from training. */
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { BACKGROUND, COLOURS, FRAMES, isHeldOut, MOTIONS, movingShapes, SHAPES, SIZE } from "../../../cli/data/moving-shapes.ts";

/** Centre and area of what differs from the background in each frame, and whether it touches the border. */
function track(pixels: Uint8Array) {
  return Array.from({ length: FRAMES }, (_, f) => {
    let [sum, x, y, border] = [0, 0, 0, false];
    for (let row = 0; row < SIZE; row++) {
      for (let column = 0; column < SIZE; column++) {
        const start = ((f * SIZE + row) * SIZE + column) * 3;
        const light = [0, 1, 2].reduce((most, c) => Math.max(most, (pixels[start + c] ?? 0) - (BACKGROUND[c] ?? 0)), 0);
        sum += light;
        x += light * (column + 0.5);
        y += light * (row + 0.5);
        border ||= light > 0 && (row === 0 || column === 0 || row === SIZE - 1 || column === SIZE - 1);
      }
    }
    return { x: x / sum, y: y / sum, area: sum, border };
  });
}

const clips = [...movingShapes(96, 5)];

describe("moving shapes", () => {
  it("give the same bytes for the same seed, and others for another", () => {
    const digest = (seed: number) => {
      const hash = createHash("sha256");
      for (const clip of movingShapes(4, seed)) hash.update(clip.pixels);
      return hash.digest("hex").slice(0, 16);
    };
    expect(digest(5)).toBe("aaedc40ce9476387");
    expect(digest(6)).not.toBe(digest(5));
    expect([...movingShapes(3, 5)][2]?.pixels).toEqual(clips[2]?.pixels);
  });

  it("move at 1.7 to 2.4 px a frame in a straight line, in the caption's direction, and stay inside", () => {
    const signs: Record<string, readonly [number, number]> = {
      "moves right": [1, 0],
      "moves left": [-1, 0],
      "moves up": [0, -1],
      "moves down": [0, 1],
      "climbs right": [1, -1],
      "climbs left": [-1, -1],
      "falls right": [1, 1],
      "falls left": [-1, 1],
    };
    for (const clip of clips) {
      const points = track(clip.pixels);
      expect(
        points.some((p) => p.border),
        clip.caption,
      ).toBe(false);
      const steps = points.slice(1).map((p, i) => [p.x - (points[i]?.x ?? 0), p.y - (points[i]?.y ?? 0)] as const);
      const motion = clip.caption.split(" ").slice(3).join(" ");
      const [sx, sy] = signs[motion] ?? [0, 0];
      for (const [dx, dy] of steps) {
        // Anti-aliasing to 8 bits moves a centroid of some 200 pixels by less than 0.1 px.
        expect(Math.hypot(dx, dy)).toBeGreaterThan(1.6);
        expect(Math.hypot(dx, dy)).toBeLessThan(2.5);
        expect((dx * sx + dy * sy) / Math.hypot(sx, sy) / Math.hypot(dx, dy)).toBeGreaterThan(0.99);
      }
      const middle = (axis: "x" | "y") => points.reduce((sum, p) => sum + p[axis], 0) / FRAMES;
      // The path's middle is within 3 px of the frame's; a heart's centroid lies 0.3 of its radius above its centre.
      expect(Math.max(Math.abs(middle("x") - 32), Math.abs(middle("y") - 32))).toBeLessThan(6.5);
    }
  });

  it("show the caption's colour in the brightest pixel", () => {
    const strong: Record<string, readonly boolean[]> = {
      red: [true, false, false],
      green: [false, true, false],
      blue: [false, false, true],
      yellow: [true, true, false],
      cyan: [false, true, true],
      magenta: [true, false, true],
    };
    for (const clip of clips) {
      const frame = clip.pixels.subarray(0, SIZE * SIZE * 3);
      const most = [0, 1, 2].map((c) => frame.reduce((top, v, i) => (i % 3 === c && v > top ? v : top), 0));
      expect(
        most.map((v) => v > 150),
        clip.caption,
      ).toEqual(strong[clip.caption.split(" ")[1] ?? ""]);
    }
  });

  it("hold out 32 of 288 combinations, evenly", () => {
    const held = SHAPES.flatMap((_, s) =>
      COLOURS.flatMap((__, c) => MOTIONS.flatMap((___, m) => (isHeldOut(s, c, m) ? [[s, c, m] as const] : []))),
    );
    expect(held.length).toBe(32);
    const times = (axis: 0 | 1 | 2, of: number) => Array.from({ length: of }, (_, v) => held.filter((h) => h[axis] === v).length);
    expect(times(0, 6).every((n) => n === 5 || n === 6)).toBe(true);
    expect(times(1, 6).every((n) => n === 5 || n === 6)).toBe(true);
    expect(times(2, 8)).toEqual([4, 4, 4, 4, 4, 4, 4, 4]);
  });

  it("draw only from the combinations asked for", () => {
    const held = (which: "seen" | "held-out") =>
      [...movingShapes(40, 9, { combinations: which })].map((c) => isHeldOut(c.shape, c.colour, c.motion));
    expect(new Set(held("seen"))).toEqual(new Set([false]));
    expect(new Set(held("held-out"))).toEqual(new Set([true]));
  });
});

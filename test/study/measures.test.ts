// Measures of clips against what they must be: hand calculation, closed forms, scikit-image; and that they rise with what they measure.

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { DIRECTIONS, FRAMES, movingShape, movingShapes, SIZE } from "../../cli/data/moving-shapes.ts";
import { normals } from "../../runtime/sampler/random.ts";
import { flickerBeside, flickerOf } from "../../study/flicker.ts";
import { frechetDistance, gaussianOf } from "../../study/frechet.ts";
import { intervalOf } from "../../study/interval.ts";
import type { Pixels } from "../../study/pixels.ts";
import { psnr, ssim } from "../../study/reconstruction.ts";
import { colourJumps, directionOf, hueDrift, stepsOf, trackOf } from "../../study/track.ts";

/** A clip by its number at each place. */
function clipOf(frames: number, height: number, width: number, at: (f: number, y: number, x: number, c: number) => number): Pixels {
  const pixels = new Uint8Array(frames * height * width * 3);
  for (let i = 0; i < pixels.length; i++) {
    const [c, x, y, f] = [i % 3, Math.floor(i / 3) % width, Math.floor(i / 3 / width) % height, Math.floor(i / 3 / width / height)];
    pixels[i] = Math.min(255, Math.max(0, Math.round(at(f, y, x, c))));
  }
  return { frames, height, width, pixels };
}

const real = (index: number): Pixels => ({ frames: FRAMES, height: SIZE, width: SIZE, pixels: movingShape(5, "all")(index).pixels });
const changed = (clip: Pixels, to: (f: number, y: number, x: number, c: number, value: (c: number) => number) => number): Pixels =>
  clipOf(clip.frames, clip.height, clip.width, (f, y, x, c) =>
    to(f, y, x, c, (other) => clip.pixels[((f * clip.height + y) * clip.width + x) * 3 + other] ?? 0),
  );

describe("the track of a bright thing", () => {
  test("is where a square of three pixels is, how it moves, and what colour it has", () => {
    // Its middle is at 2.5 + 2 f and 4.5 + f; green at 200 counts fully.
    const clip = clipOf(4, 16, 16, (f, y, x, c) =>
      Math.abs(x - 2 - 2 * f) <= 1 && Math.abs(y - 4 - f) <= 1 ? ([20, 200, 20][c] ?? 0) : 12,
    );
    const track = trackOf(clip);
    expect(track.map(({ x, y, area }) => [x, y, area])).toEqual([0, 1, 2, 3].map((f) => [2.5 + 2 * f, 4.5 + f, 9]));
    expect(track[0]?.colour).toEqual([20, 200, 20]);
    for (const step of stepsOf(track)) expect(step).toBeCloseTo(Math.sqrt(5), 12);
    // Of right, left, up, down and the diagonals, (2, 1) goes along (1, 0) by 2 and along (1, 1) by 3 / √2 = 2.12.
    expect(directionOf(track, DIRECTIONS)).toBe(6);
    expect(hueDrift(track)).toBe(0);
  });

  test("finds every motion of real clips, and none of what stands still", () => {
    for (const clip of movingShapes(24, 9))
      expect(directionOf(trackOf({ ...real(0), pixels: clip.pixels }), DIRECTIONS), clip.caption).toBe(clip.motion);
    expect(directionOf(trackOf(clipOf(4, 16, 16, (_, y, x) => (x + y < 8 ? 255 : 0))), DIRECTIONS)).toBeUndefined();
  });

  test("the hue's drift is the angle by which a clip's hue is turned", () => {
    // Halfway to grey, so that no turn leaves 0 to 255.
    const turned = (degrees: number) =>
      changed(real(3), (f, _, __, c, value) => {
        const grey = (value(0) + value(1) + value(2)) / 3;
        const angle = ((degrees * f) / (FRAMES - 1)) * (Math.PI / 180);
        // About the grey axis (Rodrigues, 1840): v cos + (k × v) sin, of what is at right angles to it.
        const part = (i: number) => (value((i + 3) % 3) - grey) / 2;
        return grey + part(c) * Math.cos(angle) + ((part(c - 1) - part(c - 2)) / Math.sqrt(3)) * Math.sin(angle);
      });
    let before = -1;
    for (const degrees of [0, 10, 20, 40, 80, 160]) {
      const drift = hueDrift(trackOf(turned(degrees)));
      // Bytes are rounded, and edges before the dark background count less.
      expect(Math.abs(drift - degrees), `${degrees}`).toBeLessThan(2);
      expect(drift).toBeGreaterThan(before);
      before = drift;
    }
  });

  test("the hue's drift goes the shorter way round", () => {
    const at = (degrees: number) => (c: number) => 128 + 60 * Math.cos(((degrees - 120 * c) * Math.PI) / 180);
    const between = (from: number, to: number) => hueDrift(trackOf(clipOf(2, 12, 12, (f, _, __, c) => at(f === 0 ? from : to)(c))));
    // Bytes are whole: half of one in 60 is half a degree.
    expect(Math.abs(between(170, 200) - 30)).toBeLessThan(1);
    expect(Math.abs(between(-10, 15) - 25)).toBeLessThan(1);
  });

  test("a colour jumps where a channel changes by more than 30", () => {
    const lit = (change: number) =>
      colourJumps(trackOf(clipOf(3, 16, 16, (f, _, __, c) => (c === 0 ? 250 : c === 1 && f === 2 ? 100 + change : 100))));
    expect([lit(30), lit(31)]).toEqual([false, true]);
  });
});

describe("flicker", () => {
  test("is nothing of whole steps, and the change of brightness of what stands", () => {
    const pattern = (y: number, x: number) => (37 * x + 91 * y + x * y * 13) % 200;
    expect(flickerOf(clipOf(3, 16, 32, (f, _, x) => (x >= 8 + 2 * f && x < 16 + 2 * f ? 200 : 10)))).toBe(0);
    expect(flickerOf(clipOf(3, 32, 16, (f, y) => (y >= 16 - f && y < 24 - f ? 200 : 10)))).toBe(0);
    expect(flickerOf(clipOf(3, 16, 32, (f, _, x) => (x >= 16 - 2 * f && x < 24 - 2 * f ? 200 : 10)))).toBe(0);
    // Further than a sixteenth of the width no block is looked for.
    expect(flickerOf(clipOf(3, 16, 32, (f, _, x) => (x >= 8 + 3 * f && x < 16 + 3 * f ? 200 : 10)))).toBeGreaterThan(1);
    expect(flickerOf(clipOf(4, 16, 16, () => 40))).toBe(0);
    expect(flickerOf(clipOf(4, 16, 16, (f) => 40 + 10 * (f % 2)))).toBe(10);
    expect(flickerOf(clipOf(1, 16, 16, (_, y, x) => pattern(y, x)))).toBe(0);
  });

  test("rises with noise that is drawn anew for each frame", () => {
    let before = flickerOf(real(1));
    // Edges that move by parts of a pixel.
    expect(before).toBeLessThan(3);
    for (const deviation of [2, 4, 8, 16, 32]) {
      const noise = normals(deviation, 0, FRAMES * SIZE * SIZE * 3);
      let i = 0;
      const flicker = flickerOf(changed(real(1), (_, __, ___, c, value) => value(c) + deviation * (noise[i++] ?? 0)));
      expect(flicker, `${deviation}`).toBeGreaterThan(before);
      before = flicker;
    }
  });

  test("beside a clip that should be equalled is the change of the error", () => {
    const still = changed(real(1), (_, __, ___, c, value) => value(c) + 7);
    expect(flickerBeside(real(1), still)).toBe(0);
    expect(
      flickerBeside(
        real(1),
        changed(real(1), (f, _, __, c, value) => value(c) + (f % 2 === 0 ? 2 : 7)),
      ),
    ).toBe(5);
  });
});

test("PSNR and SSIM are scikit-image's", () => {
  const golden = JSON.parse(readFileSync("golden/measures.json", "utf8")) as { readonly psnr: number; readonly ssim: number };
  const pattern = (f: number, y: number, x: number, c: number) => (37 * f + 5 * y + 3 * x + 80 * c) % 256;
  const wanted = clipOf(2, 16, 20, pattern);
  const found = clipOf(2, 16, 20, (f, y, x, c) => pattern(f, y, x, c) + ((x * y + f) % 21) - 10);
  // Both in f64, sums in another order.
  expect(psnr(wanted, found)).toBeCloseTo(golden.psnr, 9);
  expect(ssim(wanted, found)).toBeCloseTo(golden.ssim, 9);
  // 255 against 245 everywhere: 20 log10 of 25.5.
  expect(
    psnr(
      clipOf(1, 12, 12, () => 255),
      clipOf(1, 12, 12, () => 245),
    ),
  ).toBeCloseTo(28.1308, 4);
  expect([psnr(wanted, wanted), ssim(wanted, wanted)]).toEqual([Number.POSITIVE_INFINITY, expect.closeTo(1, 12)]);
});

describe("the Fréchet distance", () => {
  const [one, other] = [
    {
      mean: [1, -2],
      covariance: [
        [4, 1],
        [1, 2],
      ],
    },
    {
      mean: [0, 1],
      covariance: [
        [1, -0.5],
        [-0.5, 3],
      ],
    },
  ] as const;

  test("of two Gaussians is the closed form", () => {
    // Of commuting covariances: |Δ|² + Σ (√a - √b)² = 9 + 1 + 4.
    const diagonal = (mean: readonly number[], a: number, b: number) => ({
      mean,
      covariance: [
        [a, 0],
        [0, b],
      ],
    });
    expect(frechetDistance(diagonal([3, 0], 4, 25), diagonal([0, 0], 1, 9))).toBeCloseTo(14, 10);
    // Of two rows tr (A B)^½ is √(tr A B + 2 √(det A det B)): tr A B = 4 - 0.5 - 0.5 + 6, det A = 7, det B = 2.75.
    const root = Math.sqrt(9 + 2 * Math.sqrt(7 * 2.75));
    expect(frechetDistance(one, other)).toBeCloseTo(1 + 9 + 6 + 4 - 2 * root, 10);
    expect(frechetDistance(other, one)).toBeCloseTo(20 - 2 * root, 10);
    expect(frechetDistance(one, one)).toBeCloseTo(0, 10);
    // Features that never change have no spread.
    expect(frechetDistance(diagonal([0, 0], 0, 0), diagonal([1, 0], 4, 0))).toBeCloseTo(5, 10);
  });

  test("is of the mean and the covariance of n - 1", () => {
    expect(
      gaussianOf([
        [1, 2],
        [3, 6],
        [5, 1],
      ]),
    ).toEqual({
      mean: [3, 3],
      covariance: [
        [4, -1],
        [-1, 7],
      ],
    });
  });

  test("of many dimensions is that of the same Gaussians in other axes", () => {
    const size = 24;
    const noise = normals(4, 0, 60 * size);
    const vectors = (scale: number, shift: number) =>
      Array.from({ length: 60 }, (_, i) =>
        Array.from({ length: size }, (__, j) => shift + scale * (1 + j / 8) * (noise[i * size + j] ?? 0)),
      );
    // A Householder reflection along (1, 1, …): no distance changes.
    const reflected = (all: readonly (readonly number[])[]) =>
      all.map((one) => one.map((value) => value - (2 * one.reduce((sum, part) => sum + part, 0)) / size));
    const [a, b] = [vectors(1, 0), vectors(1.5, 0.3)];
    const distance = frechetDistance(gaussianOf(a), gaussianOf(b));
    expect(distance / frechetDistance(gaussianOf(reflected(a)), gaussianOf(reflected(b)))).toBeCloseTo(1, 9);
    // The same vectors times 1.5: S2 = 2.25 S1, so that tr (S1 + S2 - 2 (S1 S2)^½) = 0.25 tr S1.
    const { mean, covariance } = gaussianOf(a);
    const shift = mean.reduce((sum, value) => sum + (0.5 * value + 0.3) ** 2, 0);
    expect(distance).toBeCloseTo(shift + 0.25 * covariance.reduce((sum, row, i) => sum + (row[i] ?? 0), 0), 8);
  });
});

describe("intervals", () => {
  const ends = (unit: "%" | "px", values: readonly number[], prompts = values.length) => {
    const { mean, low, high } = intervalOf({ unit, values }, prompts);
    return [mean, low, high].map((end) => end && Number(end.toFixed(4)));
  };

  test("of shares are Wilson's", () => {
    // n / (n + z²), and the published ends of 10 of 20.
    expect(ends("%", new Array(64).fill(1))).toEqual([1, 0.9434, 1]);
    expect(
      ends(
        "%",
        Array.from({ length: 20 }, (_, i) => i % 2),
      ),
    ).toEqual([0.5, 0.2993, 0.7007]);
  });

  test("of all else are Student's, over prompts", () => {
    // By tables of five digits: t(4) = 2.77645 times √(2.5 / 5) is 1.96325; t(30) = 2.04227 of 31 values of variance 82 + 2 / 3.
    expect(ends("px", [1, 2, 3, 4, 5])).toEqual([3, 1.0368, 4.9632]);
    const [mean = 0, low, high] = ends(
      "px",
      Array.from({ length: 31 }, (_, i) => i),
    );
    expect(mean).toBe(15);
    expect((Number(high) - Number(low)) / 2).toBeCloseTo(2.04227 * Math.sqrt(248 / 3 / 31), 3);
    // Three seeds of two prompts, whose means are 2 and 6: t(1) = tan(0.475 π) = 12.7062 times √(8 / 2).
    expect(ends("px", [1, 5, 2, 6, 3, 7], 2)).toEqual([4, -21.4124, 29.4124]);
    expect(ends("px", [4.5], 64)).toEqual([4.5, null, null]);
    expect(ends("px", [Number.POSITIVE_INFINITY, 1])).toEqual([Number.POSITIVE_INFINITY, null, null]);
  });
});

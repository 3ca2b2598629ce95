/** Turns a point into its signed distance from each shape's outline, in units of the shape's radius (negative inside, y down). */

export type Distance = (x: number, y: number) => number;

const HALF_SIDE = 0.84;
const TIP_Y = -0.95;
/** A star's ten corners, from the top clockwise: radius 1 and 0.45 by turns, 36 degrees apart. */
const STAR: readonly (readonly [number, number])[] = [
  [0, -1],
  [0.2645034, -0.3640576],
  [0.9510565, -0.309017],
  [0.4279754, 0.1390576],
  [0.5877853, 0.809017],
  [0, 0.45],
  [-0.5877853, 0.809017],
  [-0.4279754, 0.1390576],
  [-0.9510565, -0.309017],
  [-0.2645034, -0.3640576],
];
const SIN60 = 0.8660254037844386;
const SQRT_HALF = Math.SQRT1_2;

const circle: Distance = (x, y) => Math.sqrt(x * x + y * y) - 0.95;

const square: Distance = (x, y) => Math.max(Math.abs(x), Math.abs(y)) - HALF_SIDE;

/** Upright and equilateral: three half-planes, so the distance is exact but for the corners. */
const triangle: Distance = (x, y) => Math.max(y - 0.5, SIN60 * Math.abs(x) - 0.5 * (y + 0.05) + 0.5 * TIP_Y) - 0.05;

const ring: Distance = (x, y) => Math.abs(Math.sqrt(x * x + y * y) - 0.75) - 0.23;

const star: Distance = (x, y) => polygon(STAR, x, y);

/** A square standing on its corner with a disc on each upper side; its centroid lies 0.3 above its centre. */
const heart: Distance = (x, y) => {
  const side = 0.56;
  const dx = Math.abs(x);
  const dy = y + 0.13;
  const box = Math.max(Math.abs(dx + dy), Math.abs(dx - dy)) * SQRT_HALF - side;
  const lobe = SQRT_HALF * side;
  const disc = Math.sqrt((dx - lobe) ** 2 + (dy + lobe) ** 2) - side;
  return Math.min(box, disc);
};

/** Distance to the nearest side, negative when a ray to the right crosses the outline an odd number of times. */
function polygon(corners: readonly (readonly [number, number])[], x: number, y: number): number {
  let nearest = Number.POSITIVE_INFINITY;
  let inside = false;
  let [fromX, fromY] = corners[corners.length - 1] ?? [0, 0];
  for (const [toX, toY] of corners) {
    const [sideX, sideY] = [toX - fromX, toY - fromY];
    const along = ((x - fromX) * sideX + (y - fromY) * sideY) / (sideX * sideX + sideY * sideY);
    const t = Math.min(1, Math.max(0, along));
    nearest = Math.min(nearest, (x - fromX - t * sideX) ** 2 + (y - fromY - t * sideY) ** 2);
    if (fromY > y !== toY > y && x < fromX + ((y - fromY) / sideY) * sideX) inside = !inside;
    [fromX, fromY] = [toX, toY];
  }
  return inside ? -Math.sqrt(nearest) : Math.sqrt(nearest);
}

/** In the order of SHAPES: circle, square, triangle, star, ring, heart. */
export const shapeDistances: readonly Distance[] = [circle, square, triangle, star, ring, heart];

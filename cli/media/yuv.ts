/** The planes of a decoded video frame to red, green, blue and opacity, a byte each, turned as the film is shown. */

/** What a film says of its colours, by the names of WebCodecs; nothing where it says nothing. */
export interface Colours {
  readonly matrix?: string | null | undefined;
  readonly transfer?: string | null | undefined;
  readonly fullRange?: boolean | null | undefined;
}

/** Shares of red and of blue in brightness (BT.601-7, BT.709-6, BT.2020-2; ITU-T H.273, table 4). */
const shares: { readonly [matrix: string]: readonly [red: number, blue: number] } = {
  bt470bg: [0.299, 0.114],
  smpte170m: [0.299, 0.114],
  bt709: [0.2126, 0.0722],
  "bt2020-ncl": [0.2627, 0.0593],
};

interface Format {
  readonly bits: number;
  /** Pixels that share a sample of colour, across and down. */
  readonly across: 1 | 2;
  readonly down: 1 | 2;
  /** Both samples of colour lie side by side in one plane. */
  readonly paired?: true;
}

const formats: { readonly [name: string]: Format } = {
  I420: { bits: 8, across: 2, down: 2 },
  I422: { bits: 8, across: 2, down: 1 },
  I444: { bits: 8, across: 1, down: 1 },
  NV12: { bits: 8, across: 2, down: 2, paired: true },
  I420P10: { bits: 10, across: 2, down: 2 },
  I422P10: { bits: 10, across: 2, down: 1 },
  I444P10: { bits: 10, across: 1, down: 1 },
  I420P12: { bits: 12, across: 2, down: 2 },
  I422P12: { bits: 12, across: 2, down: 1 },
  I444P12: { bits: 12, across: 1, down: 1 },
};

/** A quarter turn clockwise at a time, then mirrored from left to right. */
export interface Turn {
  readonly rotation: 0 | 90 | 180 | 270;
  readonly flip: boolean;
}

export interface Planes {
  /** By WebCodecs' name. */
  readonly format: string;
  readonly width: number;
  readonly height: number;
  readonly bytes: Uint8Array;
  /** In bytes. */
  readonly layout: readonly { readonly offset: number; readonly stride: number }[];
}

/**
 * Writes [height, width, 4] as it is shown. A sample of colour counts for all pixels that share it, as FFmpeg's plain conversion has it.
 * Throws where the format or the colours are none that are known.
 */
export function writeRgba(
  { format: name, width, height, bytes, layout }: Planes,
  colours: Colours,
  turn: Turn,
  to: Uint8ClampedArray,
): void {
  const format = formats[name];
  if (format === undefined) throw new Error(`its pixels are ${name}, which is not read`);
  const { bits, across, down, paired } = format;
  const { red, blue, full } = weighed(colours, width, height);
  const unit = 2 ** (bits - 8);
  const black = full ? 0 : 16 * unit;
  const most = 2 ** bits - 1;
  const light = 255 / (full ? most : 219 * unit);
  const colour = 255 / (full ? most : 224 * unit);
  const [toRed, toBlue] = [2 * (1 - red) * colour, 2 * (1 - blue) * colour];
  const green = 1 - red - blue;
  const [greenOfRed, greenOfBlue] = [(red * toRed) / green, (blue * toBlue) / green];
  const samples = bits === 8 ? bytes : new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >> 1);
  const size = bits === 8 ? 1 : 2;
  const plane = (i: number) => ({ start: (layout[i]?.offset ?? 0) / size, stride: (layout[i]?.stride ?? 0) / size });
  const [y, u] = [plane(0), plane(1)];
  const v = paired ? { start: u.start + 1, stride: u.stride } : plane(2);
  const step = paired ? 2 : 1;
  const { start, right, below } = places(width, height, turn);
  for (let row = 0; row < height; row++) {
    const lights = y.start + row * y.stride;
    const under = (row / down) | 0;
    const [us, vs] = [u.start + under * u.stride, v.start + under * v.stride];
    let put = start + row * below;
    for (let column = 0; column < width; column++, put += right) {
      const at = ((column / across) | 0) * step;
      const bright = ((samples[lights + column] ?? 0) - black) * light;
      const b = (samples[us + at] ?? 0) - 128 * unit;
      const r = (samples[vs + at] ?? 0) - 128 * unit;
      to[put] = bright + toRed * r;
      to[put + 1] = bright - greenOfRed * r - greenOfBlue * b;
      to[put + 2] = bright + toBlue * b;
      to[put + 3] = 255;
    }
  }
}

/** Throws where the colours are none that are known. */
export function requireKnown(colours: Colours): void {
  weighed(colours, 1, 1);
}

/** Films that do not say which matrix they have are BT.709 from the size of HD on and BT.601 below, as players take them. */
function weighed({ matrix, transfer, fullRange }: Colours, width: number, height: number) {
  if (transfer === "pq" || transfer === "hlg") throw new Error(`it has a high dynamic range (${transfer}), which is not read`);
  // Red, green and blue themselves come here as if they were luma and chroma: \`rgb\` is no matrix that is known.
  const known = matrix ?? (width >= 1280 || height > 576 ? "bt709" : "smpte170m");
  const found = shares[known];
  if (found === undefined) throw new Error(`its colours are ${known}, which is not read`);
  return { red: found[0], blue: found[1], full: fullRange === true };
}

/** Where the first pixel goes, and how far apart neighbours are then, in bytes. */
function places(width: number, height: number, { rotation, flip }: Turn) {
  const shownWidth = rotation % 180 === 0 ? width : height;
  const at = (x: number, y: number) => {
    const [column, row] = { 0: [x, y], 90: [height - 1 - y, x], 180: [width - 1 - x, height - 1 - y], 270: [y, width - 1 - x] }[
      rotation
    ] as [number, number];
    return 4 * (row * shownWidth + (flip ? shownWidth - 1 - column : column));
  };
  const start = at(0, 0);
  return { start, right: at(1, 0) - start, below: at(0, 1) - start };
}

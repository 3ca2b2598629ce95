/** Where an element lies, as symbols: coordinates on the axes of one value to coordinates on those of another, and to an address. */

/**
 * (base / divisor) mod size, where base runs from 0 to total - 1: a digit of the variable `base` in mixed radix.
 * `quarter` is the text of base / 4 where base is the first of four neighbours that a thread computes together.
 */
export interface Digit {
  readonly base: string;
  readonly total: number;
  readonly divisor: number;
  readonly size: number;
  readonly quarter?: string;
  /** Differs between the four neighbours in no way that a stride tells: the part of `base` that is one more for each. */
  readonly scattered?: string;
}

/** A place on one axis: digits, the most significant first, whose sizes multiply to the axis's. None is 0. */
export type Coordinate = readonly Digit[];

export function variable(base: string, size: number, quarter?: string): Coordinate {
  if (size === 1) return [];
  return [{ base, total: size, divisor: 1, size, ...(quarter === undefined ? {} : { quarter }) }];
}

/** The place in an operand whose axes of size 1 stretch. */
export function stretched(at: readonly Coordinate[], shape: readonly number[]): readonly Coordinate[] {
  return at.map((coordinate, axis) => (shape[axis] === 1 ? [] : coordinate));
}

/** Coordinates that stand for any place: p0, p1, … */
export function probes(shape: readonly number[]): readonly Coordinate[] {
  return shape.map((size, axis) => variable(`p${axis}`, size));
}

/** How a digit differs between the four neighbours: not at all, by one each, or otherwise. */
export function across(digit: Digit): "same" | "next" | "scattered" {
  if (digit.scattered !== undefined) return "scattered";
  if (digit.quarter === undefined || digit.divisor % 4 === 0) return "same";
  return digit.divisor === 1 && digit.size % 4 === 0 ? "next" : "scattered";
}

function enclosed(text: string): string {
  return /^\w+$/.test(text) ? text : `(${text})`;
}

function textOf(base: string, digit: Digit, size: number): string {
  if (base === "0u") return base;
  const divided = digit.divisor === 1 ? base : `(${base} / ${digit.divisor}u)`;
  return digit.divisor * size === digit.total ? divided : `(${divided} % ${size}u)`;
}

/** The coordinate as one number. */
export function scalar(coordinate: Coordinate): string {
  return address(coordinate.length === 0 ? [] : [coordinate], [1]).text;
}

/** The elements of one value seen in another shape of as many elements, both row-major. */
export function regroup(coordinates: readonly Coordinate[], shape: readonly number[]): readonly Coordinate[] {
  const digits = coordinates.flat();
  let next = 0;
  let rest: Digit | undefined;
  const made: Coordinate[] = [];
  for (const size of shape) {
    const axis: Digit[] = [];
    let missing = size;
    while (missing > 1) {
      const digit: Digit | undefined = rest ?? digits[next++];
      rest = undefined;
      if (digit === undefined) throw new Error("coordinates: a shape with more elements than its source");
      if (missing % digit.size === 0) {
        axis.push(digit);
        missing /= digit.size;
      } else if (digit.size % missing === 0) {
        const inner = digit.size / missing;
        axis.push({ ...digit, divisor: digit.divisor * inner, size: missing });
        rest = { ...digit, size: inner };
        missing = 1;
      } else return flattened(coordinates, shape);
    }
    made.push(axis);
  }
  return made;
}

/** Where the digits do not line up with the new shape: its axes as digits of the flat index. */
function flattened(coordinates: readonly Coordinate[], shape: readonly number[]): readonly Coordinate[] {
  const digits = coordinates.flat();
  const total = shape.reduce((product, size) => product * size, 1);
  const base = `(${scalar(digits)})`;
  const scattered = counterOf(digits);
  let divisor = total;
  return shape.map((size) => {
    divisor /= size;
    if (size === 1) return [];
    return [{ base, total, divisor, size, ...scattered }];
  });
}

/** What counts the four neighbours in a number that is made of these digits. */
function counterOf(digits: readonly Digit[]): { readonly scattered?: string } {
  const moving = digits.find((digit) => across(digit) !== "same");
  return moving === undefined ? {} : { scattered: moving.scattered ?? moving.base };
}

/** `(coordinate + offset) / over` on an axis of the given size. */
export function moved(coordinate: Coordinate, size: number, offset: number, over = 1): Coordinate {
  if (size === 1) return [];
  // Digits stand for the whole axis: those of a part of it are one digit of the whole.
  const part = coordinate.reduce((product, digit) => product * digit.size, 1);
  if (offset === 0 && over === 1 && part === size) return coordinate;
  const shifted = (text: string, by: number) => (by === 0 ? enclosed(text) : `(${text} ${by < 0 ? "-" : "+"} ${Math.abs(by)}u)`);
  const shape = coordinate.map(across);
  const base = shifted(scalar(coordinate), offset);
  const text = over === 1 ? base : `(${base} / ${over}u)`;
  const [only] = coordinate;
  if (coordinate.length === 1 && only?.quarter !== undefined && shape[0] === "next" && over === 1 && offset % 4 === 0) {
    const quarter = shifted(textOf(only.quarter, { ...only, total: only.total / 4 }, only.size / 4), offset / 4);
    return [{ base: text, total: size, divisor: 1, size, quarter }];
  }
  return [{ base: text, total: size, divisor: 1, size, ...counterOf(coordinate) }];
}

/** The coordinates of one of the four neighbours alone, counted from 0. */
export function neighbour(coordinates: readonly Coordinate[], lane: number): readonly Coordinate[] {
  const next = (base: string) => (lane === 0 ? base : `(${base} + ${lane}u)`);
  return coordinates.map((coordinate) =>
    coordinate.map(({ base, total, divisor, size, quarter, scattered }) => {
      const text = quarter !== undefined ? next(base) : scattered === undefined ? base : replaced(base, scattered, next(scattered));
      return { base: text, total, divisor, size };
    }),
  );
}

/** Every occurrence of a name, or of an expression in its parentheses. */
function replaced(text: string, part: string, by: string): string {
  const pattern = /^\w+$/.test(part) ? new RegExp(`\\b${part}\\b`, "g") : part;
  return text.replaceAll(pattern, by);
}

interface Term {
  readonly digit: Digit;
  readonly stride: number;
}

/** Σ coordinate · stride + offset. Digits that were cut from one variable and lie together again become one. */
export function address(coordinates: readonly Coordinate[], strides: readonly number[], offset = 0): Address {
  return new Address(merge(termsOf(coordinates, strides)), offset);
}

/** A place in memory. Of its two texts only one is asked for as a rule, so each is written when it is. */
export class Address {
  /** How much the address grows from neighbour to neighbour; undefined where that is no one number. */
  readonly step: number | undefined;
  private readonly terms: readonly Term[];
  private readonly offset: number;
  /** The term that counts the neighbours, where they lie together and aligned. */
  private readonly lane: Term | undefined;

  constructor(terms: readonly Term[], offset: number) {
    const moving = terms.filter(({ digit }) => across(digit) !== "same");
    const [only] = moving;
    const next = moving.length === 1 && only !== undefined && across(only.digit) === "next";
    this.terms = terms;
    this.offset = offset;
    this.step = moving.length === 0 ? 0 : next ? only.stride : undefined;
    const aligned = this.step === 1 && offset % 4 === 0 && terms.every((term) => term === only || term.stride % 4 === 0);
    this.lane = aligned ? only : undefined;
  }

  get text(): string {
    return sum(this.terms.map(textOfTerm), this.offset);
  }

  /** The address in units of four elements, where the four neighbours lie together and aligned. */
  get quarter(): string | undefined {
    const { lane } = this;
    if (lane === undefined) return undefined;
    const { digit } = lane;
    const still = this.terms.flatMap((term) => (term === lane ? [] : [textOfTerm({ ...term, stride: term.stride / 4 })]));
    const last = textOf(digit.quarter ?? "", { ...digit, total: digit.total / 4 }, digit.size / 4);
    return sum([...still, last], this.offset / 4);
  }

  /** How many neighbours lie together, where `quarter` is given. */
  get reach(): number | undefined {
    return this.lane?.digit.size;
  }
}

function termsOf(coordinates: readonly Coordinate[], strides: readonly number[]): readonly Term[] {
  const terms: Term[] = [];
  for (const [axis, coordinate] of coordinates.entries()) {
    const innermost = strides[axis] ?? 0;
    if (innermost === 0) continue;
    let stride = coordinate.reduce((product, { size }) => product * size, innermost);
    for (const digit of coordinate) {
      stride /= digit.size;
      terms.push({ digit, stride });
    }
  }
  return terms;
}

function textOfTerm({ digit, stride }: Term): string {
  return times(textOf(digit.base, digit, digit.size), stride);
}

function merge(terms: readonly Term[]): readonly Term[] {
  if (terms.length < 2) return terms;
  const sorted = [...terms].sort((a, b) => b.stride - a.stride);
  for (let i = 0; i < sorted.length; i++) {
    for (let j = 0; j < sorted.length; j++) {
      const [outer, inner] = [sorted[i], sorted[j]];
      if (outer === undefined || inner === undefined || i === j) continue;
      const [a, b] = [outer.digit, inner.digit];
      const cutFromOne = a.base === b.base && a.total === b.total && a.divisor === b.divisor * b.size;
      if (!cutFromOne || outer.stride !== inner.stride * b.size) continue;
      const whole = { digit: { ...b, size: a.size * b.size }, stride: inner.stride };
      return merge([...sorted.filter((term) => term !== outer && term !== inner), whole]);
    }
  }
  return sorted;
}

function times(text: string, factor: number): string {
  return factor === 1 || text === "0u" ? text : `${text} * ${factor}u`;
}

function sum(parts: readonly string[], offset: number): string {
  const all = offset === 0 ? parts : [...parts, `${offset}u`];
  const some = all.filter((part) => part !== "0u");
  return some.length === 0 ? "0u" : some.join(" + ");
}

/** Row-major strides, the last axis's 1. */
export function rowMajor(shape: readonly number[]): readonly number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let axis = shape.length - 2; axis >= 0; axis--) strides[axis] = (strides[axis + 1] ?? 1) * (shape[axis + 1] ?? 1);
  return strides;
}

/** An axis of a value while blocks are expanded: its size, and what the source calls it. */

import { Form, SizeName } from "./size-form.ts";

/** One factor of an axis. */
export interface Factor {
  readonly form: Form;
  readonly size: number;
}

/**
 * The factors multiply to `size`, the slowest first: their order is that of the elements, so B * F is not F * B.
 * An axis that the source gives no name has its size for its one factor. What is asked for is worked out once: most axes are asked often.
 */
export class Axis {
  readonly size: number;
  private readonly given: readonly Factor[] | undefined;
  private product: Form | undefined;
  private shown: string | undefined;
  private unnamed: boolean | undefined;
  private told: string | undefined;
  private wholly: string | undefined;
  private made: Map<string, Map<Axis, Axis | undefined>> | undefined;

  constructor(size: number, factors?: readonly Factor[]) {
    this.size = size;
    this.given = factors;
  }

  get factors(): readonly Factor[] {
    return this.given ?? [{ form: Form.number(this.size), size: this.size }];
  }

  /** The product of the factors. */
  get form(): Form {
    this.product ??= this.factors.map(({ form }) => form).reduce((one, two) => one.times(two), Form.number(1));
    return this.product;
  }

  /** In one form, whatever the arithmetic was: `H / 8`, `B * F`, `C * 4`; plain axes by their size. */
  get name(): string {
    this.shown ??= this.given === undefined ? String(this.size) : this.named(this.given);
    return this.shown;
  }

  /** Whether only its size is known. */
  get plain(): boolean {
    this.unnamed ??=
      this.given === undefined ||
      this.given.every(({ form }) => form.number !== undefined) ||
      (cancels(this.given) && this.form.number !== undefined);
    return this.unnamed;
  }

  /** All that tells it from other axes: those of one key are one. */
  get key(): string {
    this.told ??= this.plain ? String(this.size) : `${this.name}=${this.size}`;
    return this.told;
  }

  /** The key, and what the consts in it were defined as: all that its name can make a difference by. */
  get wholeKey(): string {
    this.wholly ??= this.plain ? this.key : `${this.key}=${this.form.root.text}`;
    return this.wholly;
  }

  /** What `operation` makes of this and another axis, which nothing but the two decides: made once. */
  with<A extends Axis | undefined>(operation: string, other: Axis, make: () => A): A {
    this.made ??= new Map();
    let made = this.made.get(operation);
    if (made === undefined) {
      made = new Map();
      this.made.set(operation, made);
    }
    if (!made.has(other)) {
      countOne();
      made.set(other, make());
    }
    return made.get(other) as A;
  }

  private named(factors: readonly Factor[]): string {
    const [only, ...more] = factors;
    if (only !== undefined && more.length === 0) return only.form.text;
    if (cancels(factors) && factors.reduce((sum, { form }) => sum + form.degree, 0) > this.form.degree) return this.form.text;
    return inOrder(factors);
  }
}

/** The same few axes are asked for again and again: they are kept, with all that has been worked out of them, until there are too many. */
const plainAxes = new Map<number, Axis>();
const namedAxes = new Map<string, Axis>();
const mostKept = 20_000;
let count = 0;

function countOne(): void {
  count++;
  if (count < mostKept) return;
  count = 0;
  plainAxes.clear();
  namedAxes.clear();
}

function kept<K>(axes: Map<K, Axis>, key: K, make: () => Axis): Axis {
  const known = axes.get(key);
  if (known !== undefined) return known;
  countOne();
  const made = make();
  axes.set(key, made);
  return made;
}

export function namedAxis(name: string, size: number, is?: Axis): Axis {
  const make = () => new Axis(size, [{ form: Form.named(new SizeName(name, size, is)), size }]);
  return is === undefined ? kept(namedAxes, `${size} ${name}`, make) : is.with(`is ${name}`, is, make);
}

/** An axis that only its size is known of. */
export function plainAxis(size: number): Axis {
  return kept(plainAxes, size, () => new Axis(size));
}
/** An axis of that size and name; plain where the name is none. */
export function axisOfForm(form: Form, size: number): Axis {
  const factors = [{ form, size }];
  return form.number !== undefined || isUnread(factors) ? plainAxis(size) : new Axis(size, factors);
}

/** Whether a name is one that no one would read. */
export function isUnread(factors: readonly Factor[]): boolean {
  return factors.reduce((length, { form }) => length + form.text.length, 0) > 200;
}

/** Whether something divides that may divide another factor. */
function cancels(factors: readonly Factor[]): boolean {
  return factors.every(({ form }) => form.terms.length === 1) && factors.some(({ form }) => form.divides);
}

/** The names in the order of the factors, then all numbers as one. */
function inOrder(factors: readonly Factor[]): string {
  let numbers = Form.number(1);
  const names: string[] = [];
  for (const { form } of factors) {
    const { number, rest } = form.split;
    numbers = numbers.times(number);
    if (rest.number === undefined) names.push(rest.textWithin);
  }
  return numbers.after(names.join(" * "));
}

/** `[B, F, 320, H, W]`, with names where there are any. */
export function showAxes(axes: readonly Axis[]): string {
  return `[${axes.map((axis) => axis.name).join(", ")}]`;
}

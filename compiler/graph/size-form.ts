/** Arithmetic on the sizes of axes, by name: each size as a sum of products of names, the one form in which sizes are compared and shown. */

import type { Axis } from "./axis.ts";

/** A name of the source that stands for a size: a dim, a parameter, a const. */
export class SizeName {
  readonly name: string;
  readonly size: number;
  /** What a const was defined as. */
  readonly is: Axis | undefined;
  private known: string | undefined;

  constructor(name: string, size: number, is?: Axis) {
    this.name = name;
    this.size = size;
    this.is = is;
  }

  /** Names of different sizes are different, as those of a const are from round to round. */
  get key(): string {
    this.known ??= `${this.name}=${this.size}${this.is === undefined ? "" : `=${this.is.form.root.text}`}`;
    return this.known;
  }
}

interface Power {
  readonly of: SizeName;
  readonly power: number;
}

/** `over / under` times the powers, which are sorted by their names' keys; none is 0. */
interface Term {
  readonly over: number;
  readonly under: number;
  readonly powers: readonly Power[];
}

/** Terms differ in their powers; a number has one without powers, 0 has none. */
export class Form {
  readonly terms: readonly Term[];
  private shown: string | undefined;
  private expanded: Form | undefined;

  private constructor(terms: readonly Term[]) {
    this.terms = terms;
  }

  static number(value: number): Form {
    return new Form(value === 0 ? [] : [{ over: value, under: 1, powers: [] }]);
  }

  static named(name: SizeName): Form {
    return new Form([{ over: 1, under: 1, powers: [{ of: name, power: 1 }] }]);
  }

  /** `H / 2`, `F * 2 - 1`, `C / heads`: the same for all ways to write it. */
  get text(): string {
    this.shown ??= textOf(this.terms);
    return this.shown;
  }

  /** As it reads within a product. */
  get textWithin(): string {
    const [power, ...more] = this.terms[0]?.powers ?? [];
    const alone = this.terms.length === 1 && more.length === 0 && power?.power === 1;
    return this.terms.length > 1 || (alone && this.text.includes(" ")) ? `(${this.text})` : this.text;
  }

  /** With each const as what it was defined as. */
  get root(): Form {
    this.expanded ??= this.substitute((name) => name.is?.form.root);
    return this.expanded;
  }

  /** The number that it is whatever its names are; undefined where it has any. */
  get number(): number | undefined {
    const [term] = this.terms;
    if (term === undefined) return 0;
    return this.terms.length === 1 && term.powers.length === 0 ? term.over / term.under : undefined;
  }

  get names(): readonly SizeName[] {
    return this.terms.flatMap((term) => term.powers.map(({ of }) => of));
  }

  /** How many names it multiplies and divides by, in all its terms. */
  get degree(): number {
    return this.terms.reduce((sum, term) => sum + term.powers.reduce((all, { power }) => all + Math.abs(power), 0), 0);
  }

  get divides(): boolean {
    return this.terms.some((term) => term.under !== 1 || term.powers.some(({ power }) => power < 0));
  }

  /** A product as its number and the names alone; a sum has the number 1. */
  get split(): { readonly number: Form; readonly rest: Form } {
    const [term, ...more] = this.terms;
    if (term === undefined || more.length > 0) return { number: Form.number(1), rest: this };
    return { number: new Form([{ ...term, powers: [] }]), rest: new Form([{ over: 1, under: 1, powers: term.powers }]) };
  }

  /** A number as it reads behind names that it multiplies: `C * 4`, `H / 2`. */
  after(names: string): string {
    const [term] = this.terms;
    if (term === undefined || names === "") return this.text;
    return `${names}${term.over === 1 ? "" : ` * ${term.over}`}${term.under === 1 ? "" : ` / ${term.under}`}`;
  }

  plus(other: Form, sign: 1 | -1 = 1): Form {
    return new Form(collected([...this.terms, ...other.terms.map((term) => ({ ...term, over: sign * term.over }))]));
  }

  times(other: Form): Form {
    return new Form(collected(this.terms.flatMap((one) => other.terms.map((two) => product(one, two)))));
  }

  /** Undefined by a sum of which this is no multiple. */
  dividedBy(other: Form): Form | undefined {
    const [divisor, ...more] = other.terms;
    if (divisor === undefined) return undefined;
    const inverse: Term = {
      over: divisor.under,
      under: divisor.over,
      powers: divisor.powers.map(({ of, power }) => ({ of, power: -power })),
    };
    if (more.length === 0) return this.times(new Form([inverse]));
    const [first] = this.terms;
    const ratio = first === undefined ? Form.number(0) : new Form([product(first, inverse)]);
    return ratio.times(other).text === this.text ? ratio : undefined;
  }

  /** With other forms in the place of names; names without one stay. */
  substitute(formOfName: (name: SizeName) => Form | undefined): Form {
    if (!this.names.some((name) => formOfName(name) !== undefined)) return this;
    let sum = Form.number(0);
    for (const { over, under, powers } of this.terms) {
      let term = new Form([{ over, under, powers: [] }]);
      for (const { of, power } of powers) {
        const one = formOfName(of) ?? Form.named(of);
        for (let i = 0; i < Math.abs(power); i++) {
          const next = power > 0 ? term.times(one) : term.dividedBy(one);
          term = next ?? term.times(new Form([{ over: 1, under: 1, powers: [{ of, power: -1 }] }]));
        }
      }
      sum = sum.plus(term);
    }
    return sum;
  }
}

function product(one: Term, two: Term): Term {
  const powers = new Map(one.powers.map((power) => [power.of.key, power]));
  for (const { of, power } of two.powers) powers.set(of.key, { of, power: (powers.get(of.key)?.power ?? 0) + power });
  const kept = [...powers.values()].filter(({ power }) => power !== 0);
  return reduced(one.over * two.over, one.under * two.under, kept.sort(byKey));
}

function byKey(one: Power, two: Power): number {
  return one.of.key < two.of.key ? -1 : 1;
}

function reduced(over: number, under: number, powers: readonly Power[]): Term {
  const by = greatestDivisor(Math.abs(over), Math.abs(under)) * Math.sign(under);
  return { over: over / by, under: under / by, powers };
}

function greatestDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestDivisor(b, a % b);
}

/** One term for all with the same powers, in the order of their powers with numbers last; none of 0. */
function collected(terms: readonly Term[]): Term[] {
  if (terms.length === 1 && terms[0]?.over !== 0) return [...terms];
  const byPowers = new Map<string, Term>();
  for (const term of terms) {
    const key = term.powers.map(({ of, power }) => `${of.key}^${power}`).join();
    const before = byPowers.get(key);
    const over = before === undefined ? term.over : before.over * term.under + term.over * before.under;
    byPowers.set(key, reduced(over, before === undefined ? term.under : before.under * term.under, term.powers));
  }
  const sorted = [...byPowers].filter(([, { over }]) => over !== 0).sort(([a], [b]) => (b === "" || (a !== "" && a < b) ? -1 : 1));
  return sorted.map(([, term]) => term);
}

function textOf(terms: readonly Term[]): string {
  if (terms.length === 0) return "0";
  return terms.map((term, i) => `${i === 0 ? (term.over < 0 ? "-" : "") : term.over < 0 ? " - " : " + "}${termText(term)}`).join("");
}

/** Without its sign. */
function termText({ over, under, powers }: Term): string {
  const written = (sign: 1 | -1) =>
    powers.flatMap(({ of, power }) => (power * sign > 0 ? new Array<string>(Math.abs(power)).fill(of.name) : []));
  const [times, by] = [written(1), written(-1)];
  if (Math.abs(over) !== 1 || times.length === 0) times.push(String(Math.abs(over)));
  if (under !== 1) by.push(String(under));
  // Names that stand for arithmetic that has no form of its own: `2 ** depth`.
  const among = (names: readonly string[]) => names.map((name) => (name.includes(" ") ? `(${name})` : name)).join(" * ");
  if (by.length === 0) return times.length === 1 ? times.join() : among(times);
  return `${among(times)} / ${by.length > 1 ? `(${among(by)})` : among(by)}`;
}

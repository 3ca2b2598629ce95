/** An axis of a value while blocks are expanded: its size, and what the source calls it. */

import { Form, formOf, SizeName } from "./size-form.ts";

/** One factor of an axis. */
export interface Factor {
  readonly form: Form;
  readonly size: number;
}

/**
 * `factors` multiply to `size`, the slowest first: their order is that of the elements, so B * F is not F * B.
 * An axis that the source gives no name has its size for its one factor; an axis of one element may have none.
 */
export interface Axis {
  readonly size: number;
  readonly factors: readonly Factor[];
}

export function namedAxis(name: string, size: number, is?: Axis): Axis {
  return { size, factors: [{ form: Form.named(new SizeName(name, size, is)), size }] };
}

/** An axis that only its size is known of. */
export function plainAxis(size: number): Axis {
  return { size, factors: [{ form: Form.number(size), size }] };
}

/** An axis of that size and name; plain where the name is none. */
export function axisOfForm(form: Form, size: number): Axis {
  const factors = [{ form, size }];
  return isUnread(factors) ? plainAxis(size) : { size, factors };
}

/** Whether a name is one that no one would read. */
export function isUnread(factors: readonly Factor[]): boolean {
  return factors.reduce((length, { form }) => length + form.text.length, 0) > 200;
}

/** Whether only its size is known. */
export function isPlain(axis: Axis): boolean {
  return axis.factors.every((factor) => factor.form.names.length === 0) || formOf(axis).number !== undefined;
}

/** In one form, whatever the arithmetic was: `H / 8`, `B * F`, `C * 4`; plain axes by their size. Axes of one name and size are one. */
export function axisName(axis: Axis): string {
  const [only, ...more] = axis.factors;
  if (more.length === 0) return only?.form.text ?? "1";
  const whole = formOf(axis);
  const powers = (form: Form) =>
    form.terms.reduce((sum, term) => sum + term.powers.reduce((all, { power }) => all + Math.abs(power), 0), 0);
  const single = axis.factors.every((factor) => factor.form.terms.length === 1);
  if (single && axis.factors.reduce((sum, factor) => sum + powers(factor.form), 0) > powers(whole)) return whole.text;
  return inOrder(axis.factors);
}

/** The names in the order of the factors, then all numbers as one. */
function inOrder(factors: readonly Factor[]): string {
  let numbers = Form.number(1);
  const names: string[] = [];
  for (const { form } of factors) {
    const [term, ...more] = form.terms;
    if (term === undefined || more.length > 0) names.push(`(${form.text})`);
    else {
      const number = Form.number(term.over).dividedBy(Form.number(term.under)) ?? Form.number(1);
      numbers = numbers.times(number);
      if (term.powers.length > 0) names.push(form.dividedBy(number)?.text ?? form.text);
    }
  }
  const [number] = numbers.terms;
  if (number === undefined || names.length === 0) return numbers.text;
  return `${names.join(" * ")}${number.over === 1 ? "" : ` * ${number.over}`}${number.under === 1 ? "" : ` / ${number.under}`}`;
}

export function sameName(one: Axis, other: Axis): boolean {
  return one === other || (one.size === other.size && axisName(one) === axisName(other));
}

/** `[B, F, 320, H, W]`, with names where there are any. */
export function showAxes(axes: readonly Axis[]): string {
  return `[${axes.map(axisName).join(", ")}]`;
}

/** The forms of rule that figures are held to: each with what must be, in words. */

export interface Rule {
  readonly holds: (value: unknown) => boolean;
  readonly expected: string;
}

export const isNumber = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value);

export const oneOf = (words: readonly string[]): Rule => ({
  holds: (value) => words.some((word) => word === value),
  expected: `one of ${words.map((word) => JSON.stringify(word)).join(", ")}`,
});
export const whole = (least: number, most: number): Rule => ({
  holds: (value) => Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most,
  expected: `a whole number from ${least} to ${most}`,
});
export const finite: Rule = { holds: isNumber, expected: "a finite number" };
export const positive: Rule = { holds: (value) => isNumber(value) && value > 0, expected: "a number above 0" };
export const upToOne: Rule = { holds: (value) => isNumber(value) && value >= 0 && value <= 1, expected: "a number from 0 to 1" };
export const yesOrNo: Rule = { holds: (value) => typeof value === "boolean", expected: "true or false" };
export const orNull = (rule: Rule): Rule => ({ ...rule, holds: (value) => value === null || rule.holds(value) });

/** An op's attributes to values of the kind that its signature promises; another kind is a bug of the stage that made the op. */

import type { Attributes } from "../graph/graph.ts";

export function intOf(attributes: Attributes, name: string): number {
  const value = attributes[name];
  if (typeof value !== "number" || !Number.isInteger(value)) throw new Error(`op table: attribute ${name} is not an int`);
  return value;
}

export function floatOf(attributes: Attributes, name: string): number {
  const value = attributes[name];
  if (typeof value !== "number") throw new Error(`op table: attribute ${name} is not a number`);
  return value;
}

export function boolOf(attributes: Attributes, name: string): boolean {
  const value = attributes[name];
  if (typeof value !== "boolean") throw new Error(`op table: attribute ${name} is not a bool`);
  return value;
}

export function textOf(attributes: Attributes, name: string): string {
  const value = attributes[name];
  if (typeof value !== "string") throw new Error(`op table: attribute ${name} is not text`);
  return value;
}

export function intsOf(attributes: Attributes, name: string): readonly number[] {
  const value = attributes[name];
  if (typeof value !== "object") throw new Error(`op table: attribute ${name} is not a list of ints`);
  return value;
}

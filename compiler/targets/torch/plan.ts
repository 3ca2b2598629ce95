/** What callers must know of a block to call it: its Python name, and which of its dims and parameters are given when. */

import type { CodeBlock, CodeParameter } from "../../module/code.ts";

export interface BlockPlan {
  readonly name: string;
  readonly block: CodeBlock;
  /** Of a class: dims and parameters that its constructor takes. */
  readonly made: readonly string[];
  /** Known parameters that a call takes: all that a function reads, and of a class those that follow from the shapes of what it is given. */
  readonly called: readonly string[];
  /** Functions that make tensors of nothing take one for its device and precision. */
  readonly takesLike: boolean;
  /** The parameter that comes back unchanged, where the block does nothing. */
  readonly returns: string | undefined;
}

/** A key of a name, as lines say what they read. */
export const dimKey = (name: string): string => `dim:${name}`;
export const parameterKey = (name: string): string => `parameter:${name}`;
export const globalKey = (name: string): string => `global:${name}`;
export const localKey = (name: string): string => `local:${name}`;
export const indexKey = (loop: number): string => `index:${loop}`;
export const moduleKey = (name: string): string => `module:${name}`;
export const likeKey = "like";

/** Flags, words and what may be left out are given by their names; all else by its place. */
export function isPositional(parameter: CodeParameter | undefined): boolean {
  return parameter === undefined || (parameter.value === undefined && parameter.type !== "bool" && parameter.type !== "string");
}

/** The dims and parameters among what is read, in the order of the signature: dims, then parameters, those with a default last. */
export function namesRead(block: CodeBlock, uses: ReadonlySet<string>): string[] {
  const dims = block.dims.filter((name) => uses.has(dimKey(name)));
  const read = block.parameters.filter(({ name, tensor }) => tensor === undefined && uses.has(parameterKey(name)));
  const places = read.filter(isPositional);
  const named = read.filter((one) => !isPositional(one)).sort((a, b) => Number(a.value !== undefined) - Number(b.value !== undefined));
  return [...dims, ...[...places, ...named].map(({ name }) => name)];
}

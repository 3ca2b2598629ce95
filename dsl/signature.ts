/** What the language must know of an op to check a call of it: names, kinds and defaults; the compiler's op table supplies the rows. */

/** The kind of an attribute's value, all known at compile time. */
export type AttributeKind =
  | "int"
  | "float"
  | "bool"
  | "ints"
  | "numbers"
  | { readonly oneOf: readonly string[] }
  /** An int or one of these words, once for all axes that the op goes along, or in a list of one an axis. */
  | { readonly perAxis: readonly string[] };

export type AttributeValue = number | boolean | string | readonly (number | string)[];

export interface AttributeSignature {
  readonly name: string;
  readonly kind: AttributeKind;
  /** No default: the call must give it. */
  readonly default?: AttributeValue;
  /** The op owns weights only where this is true. */
  readonly asksForWeights?: true;
  /** What it does, where its name and the op's doc do not say. */
  readonly doc?: string;
}

export interface InputSignature {
  readonly name: string;
  /** One argument that holds a list of tensors. */
  readonly list?: true;
  /** May be left out, and is given by name alone. Such inputs come last, and their op owns no weights: what follows the inputs tells by its number what is there. */
  readonly optional?: true;
}

export interface OpSignature {
  readonly name: string;
  /** Tensor inputs in order, the first of which a pipe fills. */
  readonly inputs: readonly InputSignature[];
  /** May be given by position after the inputs, or by name. */
  readonly attributes: readonly AttributeSignature[];
  /** Whether a call must be labelled, as it owns weights; not where an attribute that asks for them is written `false`. */
  readonly ownsWeights: boolean;
  /** One sentence for help and hover, with shapes. */
  readonly doc: string;
}

/** What ops call the weights that they own. */
export const opWeights = ["weight", "bias"] as const;

/** How many inputs a call may give in order, ahead of the attributes: an optional one goes by its name. */
export function countInOrder({ inputs }: OpSignature): number {
  return inputs.filter((input) => !input.optional).length;
}

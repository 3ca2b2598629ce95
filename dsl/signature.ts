/** What the language must know of an op to check a call of it: names, kinds and defaults; the compiler's op table supplies the rows. */

/** The kind of an attribute's value, all known at compile time. */
export type AttributeKind = "int" | "float" | "bool" | "ints" | "numbers" | { readonly oneOf: readonly string[] };

export type AttributeValue = number | boolean | string | readonly number[];

export interface AttributeSignature {
  readonly name: string;
  readonly kind: AttributeKind;
  /** No default: the call must give it. */
  readonly default?: AttributeValue;
  /** The op owns weights only where this is true. */
  readonly asksForWeights?: true;
}

export interface OpSignature {
  readonly name: string;
  /** Tensor inputs in order, the first of which a pipe fills; `list` is one argument that holds a list of tensors. */
  readonly inputs: readonly { readonly name: string; readonly list?: true }[];
  /** May be given by position after the inputs, or by name. */
  readonly attributes: readonly AttributeSignature[];
  /** Whether a call must be labelled, as it owns weights; not where an attribute that asks for them is written `false`. */
  readonly ownsWeights: boolean;
  /** One sentence for help and hover, with shapes. */
  readonly doc: string;
}

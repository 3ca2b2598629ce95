/** What a study knows of a variant without training it: what it costs, and what it is in the language's own terms. */

export interface SourceLine {
  readonly file: string;
  readonly line: number;
  readonly text: string;
}

/** Of one graph, or of one part of it. */
export interface Share {
  readonly parameters: number;
  readonly flops: number;
}

/** A graph whose nodes are not the baseline's. */
export interface GraphChange {
  readonly graph: string;
  readonly nodes: { readonly baseline: number; readonly variant: number };
  /** Ops of which there are more or fewer. */
  readonly ops: readonly { readonly op: string; readonly baseline: number; readonly variant: number }[];
  /** Nodes that stand where the baseline's do and are told something else: `causal` of so many `attend`, as JSON. */
  readonly told: readonly {
    readonly op: string;
    readonly attribute: string;
    readonly from: string;
    readonly to: string;
    readonly count: number;
  }[];
  /** Nodes that stand where the baseline's do and read other values: each as its op and weight path. */
  readonly rewired: readonly string[];
  /** The parts by weight path that cost something else. */
  readonly parts: readonly { readonly name: string; readonly baseline: Share | null; readonly variant: Share | null }[];
}

export interface Change {
  /** The ablation as it is written. */
  readonly declared: readonly SourceLine[];
  /** As texts of the source; `from` is null of what the model's own dims are. */
  readonly settings: readonly { readonly name: string; readonly from: string | null; readonly to: string }[];
  /** Where the source reads what is set. */
  readonly readBy: readonly SourceLine[];
  readonly graphs: readonly GraphChange[];
}

export interface Costs {
  /** Of all graphs that a clip takes. */
  readonly parameters: number;
  readonly clipFlops: number;
  /** Bytes of values that are alive at once at most, as a clip is made. */
  readonly clipBytes: number;
  /** Of a step of the stage that trains what clips are sampled by, at its batch; null where none does. */
  readonly stepFlops: number | null;
  readonly stepBytes: number | null;
}

export interface Variant {
  readonly name: string;
  /** What the source says of the ablation; null where it says nothing. */
  readonly doc: string | null;
  /** Null of the baseline. */
  readonly change: Change | null;
  readonly costs: Costs;
}

/** What the model is called that nothing was changed in. */
export const baselineName = "baseline";

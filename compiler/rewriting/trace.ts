/** The hook by which a tool hears of each stage of the compiler as it ends. */

import type { Graph } from "../graph/graph.ts";

export interface StageEnd {
  /** `expand`, the name of a pass, `plan` … */
  readonly stage: string;
  readonly graph: string;
  /** What the stage made, where that is a graph. */
  readonly made?: Graph;
}

export type Trace = (end: StageEnd) => void;

export const untraced: Trace = () => {};

/** The passes by name and order: each a pure function from graph to graph, verified after it has run (law 4). */

import type { Graph } from "../graph/graph.ts";
import { type Trace, untraced } from "../rewriting/trace.ts";
import { verify } from "../rewriting/verify.ts";
import { shareSubexpressions } from "./common-subexpressions.ts";
import { foldConstants } from "./constant-folding.ts";
import { removeDeadCode } from "./dead-code.ts";
import { gatherShifts } from "./gather-shifts.ts";
import { cancelLayout } from "./layout.ts";
import { lowerComposites } from "./lower.ts";
import { mergeAxes } from "./merge-axes.ts";
import { openGates } from "./open-gates.ts";
import { shareRepeats } from "./share-repeats.ts";
import { sinkReshapes } from "./sink-reshapes.ts";
import { turnTransposed } from "./turn-transposed.ts";

export interface Pass {
  readonly name: string;
  readonly run: (graph: Graph) => Graph;
}

/** What every target wants. */
export const passes: readonly Pass[] = [
  { name: "share-repeats", run: shareRepeats },
  { name: "fold-constants", run: foldConstants },
  { name: "cancel-layout", run: cancelLayout },
  { name: "share-subexpressions", run: shareSubexpressions },
  { name: "remove-dead-code", run: removeDeadCode },
];

/** What ONNX Runtime runs fastest; the device's kernels want composites whole, and have layout as index maps. */
export const onnxPasses: readonly Pass[] = [
  { name: "gather-shifts", run: gatherShifts },
  { name: "lower-composites", run: lowerComposites },
  { name: "cancel-layout", run: cancelLayout },
  { name: "merge-axes", run: mergeAxes },
  { name: "sink-reshapes", run: sinkReshapes },
  { name: "cancel-layout", run: cancelLayout },
  { name: "share-subexpressions", run: shareSubexpressions },
  { name: "remove-dead-code", run: removeDeadCode },
];

/** What ONNX Runtime wants of a loss before it is differentiated. */
export const lossPasses: readonly Pass[] = [
  { name: "open-gates", run: openGates },
  { name: "remove-dead-code", run: removeDeadCode },
];

/** What ONNX Runtime runs a training step fastest by. */
export const trainingPasses: readonly Pass[] = [{ name: "turn-transposed", run: turnTransposed }, ...onnxPasses];

/** The passes of a list in order, each verified after it has run. */
export function runPasses(graph: Graph, list: readonly Pass[] = passes, trace: Trace = untraced): Graph {
  return list.reduce((current, pass) => {
    const made = verify(pass.run(current), `pass ${pass.name}`);
    trace({ stage: pass.name, graph: graph.name, made });
    return made;
  }, graph);
}

/** A linear layer and the GEGLU that reads it to two linear layers and arithmetic, so that neither the step forward nor the one back puts halves together or takes them apart. */

import type { Graph, OpValueOf, ValueId } from "../graph/graph.ts";
import type { Lowering } from "../ops/op.ts";
import type { GraphBuilder } from "../rewriting/builder.ts";
import { countReaders, rewriteOps } from "../rewriting/rewrite.ts";

/** Of a loss, before it is differentiated: fourteen passes over the wide tensors instead of twenty. A graph that runs forward alone is left alone, where engines fuse the gate. */
export function openGates(graph: Graph): Graph {
  const readers = countReaders(graph);
  return rewriteOps(graph, (op, { builder, value }) => {
    const [id = -1] = op.inputs;
    const wide = op.op === "geglu" ? value(id) : undefined;
    return wide?.kind === "op" && wide.op === "linear" && readers.get(id) === 1 ? opened(wide, op.origin, builder) : undefined;
  });
}

/**
 * a · b Φ(b) with b Φ(b) = b / 2 · (1 + erf(b / √2)). Both layers' weights are multiplied by 1/√2, which for the weights is little work: of the two results s and a,
 * both smaller by that, a · s · (1 + erf(s)) is all that is left to do.
 */
function opened(wide: OpValueOf<"linear">, origin: OpValueOf<"geglu">["origin"], builder: GraphBuilder): ValueId {
  const make = builder.lowering(wide.origin);
  const [x = -1, ...weights] = wide.inputs;
  const out = wide.attributes.out / 2;
  const layer = (start: number) =>
    make.op(
      "linear",
      [x, ...weights.map((weight) => times(make, make.op("slice", [weight], { axis: 0, start, size: out }), Math.SQRT1_2))],
      {
        ...wide.attributes,
        out,
      },
    );
  const [value, gate] = [layer(0), layer(out)];
  const gated = builder.lowering(origin);
  const curve = gated.op("add", [gated.op("erf", [gate], {}), number(gated, gate, 1)], {});
  return gated.op("mul", [value, gated.op("mul", [gate, curve], {})], {});
}

function number(make: Lowering, like: ValueId, data: number): ValueId {
  const { dtype, shape } = make.typeOf(like);
  return make.constant({ dtype, shape: shape.map(() => 1) }, [data]);
}

function times(make: Lowering, x: ValueId, by: number): ValueId {
  return make.op("mul", [x, number(make, x, by)], {});
}

/** `attend`: multi-head attention, a composite of products and a softmax (Vaswani et al., 2017). */

import { type Axis, axisName, showAxes } from "../graph/axis.ts";
import type { OpAttributes } from "../graph/op-names.ts";
import type { AxisType, CompositeOp, ShapeProblem } from "./op.ts";
import { attention } from "./reference/attention.ts";
import { tensor } from "./reference/tensor.ts";
import { axisFromEnd, countAxes, inputAt, refuseBelow, refuseDtypes, refuseInts } from "./rules.ts";

const roles = ["query", "key", "value"] as const;
type Role = (typeof roles)[number];

function infer(inputs: readonly AxisType[], { heads }: OpAttributes["attend"]): AxisType | ShapeProblem {
  const [query, key, value] = [inputAt(inputs, 0), inputAt(inputs, 1), inputAt(inputs, 2)];
  const bias = inputs[3];
  for (const [input, type] of [query, key, value].entries()) {
    const refused = refuseInts("attend", type, input) ?? refuseDtypes("attend", query, type, input);
    if (refused !== undefined) return refused;
    if (type.axes.length !== 3) {
      const message = `\`attend\` takes its ${roles[input]} as [N, tokens, C], but the value has ${type.axes.length} axes: ${showAxes(type.axes)}`;
      return { code: "wrong-rank", message, at: { input } };
    }
  }
  return (
    differs(query, key, 3, "query", "key") ??
    differs(query, key, 1, "query", "key") ??
    differs(query, value, 3, "query", "value") ??
    differs(query, value, 1, "query", "value") ??
    differs(key, value, 2, "key", "value") ??
    refuseHeads(query, heads) ??
    (bias && refuseBias(bias, query, key, heads)) ??
    query
  );
}

function differs(a: AxisType, b: AxisType, fromEnd: number, left: Role, right: Role): ShapeProblem | undefined {
  const [one, other] = [axisFromEnd(a, fromEnd), axisFromEnd(b, fromEnd)];
  if (one.size === other.size) return undefined;
  const which = { 3: "first", 2: "second", 1: "last" }[fromEnd] ?? "";
  const message = `\`attend\` needs ${left} and ${right} with equal ${which} axes, but it is ${one.size} in ${showAxes(a.axes)} and ${other.size} in ${showAxes(b.axes)}`;
  return { code: "shape-mismatch", message, at: { input: roles.indexOf(right) } };
}

function refuseHeads(query: AxisType, heads: number): ShapeProblem | undefined {
  const channels = axisFromEnd(query, 1);
  const below = refuseBelow("attend", "heads", heads, 1);
  if (below !== undefined || channels.size % heads === 0) return below;
  const message = `\`attend\` splits ${channels.size} channels (axis ${axisName(channels)}) into ${heads} heads, which does not divide`;
  return { code: "not-divisible", message, at: { attribute: "heads" } };
}

/** One number for each query and key of each head; what is the same for all clips, heads or queries has an axis of 1 there. */
function refuseBias(bias: AxisType, query: AxisType, key: AxisType, heads: number): ShapeProblem | undefined {
  const refused = refuseInts("attend", bias, 3) ?? refuseDtypes("attend", query, bias, 3);
  if (refused !== undefined) return refused;
  if (bias.axes.length !== 4) {
    const message = `\`attend\` takes its bias as [N, heads, queries, keys], but the value has ${countAxes(bias)}`;
    return { code: "wrong-rank", message, at: { input: 3 } };
  }
  const [clips, queries, keys] = [axisFromEnd(query, 3), axisFromEnd(query, 2), axisFromEnd(key, 2)];
  const wanted: readonly (readonly [what: string, size: number])[] = [
    [`first axis ${clips.size} as the query has it, or 1`, clips.size],
    [`second axis ${heads}, its heads, or 1`, heads],
    [`third axis ${queries.size}, its queries, or 1`, queries.size],
    [`last axis ${keys.size}, its keys`, keys.size],
  ];
  const wrong = wanted.findIndex(([, size], i) => !fits(inputAt(bias.axes, i), size, i < 3));
  if (wrong < 0) return undefined;
  const message = `\`attend\` needs a bias with its ${wanted[wrong]?.[0]}, but it is ${bias.axes[wrong]?.size} in ${showAxes(bias.axes)}`;
  return { code: "shape-mismatch", message, at: { input: 3 } };
}

function fits(axis: Axis, size: number, stretches: boolean): boolean {
  return axis.size === size || (stretches && axis.size === 1);
}

export const attend: CompositeOp<"attend"> = {
  signature: {
    name: "attend",
    inputs: [...roles.map((name) => ({ name })), { name: "bias", optional: true }],
    attributes: [
      { name: "heads", kind: "int" },
      { name: "causal", kind: "bool", default: false },
    ],
    ownsWeights: false,
    doc: "Attention of the query [N, S, C] to the key and value [N, T, C] in `heads` parts of the channels; causal: token i sees 0 to i. A bias [N, heads, S, T], of whose first three axes each may be 1, is added to the scaled scores.",
  },
  infer,
  /** Of a bias [N, heads, S, T] only the first axis stands in the result where it stood. */
  mixes: (_, { causal }) => [{ axis: 1, inputs: [1, 2], ...(causal ? { directed: true } : {}) }, { axis: 1, inputs: [3] }, { axis: 2 }],
  /** Both products over the full square, also when causal: that is what is computed. */
  flops: (inputs) => {
    const [n = 1, s = 1, c = 1] = inputAt(inputs, 0).shape;
    return 4 * n * s * c * (inputAt(inputs, 1).shape[1] ?? 1);
  },
  reference: (inputs, attributes, output) => {
    const [query, key, value] = [inputAt(inputs, 0), inputAt(inputs, 1), inputAt(inputs, 2)];
    return tensor(output, attention(query, key, value, inputs[3], attributes.heads, attributes.causal));
  },
  /**
   * Heads become part of the batch. The scale goes to the query, the smallest of what it could multiply.
   * Three axes, not four, and the key turned on its own: ONNX Runtime leaves that turn to the product, and would undo four.
   */
  lower: (lowering, inputs, attended) => {
    const { heads, causal } = attended.attributes;
    const [query, key, value] = [inputAt(inputs, 0), inputAt(inputs, 1), inputAt(inputs, 2)];
    const { dtype, shape } = lowering.typeOf(query);
    const [n = 1, s = 1, c = 1] = shape;
    const t = lowering.typeOf(key).shape[1] ?? 1;
    const width = c / heads;
    const reshape = (id: number, to: readonly number[]) => lowering.op("reshape", [id], { shape: to });
    const swap = (id: number) => lowering.op("transpose", [id], { permutation: [0, 2, 1, 3] });
    const split = (id: number, tokens: number) => reshape(swap(reshape(id, [n, tokens, heads, width])), [n * heads, tokens, width]);
    const scale = lowering.constant({ dtype, shape: [1, 1, 1] }, [1 / Math.sqrt(width)]);
    const scaled = lowering.op("mul", [split(query, s), scale], {});
    const turned = lowering.op("transpose", [split(key, t)], { permutation: [0, 2, 1] });
    const products = lowering.op("matmul", [scaled, turned], {});
    const bias = inputs[3];
    const scores =
      bias === undefined ? products : reshape(lowering.op("add", [reshape(products, [n, heads, s, t]), bias], {}), [n * heads, s, t]);
    const weights = causal ? lowering.op("maskedSoftmax", [scores], {}) : lowering.op("softmax", [scores], { axis: 2 });
    const mixed = lowering.op("matmul", [weights, split(value, t)], {});
    return reshape(swap(reshape(mixed, [n, heads, s, width])), shape);
  },
};

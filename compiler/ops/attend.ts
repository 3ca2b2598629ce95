/** `attend`: multi-head attention, a composite of products and a softmax (Vaswani et al., 2017). */

import { type Axis, plainAxis, showAxes } from "../graph/axis.ts";
import type { OpAttributes } from "../graph/op-names.ts";
import type { AxisType, CompositeOp, ShapeProblem } from "./op.ts";
import { attention } from "./reference/attention.ts";
import { tensor } from "./reference/tensor.ts";
import { axisFromEnd, countAxes, inputAt, refuseBelow, refuseDtypes, refuseInts, refuseMisplaced } from "./rules.ts";

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
    refuseMisplaced(needs(query, key, "query", "key"), shared(query), shared(key), { input: 1 }, 2) ??
    refuseMisplaced(needs(query, value, "query", "value"), shared(query), shared(value), { input: 2 }, 2) ??
    refuseMisplaced(needs(key, value, "key", "value"), key.axes, value.axes, { input: 2 }) ??
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

function needs(a: AxisType, b: AxisType, left: Role, right: Role): () => string {
  return () =>
    `\`attend\` needs ${left} and ${right} of the same axes, but the ${left} has ${showAxes(a.axes)} and the ${right} ${showAxes(b.axes)}`;
}

/** The two axes that the query shares with the key and the value, then the tokens, which are each's own. */
function shared(type: AxisType): Axis[] {
  return [axisFromEnd(type, 3), axisFromEnd(type, 1), axisFromEnd(type, 2)];
}

function refuseHeads(query: AxisType, heads: number): ShapeProblem | undefined {
  const channels = axisFromEnd(query, 1);
  const below = refuseBelow("attend", "heads", heads, 1);
  if (below !== undefined || channels.size % heads === 0) return below;
  const message = `\`attend\` splits ${channels.size} channels (axis ${channels.name}) into ${heads} heads, which does not divide`;
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
  if (wrong < 0) {
    const expected = [clips, plainAxis(heads), queries, keys];
    const needed = () => `\`attend\` needs a bias ${showAxes(expected)}, but it is ${showAxes(bias.axes)}`;
    return refuseMisplaced(needed, expected, bias.axes, { input: 3 });
  }
  const message = `\`attend\` needs a bias with its ${wanted[wrong]?.[0]}, but it is ${bias.axes[wrong]?.size} in ${showAxes(bias.axes)}`;
  return { code: "shape-mismatch", message, at: { input: 3 } };
}

function fits(axis: Axis, size: number, stretches: boolean): boolean {
  return axis.size === size || (stretches && axis.size === 1 && axis.plain);
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
  manual: {
    shapes: "[N, S, C], [N, T, C], [N, T, C] → [N, S, C]",
    source: "torch.nn.functional.scaled_dot_product_attention, heads split off the channels as torch.nn.MultiheadAttention has them",
    examples: [
      {
        given: { query: "[N, S, C]", key: "[N, T, C]", value: "[N, T, C]" },
        makes: "[N, S, C]",
        code: "attend(query, key, value, heads: 4)",
      },
      {
        about: "a bias by how far a query and a key are apart, looked up for each head (T5, Swin)",
        given: { x: "[N, S, C]", table: "[4, R]", distances: "i32 [S, S]" },
        makes: "[N, S, C]",
        code: "attend(x, x, x, heads: 4, bias: view(gather(table, distances, axis: 1), [1, 4, S, S]))",
      },
      {
        about: "a mask of keys, 1 where a key is seen and 0 where not. Numbers stay finite: f16 ends at -65504, and WGSL knows no infinity",
        given: { x: "[N, S, C]", seen: "[N, S]" },
        makes: "[N, S, C]",
        code: "attend(x, x, x, heads: 4, bias: view((seen - 1.0) * 10000.0, [N, 1, 1, S]))",
      },
      {
        about: "query and key norms over each head's channels: attention sees no difference, so they are ops before it",
        given: { query: "[N, S, C]", key: "[N, T, C]", value: "[N, T, C]" },
        makes: "[N, S, C]",
        code: [
          "const heads = 4;",
          "const q = view(view(query, [N, S, heads, C / heads]) |> rmsNorm() as queryNorm, [N, S, C]);",
          "const k = view(view(key, [N, T, heads, C / heads]) |> rmsNorm() as keyNorm, [N, T, C]);",
          "attend(q, k, value, heads: heads)",
        ].join("\n"),
      },
    ],
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
    return tensor(output, attention(query, key, value, inputs[3], attributes.heads, attributes.causal, output));
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

/** `rotary`: pairs of the last axis turned by angles that grow with a position (Su et al., 2021, RoFormer), a composite of waves and products. */

import { type Axis, showAxes } from "../graph/axis.ts";
import type { OpAttributes } from "../graph/op-names.ts";
import { exponential, logarithm } from "./exponential.ts";
import type { AxisType, CompositeOp, ShapeProblem } from "./op.ts";
import { floatsFor, offsets, stridesOf, tensor } from "./reference/tensor.ts";
import { axisFromEnd, countAxes, inputAt, lastAxes, refuseInts, refuseMisplaced, refuseRank } from "./rules.ts";

type Rotary = OpAttributes["rotary"];

/** Its rates are constants that every target holds. */
const widest = 65_536;

/** base^(-2 i / width): how far pair i turns from one position to the next. */
export function rotaryRates(width: number, base: number): number[] {
  return Array.from({ length: width / 2 }, (_, i) => exponential((-2 * i * logarithm(base)) / width));
}

/**
 * The angle of each element at position 1, so that it becomes x cos(angle) + partner sin(angle): the first of a pair turns
 * against its partner, the second with it.
 */
export function signedRates(width: number, { base, pairs }: Rotary): number[] {
  const rates = rotaryRates(width, base);
  const back = rates.map((rate) => -rate);
  return pairs === "halves" ? [...back, ...rates] : rates.flatMap((rate, i) => [back[i] ?? 0, rate]);
}

function infer(inputs: readonly AxisType[], { base }: Rotary): AxisType | ShapeProblem {
  const [x, positions] = [inputAt(inputs, 0), inputAt(inputs, 1)];
  const refused = refuseInts("rotary", x, 0) ?? refuseRank("rotary", x, 1, "pairs from the last axis");
  if (refused !== undefined) return refused;
  const last = axisFromEnd(x, 1);
  if (last.size % 2 !== 0 || last.size > widest) {
    const message = `\`rotary\` turns pairs of the last axis, up to ${widest / 2} of them, but axis ${last.name} is ${last.size}`;
    return { code: last.size % 2 === 0 ? "shape-mismatch" : "not-divisible", message, at: { input: 0 } };
  }
  if (!(base > 0)) {
    return { code: "bad-attribute", message: `\`rotary\` needs a positive \`base\`, but it is ${base}`, at: { attribute: "base" } };
  }
  return refusePositions(x, positions) ?? x;
}

function refusePositions(x: AxisType, positions: AxisType): ShapeProblem | undefined {
  const wanted = x.axes.slice(0, -1);
  if (positions.axes.length !== wanted.length) {
    const message = `\`rotary\` takes a position for each axis of ${showAxes(x.axes)} but the last, but the positions have ${countAxes(positions)}`;
    const hint = `give them axes of size 1 where one serves all: \`view(…, [${wanted.map((axis, i) => (i === wanted.length - 1 ? axis.name : "1")).join(", ")}])\``;
    return { code: "wrong-rank", message, hint, at: { input: 1 } };
  }
  const serves = (axis: Axis | undefined, size: number) => axis?.size === size || (axis?.size === 1 && axis.plain);
  const wrong = wanted.findIndex((axis, i) => !serves(positions.axes[i], axis.size));
  const needs = () => `\`rotary\` needs positions ${showAxes(wanted)}, or 1 where one serves all, but they are ${showAxes(positions.axes)}`;
  if (wrong < 0) return refuseMisplaced(needs, wanted, positions.axes, { input: 1 });
  const axis = inputAt(wanted, wrong);
  const message = `\`rotary\` needs positions with axis ${axis.name} of ${axis.size}, or 1, but it is ${positions.axes[wrong]?.size} in ${showAxes(positions.axes)}`;
  return { code: "shape-mismatch", message, at: { input: 1 } };
}

export const rotary: CompositeOp<"rotary"> = {
  signature: {
    name: "rotary",
    inputs: [{ name: "x" }, { name: "positions" }],
    attributes: [
      { name: "base", kind: "float", default: 10000 },
      {
        name: "pairs",
        kind: { oneOf: ["interleaved", "halves"] },
        default: "interleaved",
        doc: "elements 2 i and 2 i + 1 (RoFormer, GPT-J, Wan), or i and i + D / 2 (GPT-NeoX, Llama)",
      },
    ],
    ownsWeights: false,
    doc: "Turns pair i of the last axis of [..., D] by position * base^(-2 i / D); positions have the other axes of x, or 1 where one serves all.",
  },
  manual: {
    shapes: "[..., D], f32, f16 or i32 [...] → [..., D]",
    source: "Su et al., 2021, RoFormer; PyTorch has none",
    examples: [
      {
        about: "each head's channels by the token's place",
        given: { query: "[N, S, C]", places: "i32 [S]" },
        makes: "[N, S, C]",
        code: "view(view(query, [N, S, 2, C / 2]) |> rotary(view(places, [1, S, 1])), [N, S, C])",
      },
      {
        about: "by frame, row and column, each with channels of its own (Wan): slices, and one rotary each",
        given: { x: "[N, F, H, W, 24]", frames: "i32 [F]", rows: "i32 [H]", columns: "i32 [W]" },
        makes: "[N, F, H, W, 24]",
        code: [
          "const byFrame = x |> slice(axis: 4, start: 0, size: 8) |> rotary(view(frames, [1, F, 1, 1]));",
          "const byRow = x |> slice(axis: 4, start: 8, size: 8) |> rotary(view(rows, [1, 1, H, 1]));",
          "const byColumn = x |> slice(axis: 4, start: 16, size: 8) |> rotary(view(columns, [1, 1, 1, W]));",
          "concat([byFrame, byRow, byColumn], axis: 4)",
        ].join("\n"),
      },
    ],
  },
  infer,
  mixes: (shapes) => lastAxes(shapes, 1).map((mix) => ({ ...mix, inputs: [0] })),
  flops: () => 0,
  reference: (inputs, attributes, output) => {
    const [x, positions] = [inputAt(inputs, 0), inputAt(inputs, 1)];
    const width = x.shape.at(-1) ?? 2;
    const rates = signedRates(width, attributes);
    const rows = stretchedRows(positions.shape, x.shape.slice(0, -1));
    const made = floatsFor(output);
    for (let i = 0; i < made.length; i++) {
      const place = i % width;
      const partner = i - place + (attributes.pairs === "halves" ? (place + width / 2) % width : place ^ 1);
      const angle = (positions.data[rows[(i - place) / width] as number] as number) * (rates[place] as number);
      made[i] = (x.data[i] as number) * Math.cos(angle) + (x.data[partner] as number) * Math.sin(angle);
    }
    return tensor(output, made);
  },
  /** The waves depend on positions alone: what turns queries turns keys, and every layer's. In f32, as an angle has no digits left in halves. */
  lower: (lowering, inputs, turned) => {
    const { base, pairs } = turned.attributes;
    const [x, positions] = [inputAt(inputs, 0), inputAt(inputs, 1)];
    const { dtype, shape } = lowering.typeOf(x);
    const width = shape.at(-1) ?? 2;
    const half = width / 2;
    // Pairs as the last two axes: side by side, or one half behind the other.
    const [split, axis] = pairs === "halves" ? [[2, half], shape.length - 1] : [[half, 2], shape.length];
    const reshape = (id: number, to: readonly number[]) => lowering.op("reshape", [id], { shape: to });
    const paired = reshape(x, [...shape.slice(0, -1), ...split]);
    const [first, second] = [0, 1].map((start) => lowering.op("slice", [paired], { axis, start, size: 1 })) as [number, number];
    const place = lowering.typeOf(positions);
    const rateShape = [...place.shape.map(() => 1), ...split].with(axis, 1);
    const rates = lowering.constant({ dtype: "f32", shape: rateShape }, rotaryRates(width, base));
    const floats = place.dtype === "f32" ? positions : lowering.op("cast", [positions], { to: "f32" });
    const angles = lowering.op("mul", [reshape(floats, [...place.shape, 1, 1]), rates], {});
    const wave = (op: "cos" | "sin") => {
      const made = lowering.op(op, [angles], {});
      return dtype === "f32" ? made : lowering.op("cast", [made], { to: dtype });
    };
    const [cos, sin] = [wave("cos"), wave("sin")];
    const mul = (a: number, b: number) => lowering.op("mul", [a, b], {});
    const both = [lowering.op("sub", [mul(first, cos), mul(second, sin)], {}), lowering.op("add", [mul(second, cos), mul(first, sin)], {})];
    return reshape(lowering.op("concat", both, { axis }), shape);
  },
};

/** For each row of `shape`, the number of the position that it takes. */
function stretchedRows(positions: readonly number[], shape: readonly number[]): Int32Array {
  const strides = stridesOf(positions).map((stride, axis) => (positions[axis] === 1 ? 0 : stride));
  return offsets(shape, strides);
}

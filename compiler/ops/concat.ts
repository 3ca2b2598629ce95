/** `concat`: values one after another along an axis. */

import { showAxes } from "../graph/axis.ts";
import { sizeOf } from "../graph/graph.ts";
import type { AxisType, PrimitiveOp, ShapeProblem } from "./op.ts";
import { arrayFor, tensor } from "./reference/tensor.ts";
import { countAxes, inputAt, joined, refuseAxis, refuseDtypes, refuseMisplaced } from "./rules.ts";

function infer(inputs: readonly AxisType[], axis: number): AxisType | ShapeProblem {
  const [first] = inputs;
  if (first === undefined)
    return { code: "bad-attribute", message: "`concat` needs at least one value, but the list is empty", at: { input: 0 } };
  const refused = refuseAxis("concat", axis, first);
  if (refused !== undefined) return refused;
  for (const [i, other] of inputs.entries()) {
    const problem = refuseDtypes("concat", first, other, 0) ?? refuseOther(first, other, axis, i);
    if (problem !== undefined) return problem;
  }
  const along = joined(inputs.map((input) => inputAt(input.axes, axis)));
  return { dtype: first.dtype, axes: first.axes.map((kept, i) => (i === axis ? along : kept)) };
}

function refuseOther(first: AxisType, other: AxisType, axis: number, index: number): ShapeProblem | undefined {
  if (first.axes.length !== other.axes.length) {
    const message = `\`concat\` needs values with as many axes, but value 0 has ${countAxes(first)} and value ${index} ${countAxes(other)}`;
    return { code: "wrong-rank", message, at: { input: 0 } };
  }
  const wrong = first.axes.findIndex((one, i) => i !== axis && one.size !== other.axes[i]?.size);
  const needs = `\`concat\` along axis ${axis} needs the other axes equal`;
  if (wrong < 0) {
    const said = () => `${needs}, but value 0 has ${showAxes(first.axes)} and value ${index} ${showAxes(other.axes)}`;
    const expected = first.axes.map((one, i) => (i === axis ? inputAt(other.axes, i) : one));
    return refuseMisplaced(said, expected, other.axes, { input: 0 });
  }
  const [one, two] = [inputAt(first.axes, wrong), inputAt(other.axes, wrong)];
  const message = `${needs}, but axis ${one.name} is ${one.size} in ${showAxes(first.axes)} and ${two.size} in ${showAxes(other.axes)}`;
  return { code: "shape-mismatch", message, at: { input: 0 } };
}

/** Where each input of a concatenation begins. */
export function startsOf(sizes: readonly number[]): readonly number[] {
  return sizes.map((_, i) => sizes.slice(0, i).reduce((sum, size) => sum + size, 0));
}

export const concat: PrimitiveOp<"concat"> = {
  signature: {
    name: "concat",
    inputs: [{ name: "values", list: true }],
    attributes: [{ name: "axis", kind: "int" }],
    ownsWeights: false,
    doc: "Puts a list of values one after another along one axis, counted from 0; the other axes are equal.",
  },
  manual: {
    shapes: "[..., a, ...], [..., b, ...], … → [..., a + b + …, ...]",
    source: "torch.cat",
    examples: [{ given: { x: "[N, S, C]", y: "[N, T, C]" }, makes: "[N, S + T, C]", code: "concat([x, y], axis: 1)" }],
  },
  infer: (inputs, attributes) => infer(inputs, attributes.axis),
  mixes: (_, { axis }) => [{ axis }],
  flops: () => 0,
  reference: (inputs, attributes, output) => {
    const axis = attributes.axis;
    const made = arrayFor(output);
    const whole = sizeOf(output.shape.slice(axis));
    let column = 0;
    for (const input of inputs) {
      const part = sizeOf(input.shape.slice(axis));
      for (let row = 0; row < made.length / whole; row++) {
        made.set(input.data.subarray(row * part, (row + 1) * part), row * whole + column);
      }
      column += part;
    }
    return tensor(output, made);
  },
};

/** `embedding`: token numbers to the rows of a table. */

import { plainAxis, showAxes } from "../graph/axis.ts";
import { isShared, type Width } from "../targets/webgpu/kernels/form.ts";
import type { Coordinate } from "../targets/webgpu/plan/coordinates.ts";
import { intOf } from "./attributes.ts";
import type { PrimitiveOp } from "./op.ts";
import { tensor } from "./reference/tensor.ts";
import { inputAt, refuseBelow } from "./rules.ts";

export const embedding: PrimitiveOp = {
  signature: {
    name: "embedding",
    inputs: [{ name: "tokens" }],
    attributes: [
      { name: "vocabulary", kind: "int" },
      { name: "width", kind: "int" },
    ],
    ownsWeights: true,
    doc: "Looks each i32 of [...] up in a table of `vocabulary` rows, to [..., width].",
  },
  weights: (_inputs, attributes) => [
    { name: "weight", shape: [intOf(attributes, "vocabulary"), intOf(attributes, "width")], init: { kind: "normal", deviation: 0.02 } },
  ],
  infer: (inputs, attributes) => {
    const tokens = inputAt(inputs, 0);
    const width = intOf(attributes, "width");
    if (tokens.dtype !== "i32") {
      const message = `\`embedding\` looks up i32 tokens, but the value is float ${showAxes(tokens.axes)}`;
      return { code: "wrong-dtype", message, at: { input: 0 } };
    }
    const refused =
      refuseBelow("embedding", "vocabulary", intOf(attributes, "vocabulary"), 1) ?? refuseBelow("embedding", "width", width, 1);
    // The table's dtype is the build's, which the shape rule is told as it is for `sinusoid`.
    return refused ?? { dtype: attributes.dtype === "f16" ? "f16" : "f32", axes: [...tokens.axes, plainAxis(width)] };
  },
  mixes: () => [],
  flops: () => 0,
  reference: (inputs, attributes, output) => {
    const [tokens, table] = [inputAt(inputs, 0).data, inputAt(inputs, 1).data];
    const [vocabulary, width] = [intOf(attributes, "vocabulary"), intOf(attributes, "width")];
    const made = new Float32Array(tokens.length * width);
    for (const [i, token] of tokens.entries()) {
      if (token < 0 || token >= vocabulary) throw new Error(`interpreter: token ${token} is not in a vocabulary of ${vocabulary}`);
      made.set(table.subarray(token * width, (token + 1) * width), i * width);
    }
    return tensor(output, made);
  },
  wgsl: {
    kind: "gather",
    write: (reader, op, at, width) => {
      const [tokens = -1, table = -1] = op.inputs;
      const row = (place: readonly Coordinate[], lanes: Width) => {
        const token = reader.name(`u32(${reader.read(tokens, place.slice(0, -1), 1)})`);
        return reader.row(table, token, place.at(-1) ?? [], lanes);
      };
      // Neighbours along the tokens have a row each.
      if (width === 1 || isShared(reader, at.slice(0, -1))) return row(at, width);
      return `vec4<f32>(${reader
        .neighbours(at)
        .map((place) => reader.name(row(place, 1)))
        .join(", ")})`;
    },
  },
  onnx: (writer, inputs) => writer.node("Gather", [inputAt(inputs, 1), inputAt(inputs, 0)], { axis: 0 }),
};

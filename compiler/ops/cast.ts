/** `cast`: the same numbers in another dtype. */

import type { DType } from "../graph/graph.ts";
import type { Coordinate } from "../targets/webgpu/plan/coordinates.ts";
import { textOf } from "./attributes.ts";
import type { PrimitiveOp } from "./op.ts";
import { tensor } from "./reference/tensor.ts";
import { inputAt } from "./rules.ts";

const dtypes: readonly DType[] = ["f32", "f16", "i32"];

function dtypeNamed(name: string): DType {
  const dtype = dtypes.find((known) => known === name);
  if (dtype === undefined) throw new Error(`op table: cast to ${name}, which is no dtype`);
  return dtype;
}

export const cast: PrimitiveOp = {
  signature: {
    name: "cast",
    inputs: [{ name: "x" }],
    attributes: [{ name: "to", kind: { oneOf: dtypes } }],
    ownsWeights: false,
    doc: "The same numbers in another dtype; to i32 the fraction is cut off.",
  },
  internal: true,
  infer: (inputs, attributes) => ({ dtype: dtypeNamed(textOf(attributes, "to")), axes: inputAt(inputs, 0).axes }),
  mixes: () => [],
  flops: () => 0,
  reference: (inputs, _attributes, output) => {
    const { data } = inputAt(inputs, 0);
    return tensor(output, output.dtype === "i32" ? Int32Array.from(data, Math.trunc) : Float32Array.from(data));
  },
  wgsl: {
    kind: "gather",
    write: (reader, op, at, width) => {
      const [x = -1] = op.inputs;
      const [from, to] = [reader.dtypeOf(x), op.type.dtype];
      const one = (place: readonly Coordinate[]) => reader.read(x, place, 1);
      if (to === "i32") return from === "i32" ? one(at) : `i32(trunc(${one(at)}))`;
      if (from !== "i32") return reader.read(x, at, width);
      return width === 1
        ? `f32(${one(at)})`
        : `vec4<f32>(${reader
            .neighbours(at)
            .map((place) => `f32(${one(place)})`)
            .join(", ")})`;
    },
  },
  onnx: (writer, inputs, value, types) => writer.cast(inputAt(inputs, 0), inputAt(types, 0).dtype, value.type.dtype),
};

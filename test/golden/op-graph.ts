// A golden case of one op to a graph of that op, in either precision.

import type { Attributes, DType, Graph, Origin } from "../../compiler/graph/graph.ts";
import type { OpName } from "../../compiler/graph/op-names.ts";
import { opEntry } from "../../compiler/ops/table.ts";
import { GraphBuilder, inferType } from "../../compiler/rewriting/builder.ts";
import type { GoldenCase } from "./cases.ts";

const origin: Origin = { path: "op", span: { file: "test", start: 0, end: 0 }, expandedFrom: [] };

/** Of angles of a hundred turns: a half has lost the angle itself. */
export const isWave = (name: string) => /^op-(sin|cos)$/.test(name);

/** The op's attributes: those of the case over the table's defaults. */
function attributesOf(op: OpName, given: Attributes, dtype: DType): Attributes {
  const defaults = opEntry(op).signature.attributes.flatMap((row) => (row.default === undefined ? [] : [[row.name, row.default] as const]));
  return { ...Object.fromEntries(defaults), ...given, ...(op === "sinusoid" || op === "embedding" ? { dtype } : {}) };
}

/** What the case stores of the op's weights is an input too, or where `owned` a weight by the same name. */
export function opGraph(golden: GoldenCase, dtype: "f32" | "f16", owned = false): Graph {
  const op = golden.metadata.get("op") as OpName;
  const attributes = attributesOf(op, JSON.parse(golden.metadata.get("attributes") ?? "{}") as Attributes, dtype);
  const builder = new GraphBuilder();
  const { length: count } = opEntry(op).signature.inputs;
  const ids = [...golden.inputs].map(([name, tensor], i) => {
    // Times are f32 in any build.
    const type = { dtype: tensor.dtype === "i32" || op === "sinusoid" ? tensor.dtype : dtype, shape: tensor.shape } as const;
    return owned && i >= count ? builder.weight(name, type, { kind: "zeros" }) : builder.input(name, type, tensor.shape.map(String));
  });
  const type = inferType(
    op,
    ids.map((id) => builder.typeOf(id)),
    attributes,
  );
  return builder.finish(op, [{ name: "output", value: builder.op(op, ids, attributes, origin, type), axes: type.shape.map(String) }]);
}

// Ops run on numbers that are few enough to be followed by hand.

import type { Attributes } from "../../../compiler/graph/graph.ts";
import type { OpName } from "../../../compiler/graph/op-names.ts";
import { byReference, graphOf } from "./one-op.ts";

export interface Given {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

export const given = (shape: readonly number[], data: readonly number[]): Given => ({ shape, data });
export const upward = (shape: readonly number[]): Given =>
  given(
    shape,
    Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => i + 1),
  );

/** The op on f32 inputs, with weights by their short names. */
export function apply(
  op: OpName,
  inputs: readonly Given[],
  attributes: Attributes = {},
  weights: { readonly [name: string]: readonly number[] } = {},
) {
  const graph = graphOf(
    op,
    inputs.map(({ shape }) => ({ dtype: "f32", shape })),
    attributes,
  );
  const run = {
    inputs: new Map(inputs.map(({ shape, data }, i) => [`x${i}`, { shape, data: Float32Array.from(data) }])),
    weights: new Map(
      graph.values.flatMap((value) =>
        value.kind === "weight"
          ? [[value.path, { shape: value.type.shape, data: Float32Array.from(weights[value.path.slice(3)] ?? []) }] as const]
          : [],
      ),
    ),
  };
  const { shape, data } = byReference(graph, run);
  return { shape, data: [...data] };
}

export const rounded = (numbers: readonly number[], digits: number) => numbers.map((x) => Number(x.toFixed(digits)));

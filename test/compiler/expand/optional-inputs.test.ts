// An input of an op that may be left out: given by its name alone, whatever else is given in order, and pointed at where it is wrong.

import { expect, test } from "vitest";
import { checkText } from "../../dsl/sources.ts";
import { graphOf, refusals } from "./expanded.ts";

const source = (call: string) =>
  `model Tiny {\n  graph run(x: Tensor<float, [2, 5, 8]>, b: Tensor<float, [1, 4, 5, 5]>, c: Tensor<float, [5, 5]>): Tensor<float, [2, 5, 8]> {\n    return ${call};\n  }\n}\n`;

const attended = (call: string) => {
  const graph = graphOf(source(call));
  const names = new Map(graph.values.flatMap((value) => (value.kind === "input" ? [[value.id, value.name] as const] : [])));
  return graph.values.flatMap((value) =>
    value.kind === "op" ? [{ inputs: value.inputs.map((id) => names.get(id)), ...value.attributes }] : [],
  );
};

test("stands behind the others, wherever the call names it; attributes in order are counted without it", () => {
  const biased = { inputs: ["x", "x", "x", "b"], heads: 4, causal: true };
  expect(attended("attend(x, x, x, 4, true, bias: b)")).toEqual([biased]);
  expect(attended("x |> attend(x, bias: b, value: x, causal: true, heads: 4)")).toEqual([biased]);
  expect(attended("attend(x, x, x, heads: 4)")).toEqual([{ inputs: ["x", "x", "x"], heads: 4, causal: false }]);
});

test("given in order is one too many, and the way out is its name", () => {
  const [found, ...others] = checkText(source("attend(x, x, x, 4, true, b)")).diagnostics;
  expect(others).toEqual([]);
  expect(found?.code).toBe("too-many-arguments");
  expect(found?.hint).toBe("`bias` goes by its name: `bias: …`");
});

test.each(["attend(x, x, x, heads: 4, bias: c)", "x |> attend(x, x, 4, bias: c)"])("is pointed at in %s", (call) => {
  const text = source(call);
  const [refusal] = refusals(text);
  expect(refusal?.code).toBe("wrong-rank");
  expect(text.slice(refusal?.span.start, refusal?.span.end)).toBe("c");
});

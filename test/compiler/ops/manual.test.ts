// Each example of the page of reference is expanded, makes what it says, and owns the weights that the page lists.

import { describe, expect, test } from "vitest";
import type { Graph, OpValue } from "../../../compiler/graph/graph.ts";
import type { Example } from "../../../compiler/ops/op.ts";
import { opManuals } from "../../../compiler/ops/table.ts";
import { format, parse } from "../../../dsl/index.ts";
import { checkText } from "../../dsl/sources.ts";
import { graphOf, shapeOfOutput } from "../expand/expanded.ts";

/** All sizes differ, so that no axis passes for another. */
const sizes: { readonly [dim: string]: number } = { N: 2, B: 3, F: 4, T: 5, S: 6, R: 7, C: 8, H: 10, W: 12 };

const typeOf = (type: string) => {
  const [dtype, axes] = type.startsWith("[") ? ["float", type] : [type.slice(0, 3), type.slice(4)];
  return `Tensor<${dtype}, ${axes}>`;
};

function sourceOf({ given, makes, code }: Example): string {
  const text = [...Object.values(given), makes, code].join(" ");
  const dims = Object.entries(sizes).filter(([name]) => new RegExp(`\\b${name}\\b`).test(text));
  const lines = code.split("\n");
  const parameters = Object.entries(given).map(([name, type]) => `${name}: ${typeOf(type)}`);
  const body = lines.map((line, i) => (i === lines.length - 1 ? `return ${line};` : line));
  const graph = `graph run(${parameters.join(", ")}): ${typeOf(makes)} {\n    ${body.join("\n    ")}\n  }`;
  return `${dims.map(([name, size]) => `dim ${name} = ${size};`).join("\n")}\n\nmodel Example {\n  ${graph}\n}\n`;
}

/** `[2 * S - 1, C]` with the sizes of dims and the values of attributes. */
function evaluated(shape: string, names: { readonly [name: string]: unknown }): unknown {
  return new Function(...Object.keys(names), `return ${shape}`)(...Object.values(names));
}

function opOf(graph: Graph, name: string): OpValue {
  const found = graph.values.find((value) => value.kind === "op" && value.op === name);
  if (found?.kind !== "op") throw new Error(`the example of ${name} does not call it`);
  return found;
}

describe.each(opManuals.map(({ signature, manual }) => [signature.name, signature, manual] as const))("%s", (name, signature, manual) => {
  test.each(manual.examples.map((example) => [example.about ?? "as it is", example] as const))("%s", (_, example) => {
    const text = sourceOf(example);
    expect(checkText(text).diagnostics).toEqual([]);
    const { source } = parse("example.mv", text);
    // In the style that the project's own models have, but for lines that a graph's parameters make too long.
    const printed = source === undefined ? "" : format(source);
    for (const line of example.code.split("\n")) expect(printed).toContain(line);
    const graph = graphOf(text);
    opOf(graph, name);
    expect(shapeOfOutput(graph)).toEqual(evaluated(example.makes, sizes));
  });

  test("its weights", () => {
    const graph = graphOf(sourceOf(manual.examples[0]));
    const op = opOf(graph, name);
    const byId = new Map(graph.values.map((value) => [value.id, value]));
    const owned = op.inputs.flatMap((id) => {
      const value = byId.get(id);
      return value?.kind === "weight" ? [{ name: value.path.split(".").at(-1), shape: value.type.shape }] : [];
    });
    const names = { ...sizes, ...op.attributes };
    expect(owned).toEqual((manual.weights ?? []).map((one) => ({ name: one.name, shape: evaluated(one.shape, names) })));
    expect(manual.weights !== undefined).toBe(signature.ownsWeights);
  });
});

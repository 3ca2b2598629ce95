// Which frames a frame of the result reads, derived from the graph alone: figure 3c's direction is a fact of the whole network.

import { expect, test } from "vitest";
import { dependenceAlong } from "../../../compiler/analysis/dependence.ts";
import { expandModel } from "../../../compiler/compile.ts";
import { checkText } from "../../dsl/sources.ts";
import { compileFile } from "../../golden/cases.ts";

const frames = 1;

test.each([
  [[], "directed"],
  [["NoAdaptor"], "directed"],
  [["Series"], "directed"],
  [["TemporalOnly"], "directed"],
  [["Undirected"], "mixed"],
  [["SpatialOnly"], "independent"],
  [["ImageModel"], "independent"],
] as const)("denoise and decode under %j are %s along frames", (ablations, expected) => {
  const { written } = compileFile("models/magicvideo.mv", { preset: "Mini", ablations });
  for (const name of ["denoise", "decode"]) {
    const graph = written.get(name);
    expect(graph && dependenceAlong(graph, "z", frames)).toBe(expected);
  }
});

test("clips of a batch are independent, pixels are mixed, and the encoder sees each frame alone", () => {
  const { written } = compileFile("models/magicvideo.mv", { preset: "Mini", settings: { B: 2 } });
  const denoise = written.get("denoise");
  const encode = written.get("encode");
  if (denoise === undefined || encode === undefined) throw new Error("graphs are missing");
  expect(dependenceAlong(denoise, "z", 0)).toBe("independent");
  expect(dependenceAlong(denoise, "z", 3)).toBe("mixed");
  expect(dependenceAlong(encode, "x", frames)).toBe("independent");
});

const head = "dim B = 2; dim F = 6; dim G = 6; dim C = 4;\ntype Frames = Tensor<float, [F, C]>;\ntype Clip = Tensor<float, [B, F, C]>;\n";
const cut = (start: number, size: number | string) => `(x |> slice(axis: 0, start: ${start}, size: ${size}))`;
const joined = (...parts: readonly string[]) => `concat([${parts.join(", ")}], axis: 0)`;
const zeros = `(${cut(0, 1)} * 0.0)`;
const other = "(y |> slice(axis: 0, start: 0, size: 1))";

/** How the result of a graph of its own reads `x` along an axis. */
function alongFrames(result: string, parameters: string, type = "Frames", axis = 0): string {
  const { program, diagnostics } = checkText(`${head}model M { graph run(${parameters}): ${type} { ${result} } }\n`);
  if (program === undefined) throw new Error(JSON.stringify(diagnostics));
  const expanded = expandModel(program, { precision: "f32" });
  if (!expanded.ok) throw new Error(JSON.stringify(expanded.diagnostics));
  const graph = expanded.value.graphs.get("run");
  if (graph === undefined) throw new Error("no graph");
  return dependenceAlong(graph, "x", axis);
}

test.each([
  ["a frame and the one before", `return x + ${joined(zeros, cut(0, "F - 1"))};`, "directed"],
  ["a product with the frame before", `return x * ${joined(zeros, cut(0, "F - 1"))};`, "directed"],
  ["the frame before, repeated at the start", `return ${joined(cut(0, 1), cut(0, "F - 1"))};`, "directed"],
  ["the frame two before", `return x + ${joined(zeros, zeros, cut(0, "F - 2"))};`, "directed"],
  ["the frame after", `return x + ${joined(cut(1, "F - 1"), zeros)};`, "mixed"],
  ["the frame before the frame after", `const later = ${joined(cut(1, "F - 1"), other)};\n return ${joined(other, "(later |> slice(axis: 0, start: 0, size: F - 1))")};`, "independent"],
  ["both neighbours", `return ${joined(zeros, cut(0, "F - 1"))} + ${joined(cut(1, "F - 1"), zeros)};`, "mixed"],
  ["halves in order", `return ${joined(cut(0, 3), cut(3, 3))};`, "independent"],
  ["halves in the other order", `return ${joined(cut(3, 3), cut(0, 3))};`, "mixed"],
  ["each frame by itself", `return ${joined(...[0, 1, 2, 3, 4, 5].map((i) => `(${cut(i, 1)} |> silu())`))};`, "independent"],
  ["the first frame in all", `return x + ${cut(0, 1)};`, "directed"],
  ["a later frame in all", `return x + ${cut(1, 1)};`, "mixed"],
  ["the first half in the second", `return ${joined(cut(0, 3), `(${cut(3, 3)} + ${cut(0, 3)})`)};`, "directed"],
  ["a mean of the first frames in the last", `const y = ${cut(0, 3)};\n const s = softmax(y, axis: 0);\n return ${joined("y * 1.0", `(${cut(3, 3)} + s)`)};`, "directed"],
  ["two copies, of which one is taken", "const two = concat([x, x * 2.0], axis: 0) |> silu();\n return two |> slice(axis: 0, start: F, size: F);", "independent"],
  ["the first half twice", `return ${joined(cut(0, 3), cut(0, 3))};`, "directed"],
  ["channels of every frame", "return x |> linear(C) as w;", "independent"],
  ["none of them", "return y + (y |> silu());", "none"],
] as const)("%s", (_, result, expected) => {
  expect(alongFrames(result, "x: Frames, y: Frames")).toBe(expected);
}); // biome-ignore format: a case reads best as a line

test("frames within an axis that joins them with clips", () => {
  const looked = (axes: string) =>
    `const t = x |> arrange([${axes}, C]) |> expand([1, ${axes}, C]);\n const u = attend(t, t, t, heads: 1, causal: true);\n`;
  const back = (axes: string) => `${looked(axes)} return u |> arrange([${axes}, C]) |> arrange([B, F, C]);`;
  expect(alongFrames(back("F * B"), "x: Clip", "Clip", 1)).toBe("directed");
  expect(alongFrames(back("B * F"), "x: Clip", "Clip", 1)).toBe("mixed");
  expect(alongFrames(back("B * F"), "x: Clip", "Clip", 0)).toBe("directed");
});

test("positions are those of the axis that has the name", () => {
  expect(alongFrames("return x;", "x: Tensor<float, [F, G]>", "Tensor<float, [F, G]>")).toBe("independent");
  const turned = "return view(x |> arrange([G, F]), [F, G]);";
  expect(alongFrames(turned, "x: Tensor<float, [F, G]>", "Tensor<float, [F, G]>")).toBe("mixed");
  expect(alongFrames("return x |> arrange([G, F]);", "x: Tensor<float, [F, G]>", "Tensor<float, [G, F]>")).toBe("independent");
});

test("a query reads its own row of a product or an attention, and the rows of the other side all", () => {
  const parameters = "x: Frames, w: Tensor<float, [C, C]>, k: Tensor<float, [1, 3, C]>";
  expect(alongFrames("return matmul(x, w);", parameters)).toBe("independent");
  expect(alongFrames("return arrange(attend(expand(x, [1, F, C]), k, k, heads: 1), [F, C]);", parameters)).toBe("independent");
  expect(alongFrames("const t = expand(x, [1, F, C]);\n return arrange(attend(t * 0.0, t, t, heads: 1), [F, C]);", parameters)).toBe(
    "mixed",
  );
});

// Which sampled graphs keep the clips of a batch apart, by the shapes that a check reads and by the whole graphs of a build.

import { expect, test } from "vitest";
import { compile, shapeErrors } from "../../../compiler/compile.ts";
import { checkText } from "../../dsl/sources.ts";

/** A block `Look` of the latent's rows and the text's, called by the body of the sampled graph; no name tells that the rows of `wrong` lie in another order. */
const sampled = (body: string, frames = "") => `dim B = 1;
dim F = 3;
dim D = 4;
dim H = 2;
type Clip = Tensor<float, [B, F, D]>;
type Rows<N> = Tensor<float, [N, 1, D]>;
block Look<N>(q: Rows<N>, k: Rows<N>): Rows<N> {
  return attend(q, k, k, heads: 1);
}
model Tiny {
  graph denoise(z: Clip, t: Tensor<f32, [B]>, text: Tensor<float, [B, D]>): Clip {
    const rows = z |> expand([B * F, 1, D]);
    const right = text |> expand([B * F, 1, D]);
    const wrong = view(text |> expand([F * B, 1, D]), [F * B % 999, 1, D]);
    ${body}
  }
  ${frames}
  sampler denoise(z, t) {
    method: "ddim", steps: 4, guidance: 1, predicts: "v", schedule: "cosine", betas: [0.1, 0.2], trainSteps: 10,
    ${frames === "" ? "" : "frames: decode,"}
  }
}
`;

/** What is said by shapes, and by a build: code, and the text of the place. */
function said(source: string, settings: { readonly [name: string]: number } = {}): readonly string[][] {
  const { program, diagnostics } = checkText(source);
  if (program === undefined) throw new Error(JSON.stringify(diagnostics));
  const compiled = compile(program, { precision: "f32", settings });
  const both = [shapeErrors(program, { precision: "f32", settings }), compiled.ok ? [] : compiled.diagnostics];
  return both.map((list) => list.map(({ code, span }) => `${code} ${source.slice(span.start, span.end)}`));
}

const back = "|> arrange([B, F, D])";
const look = "mixed-batch attend(q, k, k, heads: 1)";

test.each([
  ["the same block on rows in one order and in two", `return Look(Look(rows, right), wrong) ${back};`],
  ["a block that gives rows in another order when it is called again", `return (Look(rows, right) + Look(rows, wrong)) ${back};`],
])("%s: refused where they meet", (_, body) => {
  expect(said(sampled(body))).toEqual([[look], [look]]);
});

test.each([
  ["one order everywhere", `return Look(Look(rows, right), right) ${back};`],
  ["another order everywhere", "return Look(z |> arrange([F * B, D]) |> expand([F * B, 1, D]), wrong) |> arrange([F * B, D]) |> arrange([B, F, D]);"],
  ["the batch innermost", "return softmax(z |> arrange([F, D, B]), axis: 0) |> arrange([B, F, D]);"],
])("%s: sound", (_, body) => {
  expect(said(sampled(body))).toEqual([[], []]);
}); // biome-ignore format: a case reads best as a line

test("several clips of frames may come as one row of pictures each", () => {
  const decode = (result: string) => `graph decode(z: Clip): Tensor<float, [B * F, 3, H, H]> { return ${result}; }`;
  const pictures = "z |> linear(12) as out |> arrange([B * F, 12]) |> view([B * F, 3, H, H])";
  expect(said(sampled("return z;", decode(pictures)), { B: 2 })).toEqual([[], []]);
  const turned = pictures.replace("arrange([B * F, 12])", "arrange([F * B, 12])");
  expect(said(sampled("return z;", decode(turned)), { B: 2 }).map((list) => list.length)).toEqual([1, 1]);
});

// What compiling a model gives: the graphs and their signatures, the split of the looped graph, and the sampler's figures.

import { expect, test } from "vitest";
import type { Graph } from "../../compiler/graph/graph.ts";
import { emitPackage } from "../../compiler/package-files.ts";
import { compileFile } from "../golden/cases.ts";

const mini = compileFile("models/magicvideo.mv", { preset: "Mini" });

function inputs(graph: Graph | undefined): { [name: string]: readonly number[] } {
  return Object.fromEntries((graph?.values ?? []).flatMap((value) => (value.kind === "input" ? [[value.name, value.type.shape]] : [])));
}

test("the model's graphs, and the sampler's two", () => {
  expect([...mini.graphs.keys()]).toEqual(["encodeText", "denoise", "decode", "encode", "prepare", "step"]);
  expect(mini.sampler).toMatchObject({
    graph: "denoise",
    prepare: "prepare",
    step: "step",
    latent: "z",
    time: "t",
    conditions: [{ name: "text", from: "text", encoder: "encodeText", unguided: "" }],
    frames: "decode",
    latents: "encode",
    directed: true,
    trainSteps: 1000,
  });
  expect(mini.tokenizer).toMatchObject({ file: "mini.tokenizer.json", pad: "<pad>" });
});

test("prepare holds the text's side of every cross-attention, step the rest, and both halves of the guided batch", () => {
  const [prepare, step] = [mini.graphs.get("prepare"), mini.graphs.get("step")];
  expect(inputs(prepare)).toEqual({ text: [2, 16, 96] });
  const { z, t, ...carried } = inputs(step);
  expect([z, t]).toEqual([[2, 16, 4, 8, 8], [2]]);
  // Two tensors, keys and values, for each of the seven cross-attentions: one a level down, the middle, two a level up.
  expect(Object.keys(carried).length).toBe(2 * 7);
  expect(new Set(Object.keys(carried))).toEqual(new Set(prepare?.outputs.map((output) => output.name)));
  const weightsOf = (graph: Graph | undefined) => (graph?.values ?? []).flatMap((value) => (value.kind === "weight" ? [value.path] : []));
  expect(weightsOf(prepare).every((path) => /\.cross\.(key|value)\.weight$/.test(path))).toBe(true);
  expect(weightsOf(step).some((path) => /\.cross\.(key|value)\.weight$/.test(path))).toBe(false);
});

test("emission is byte-stable and every weight is placed once, aligned to its element", () => {
  const [first, second] = [0, 1].map(() => emitPackage(compileFile("models/magicvideo.mv", { preset: "Mini" }), "test"));
  expect([...(first?.graphs ?? [])]).toEqual([...(second?.graphs ?? [])]);
  expect(first?.layout.header).toEqual(second?.layout.header);
  let end = first?.layout.header.byteLength ?? 0;
  expect(end % 64).toBe(0);
  for (const weight of first?.layout.weights.values() ?? []) {
    expect(weight.offset).toBe(end);
    expect(weight.offset % 4).toBe(0);
    end += weight.length;
  }
  expect(end).toBe(first?.layout.bytes);
});

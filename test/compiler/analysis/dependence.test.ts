// Which frames a frame of the result reads, derived from the graph alone: figure 3c's direction is a fact of the whole network.

import { expect, test } from "vitest";
import { dependenceAlong } from "../../../compiler/analysis/dependence.ts";
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

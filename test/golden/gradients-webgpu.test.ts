// The gradients of blocks on the device, weights that are packed for products read as they are beside that, against the interpreter.

import { describe, test } from "vitest";
import { differentiate } from "../../compiler/differentiate/differentiate.ts";
import type { Graph } from "../../compiler/graph/graph.ts";
import { runPasses } from "../../compiler/passes/passes.ts";
import { meanSquare, weightPaths } from "../compiler/differentiate/central.ts";
import { noGpu } from "../gpu.ts";
import { agree } from "./beside-interpreter.ts";
import { compileFile } from "./cases.ts";

describe.skipIf(noGpu !== undefined)("on WebGPU", () => {
  test.each(["attentionCross", "resBlock"])("%s", async (name) => {
    const loss = meanSquare(compileFile("golden/cases/blocks.mv", { preset: "Small" }).graphs.get(name) as Graph);
    // Rounding of f32 through a block and back: some 1e-5; erf and norms on the device add as much.
    await agree(runPasses(differentiate(loss, weightPaths(loss))), 1e-4);
  });
});

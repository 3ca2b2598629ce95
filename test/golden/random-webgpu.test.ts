// Every op of the table on the device, at random legal shapes and attributes, alone and in random company, against its reference.

import { describe, test } from "vitest";
import { opNames, randomCalls, randomGraph } from "../compiler/random-graph.ts";
import { noGpu } from "../gpu.ts";
import { agree, tolerances } from "./beside-interpreter.ts";

describe.skipIf(noGpu !== undefined)("on WebGPU", () => {
  describe.each(["f32", "f16"] as const)("%s", (dtype) => {
    test.each(opNames)("%s", (op) => agree(randomCalls(op, 1, dtype, 6), tolerances[dtype]));
    test.each(Array.from({ length: 24 }, (_, seed) => seed))("ops in random company, seed %d", (seed) =>
      agree(randomGraph(seed, dtype, 10), tolerances[dtype]),
    );
  });
});

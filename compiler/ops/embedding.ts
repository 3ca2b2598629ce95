/** `embedding`: token numbers to the rows of a table. */

import { showAxes } from "../graph/axis.ts";
import { tableInit, tableStarts } from "./initialise.ts";
import type { PrimitiveOp } from "./op.ts";
import { floatsFor, tensor } from "./reference/tensor.ts";
import { bySize, inputAt, refuseBelow } from "./rules.ts";

export const embedding: PrimitiveOp<"embedding"> = {
  signature: {
    name: "embedding",
    inputs: [{ name: "tokens" }],
    attributes: [{ name: "vocabulary", kind: "int" }, { name: "width", kind: "int" }, tableInit],
    ownsWeights: true,
    doc: "Looks each i32 of [...] up in a table of `vocabulary` rows, to [..., width].",
  },
  takesPrecision: true,
  manual: {
    shapes: "i32 [...] → [..., width]",
    weights: [{ name: "weight", shape: "[vocabulary, width]", starts: "normal of deviation 0.02" }],
    source: 'torch.nn.Embedding, which starts with deviation 1 (`init: "unit"`)',
    examples: [{ given: { tokens: "i32 [N, S]" }, makes: "[N, S, C]", code: "tokens |> embedding(1000, C) as token" }],
  },
  weights: (_inputs, { vocabulary, width, init }) => [{ name: "weight", shape: [vocabulary, width], init: tableStarts[init] }],
  infer: (inputs, { vocabulary, width, dtype }, axisOf = bySize) => {
    const tokens = inputAt(inputs, 0);
    if (tokens.dtype !== "i32") {
      const message = `\`embedding\` looks up i32 tokens, but the value is float ${showAxes(tokens.axes)}`;
      return { code: "wrong-dtype", message, at: { input: 0 } };
    }
    const refused = refuseBelow("embedding", "vocabulary", vocabulary, 1) ?? refuseBelow("embedding", "width", width, 1);
    return refused ?? { dtype, axes: [...tokens.axes, axisOf("width", width)] };
  },
  mixes: () => [],
  flops: () => 0,
  reference: (inputs, { vocabulary, width }, output) => {
    const [tokens, table] = [inputAt(inputs, 0).data, inputAt(inputs, 1).data];
    const made = floatsFor(output);
    for (const [i, token] of tokens.entries()) {
      if (token < 0 || token >= vocabulary) throw new Error(`interpreter: token ${token} is not in a vocabulary of ${vocabulary}`);
      made.set(table.subarray(token * width, (token + 1) * width), i * width);
    }
    return tensor(output, made);
  },
};

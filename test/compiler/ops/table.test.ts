// What holds of every row of the op table, and the weights that ops own.

import { describe, expect, it } from "vitest";
import type { Attributes } from "../../../compiler/graph/graph.ts";
import type { OpName } from "../../../compiler/graph/op-names.ts";
import { isOpName, opEntry, opSignatures, opTable } from "../../../compiler/ops/table.ts";
import { B, channels, H, refusal, value, W } from "./named-values.ts";

describe("the table", () => {
  it("names each row as it is found, and hides internal ops from the language", () => {
    for (const [name, entry] of Object.entries(opTable)) expect(entry.signature.name).toBe(name);
    const visible = opSignatures.map((signature) => signature.name);
    expect(visible).toContain("conv2d");
    const internal = ["add", "reshape", "transpose", "broadcast", "cast", "maskedSoftmax", "after", "step", "erf", "scatterAdd"];
    for (const name of internal) expect(visible).not.toContain(name);
    expect([isOpName("conv2d"), isOpName("toString"), isOpName("view")]).toEqual([true, false, false]);
  });

  it("gives weights exactly to the ops that say they own some", () => {
    for (const [name, entry] of Object.entries(opTable))
      expect([name, entry.weights !== undefined]).toEqual([name, entry.signature.ownsWeights]);
  });

  it("lets inputs be left out only from the end, and only of ops whose number of inputs tells which: they own no weights", () => {
    for (const { inputs, ownsWeights } of opSignatures) {
      const first = inputs.findIndex(({ optional }) => optional);
      if (first < 0) continue;
      expect(ownsWeights).toBe(false);
      expect(inputs.slice(first).every(({ optional, list }) => optional && !list)).toBe(true);
    }
  });

  it("starts weights as PyTorch does", () => {
    const x = value([B, channels(4), H, W]);
    const window = { stride: 1, padding: "same", dilation: 1, groups: 1, bias: true, init: "default" } as const;
    expect(opEntry("conv2d").weights?.([x], { out: 2, kernel: 3, ...window })).toEqual([
      { name: "weight", shape: [2, 4, 3, 3], init: { kind: "uniform", bound: 1 / 6 } },
      { name: "bias", shape: [2], init: { kind: "uniform", bound: 1 / 6 } },
    ]);
    expect(opEntry("conv1d").weights?.([x], { ...window, out: 6, kernel: 4, groups: H.size, bias: false, init: "zeros" })).toEqual([
      { name: "weight", shape: [6, 1, 4], init: { kind: "zeros" } },
    ]);
    // nn.ConvTranspose2d(4, 6, 3, groups=2) starts within 1/sqrt(3 * 9), its bias too: PyTorch counts the second axis.
    expect(opEntry("convTranspose2d").weights?.([x], { ...window, out: 6, kernel: 3, groups: 2 })).toEqual([
      { name: "weight", shape: [4, 3, 3, 3], init: { kind: "uniform", bound: 1 / Math.sqrt(27) } },
      { name: "bias", shape: [6], init: { kind: "uniform", bound: 1 / Math.sqrt(27) } },
    ]);
    expect(opEntry("linear").weights?.([x], { out: 2, bias: false, init: "zeros" })).toEqual([
      { name: "weight", shape: [2, 6], init: { kind: "zeros" } },
    ]);
  });

  it("starts them otherwise where a call says so", () => {
    const x = value([B, channels(4), H, W]);
    const kinds = (op: OpName, attributes: Attributes) =>
      opEntry(op)
        .weights?.([x], attributes)
        .map(({ init }) => init);
    const zeros = { kind: "zeros" };
    const linear = { out: 2, bias: true };
    // Glorot and Bengio (2010): the root of 6 over the sum of both sides.
    expect(kinds("linear", { ...linear, init: "xavier" })).toEqual([{ kind: "uniform", bound: Math.sqrt(6 / 8) }, zeros]);
    expect(kinds("linear", { ...linear, init: "normal" })).toEqual([{ kind: "normal", deviation: 0.02 }, zeros]);
    expect(kinds("groupNorm", { groups: 2, eps: 0, init: "default" })).toEqual([{ kind: "ones" }, zeros]);
    expect(kinds("groupNorm", { groups: 2, eps: 0, init: "zeros" })).toEqual([zeros, zeros]);
    expect(kinds("layerNorm", { eps: 0, affine: true, init: "zeros" })).toEqual([zeros, zeros]);
    expect(kinds("rmsNorm", { eps: 0, affine: true, init: "zeros" })).toEqual([zeros]);
    expect(kinds("embedding", { vocabulary: 2, width: 3, init: "zeros", dtype: "f32" })).toEqual([zeros]);
    for (const op of ["layerNorm", "rmsNorm"] as const)
      expect(refusal(op, [x], { affine: false, init: "zeros" })).toBe(
        `bad-attribute at init: \`${op}\` has no weights that could start as zeros: \`affine\` is false`,
      );
  });

  it("lets every op that owns weights say how they start", () => {
    for (const { name, ownsWeights, attributes } of opSignatures.filter(({ name }) => name !== "conv2d"))
      expect([name, attributes.some((one) => one.name === "init")]).toEqual([name, ownsWeights]);
  });
});

// The form of emitted models: names, places of weights, fixed sizes, and bytes that do not change.
import { describe, expect, it } from "vitest";
import { GraphBuilder } from "../../../../compiler/rewriting/builder.ts";
import { emitOnnx } from "../../../../compiler/targets/onnx/emit.ts";
import { decodeModel, halfBits } from "../../../../compiler/targets/onnx/proto.ts";
import { floatToHalf } from "../../../../runtime/half.ts";
import { graphOf, randomNumbers } from "../../ops/one-op.ts";

const at = (path: string) => ({ path, span: { file: "test.mv", start: 0, end: 0 }, expandedFrom: [] });

function twoConvolutions() {
  const builder = new GraphBuilder();
  const x = builder.input("z", { dtype: "f32", shape: [1, 2, 3, 4, 4] }, ["B", "F", "C", "H", "W"]);
  const conv = { out: 3, kernel: 1, stride: 1, padding: "same", dilation: 1, groups: 1, bias: false, init: "default" } as const;
  let y = x;
  for (const path of ["unet.stem", "unet.head"]) {
    const weight = builder.weight(`${path}.weight`, { dtype: "f32", shape: [3, 3, 1, 1] }, { kind: "zeros" });
    y = builder.op("conv2d", [y, weight], conv, at(path));
  }
  return builder.finish("denoise", [{ name: "output", value: y, axes: ["B", "F", "C", "H", "W"] }]);
}

const placement = new Map([
  ["unet.stem.weight", { offset: 128, length: 36 }],
  // Beyond 32 bits, as in weight files of more than 4 GiB.
  ["unet.head.weight", { offset: 5_000_000_000, length: 36 }],
]);

describe("emitOnnx", () => {
  const model = decodeModel(emitOnnx(twoConvolutions(), placement));

  it("names nodes by their paths and weights by their keys", () => {
    expect(model.graph?.node?.map((node) => node.name)).toEqual([
      "unet.stem/Reshape",
      "unet.stem/Conv",
      "unet.stem/Reshape.2",
      "unet.head/Reshape",
      "unet.head/Conv",
      "unet.head/Reshape.2",
      "output/output",
    ]);
    const weights = model.graph?.initializer?.filter((tensor) => tensor.dataLocation === 1) ?? [];
    expect(weights.map((tensor) => tensor.name)).toEqual(["unet.stem.weight", "unet.head.weight"]);
    const entries = weights[1]?.externalData?.map((entry) => [entry.key, entry.value]);
    expect(entries).toEqual([
      ["location", "weights.safetensors"],
      ["offset", "5000000000"],
      ["length", "36"],
    ]);
    expect(weights.every((tensor) => (tensor.rawData?.length ?? 0) === 0)).toBe(true);
  });

  it("writes equal constants once", () => {
    const names = (model.graph?.initializer ?? []).map((tensor) => tensor.name);
    // [-1, 3, 4, 4] and [1, 2, 3, 4, 4], each for both convolutions.
    expect(names.filter((name) => name?.startsWith("constant"))).toEqual(["constant", "constant.2"]);
  });

  it("fixes sizes and marks them with the axes' names", () => {
    const dims = model.graph?.input?.[0]?.type?.tensorType?.shape?.dim ?? [];
    expect(dims.map((dim) => [Number(dim.dimValue), dim.denotation])).toEqual([
      [1, "B"],
      [2, "F"],
      [3, "C"],
      [4, "H"],
      [4, "W"],
    ]);
    expect(model.graph?.output?.map((output) => output.name)).toEqual(["output"]);
    expect([model.producerName, Number(model.opsetImport?.[0]?.version)]).toEqual(["mvc", 20]);
  });

  it("gives the same bytes again", () => {
    expect(emitOnnx(twoConvolutions(), placement)).toEqual(emitOnnx(twoConvolutions(), placement));
  });

  it("refuses composites and weights without a place, which are bugs of earlier stages", () => {
    const type = { dtype: "f32", shape: [1, 2, 4] } as const;
    expect(() => emitOnnx(graphOf("attend", [type, type, type], { heads: 2 }), new Map())).toThrow("attend at op is composite");
    expect(() => emitOnnx(twoConvolutions(), new Map())).toThrow("unet.stem.weight has no place");
  });
});

describe("halfBits", () => {
  it("rounds as the runtime does", () => {
    const random = randomNumbers(1);
    const numbers = Array.from({ length: 20_000 }, () => random() * 2 ** (random() * 30));
    const edges = [
      0,
      -0,
      1,
      -2,
      65504,
      65519.99,
      65520,
      1e9,
      -1e9,
      2 ** -14,
      2 ** -24,
      2 ** -25,
      2 ** -25 * 1.5,
      1e-9,
      1 + 2 ** -11,
      1 + 3 * 2 ** -11,
    ];
    for (const x of [...edges, ...numbers, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])
      expect([x, halfBits(x)]).toEqual([x, floatToHalf(x)]);
  });
});

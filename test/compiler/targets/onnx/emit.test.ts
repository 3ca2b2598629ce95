// The form of emitted models: names, places of weights, fixed sizes, and bytes that do not change.
import { describe, expect, it } from "vitest";
import { emitPackage } from "../../../../compiler/package-files.ts";
import { GraphBuilder } from "../../../../compiler/rewriting/builder.ts";
import { emitOnnx } from "../../../../compiler/targets/onnx/emit.ts";
import { decodeModel, halfBits } from "../../../../compiler/targets/onnx/proto.ts";
import { floatToHalf } from "../../../../runtime/half.ts";
import { compileFile } from "../../../golden/cases.ts";
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

  it("says of inputs and outputs their axes, of nodes where they come from, and of values within the graph their types", () => {
    const { graph } = decodeModel(emitOnnx(twoConvolutions(), placement, { shown: ({ file, start }) => `${file}:${start + 1}` }));
    expect([graph?.input?.[0]?.docString, graph?.output?.[0]?.docString]).toEqual(["[B, F, C, H, W]", "[B, F, C, H, W]"]);
    expect(graph?.node?.map(({ docString }) => docString)).toEqual([
      ...new Array(3).fill("unet.stem at test.mv:1"),
      ...new Array(3).fill("unet.head at test.mv:1"),
      "",
    ]);
    const inner = graph?.valueInfo?.map(({ name, type }) => [
      name,
      type?.tensorType?.elemType,
      type?.tensorType?.shape?.dim?.map(({ dimValue }) => Number(dimValue)),
    ]);
    // 1 is f32.
    expect(inner).toEqual([
      ["unet.stem/Reshape.2", 1, [1, 2, 3, 4, 4]],
      ["unet.head/Reshape.2", 1, [1, 2, 3, 4, 4]],
    ]);
  });

  it("says of the model what was chosen and how it is sampled", () => {
    const module = compileFile("models/magicvideo.mv", { preset: "Mini", ablations: ["Undirected", "NoAdaptor"] });
    const [step, decode] = ["step", "decode"].map((name) => {
      const bytes = emitPackage(module, "1.2.3", { onnx: true }).graphs.get(`${name}.onnx`);
      return decodeModel(bytes ?? new Uint8Array());
    });
    expect([step?.producerName, step?.producerVersion]).toEqual(["mvc", "1.2.3"]);
    expect(step?.docString).toBe("step of MagicVideo, preset Mini, ablation Undirected, ablation NoAdaptor");
    const properties = Object.fromEntries((step?.metadataProps ?? []).map(({ key, value }) => [key, value ?? ""]));
    expect(properties).toMatchObject({ model: "MagicVideo", preset: "Mini", ablations: '["Undirected","NoAdaptor"]', precision: "f32" });
    expect(JSON.parse(properties.axes ?? "")).toMatchObject({ z: ["B", "F", "Z", "H", "W"], t: ["B"] });
    expect(JSON.parse(properties.sampler ?? "")).toEqual(module.sampler);
    expect(properties.guided_batch).toMatch(/^guided half first, then unguided/);
    expect(decode?.metadataProps?.map(({ key }) => key)).not.toContain("guided_batch");
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

// Each version of ONNX's operators: the nodes that differ between them compute what the reference does, and none is newer than its version.
import { describe, expect, it } from "vitest";
import { onnxPasses, runPasses } from "../../../../compiler/passes/passes.ts";
import { emitOnnx } from "../../../../compiler/targets/onnx/emit.ts";
import { opsets } from "../../../../compiler/targets/onnx/opsets.ts";
import { decodeModel } from "../../../../compiler/targets/onnx/proto.ts";
import { byOnnx, byReference, graphOf, randomRun, relativeError } from "../../ops/one-op.ts";
import { build, titled } from "./op-cases.ts";

/** The file format that each was released with: https://github.com/onnx/onnx/blob/main/docs/Versioning.md */
const released = [
  [17, 8],
  [18, 8],
  [19, 9],
  [20, 9],
  [21, 10],
  [22, 10],
  [23, 11],
  [24, 12],
  [25, 13],
];

it("the file's version is the one that the operators were released with", () => {
  const found = opsets.map((opset) => decodeModel(emitOnnx(graphOf("silu", [{ dtype: "f32", shape: [2] }]), new Map(), { opset })));
  expect(found.map(({ opsetImport, irVersion }) => [Number(opsetImport[0]?.version), Number(irVersion)])).toEqual(released);
});

// The first, the last before a change of any node's form, and the newest. ONNX Runtime knows all versions' forms and refuses those of others.
describe.each([17, 18, 25] as const)("opset %i", (opset) => {
  // As at opset 20, in parity.test.ts.
  it.each(titled)("f32 %s", async (_title, row) => {
    const graph = build(row, "f32");
    const run = randomRun(graph, 7, 2);
    expect(relativeError(await byOnnx(graph, run, { opset }), byReference(graph, run))).toBeLessThan(1e-5);
  });
});

it.each(["none", "tanh"] as const)(
  "gelu without Gelu, approximate %s, is as exact in halves: 11 bits, rounded once",
  async (approximate) => {
    const graph = graphOf("gelu", [{ dtype: "f16", shape: [3, 999] }], { approximate });
    const run = randomRun(graph, 3, 8);
    expect(relativeError(await byOnnx(graph, run, { opset: 17 }), byReference(graph, run))).toBeLessThan(5e-4);
    const types = decodeModel(emitOnnx(graph, new Map(), { opset: 17 })).graph?.node?.map(({ opType }) => opType);
    expect(types).not.toContain("Gelu");
  },
);

describe("a group of more elements than a scale may have", () => {
  const graph = graphOf("groupNorm", [{ dtype: "f32", shape: [2, 4, 180, 190] }], { groups: 2 });
  it("is normalised by a scale that stretches", () => {
    const { nodes, largest } = shown(graph);
    expect(nodes).toContain("InstanceNormalization");
    expect(nodes).not.toContain("Expand");
    expect(largest).toBeLessThan(10);
  });

  it("as the reference does, with a mean of some deviations too", async () => {
    const run = randomRun(graph, 5);
    const moved = new Map([...run.inputs].map(([name, { shape, data }]) => [name, { shape, data: data.map((x) => x + 2) }]));
    // Sums of 68,400 f32 terms in one order lose some ten units of the last place.
    for (const one of [run, { ...run, inputs: moved }])
      expect(relativeError(await byOnnx(graph, one), byReference(graph, one))).toBeLessThan(1e-5);
  });

  function shown(one: typeof graph) {
    const weights = one.values.flatMap((value) => (value.kind === "weight" ? [value.path] : []));
    const model = decodeModel(emitOnnx(runPasses(one, onnxPasses), new Map(weights.map((path) => [path, { offset: 0, length: 16 }]))));
    const sizes = (model.graph?.initializer ?? []).map(({ dims }) => (dims ?? []).reduce((size: number, dim) => size * Number(dim), 1));
    return { nodes: model.graph?.node?.map(({ opType }) => opType), largest: Math.max(...sizes) };
  }
});

it("ones of one length are made once", () => {
  const one = graphOf("layerNorm", [{ dtype: "f32", shape: [2, 7] }], { affine: false });
  const [value] = one.outputs;
  const twice = {
    ...one,
    values: [...one.values, { ...one.values.at(-1), id: 99, inputs: [value?.value ?? 0] } as (typeof one.values)[number]],
  };
  const nodes = decodeModel(emitOnnx(twice, new Map())).graph?.node?.map(({ opType }) => opType);
  expect(nodes).toEqual(["Expand", "LayerNormalization", "LayerNormalization", "Identity"]);
});

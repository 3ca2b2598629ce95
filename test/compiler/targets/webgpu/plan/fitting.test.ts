// What is joined stays within every limit that its parts keep, what cannot be read through is made in memory, and what no plan can bring within a device's limits is refused at once.

import { describe, expect, test } from "vitest";
import { GraphBuilder } from "../../../../../compiler/rewriting/builder.ts";
import { type DeviceLimits, defaultLimits } from "../../../../../compiler/targets/webgpu/plan/limits.ts";
import { type PlanResult, planModel } from "../../../../../compiler/targets/webgpu/plan-model.ts";
import { compileFile } from "../../../../golden/cases.ts";
import { plansOf } from "../../../../golden/package-folder.ts";
import { compileText, joinedModels } from "../joined.ts";

const kernelsOf = (source: string) => source.split(/^\/\/ kernel /m).slice(1);
const planOf = (source: string, limits: Partial<DeviceLimits> = {}, precision: "f32" | "f16" = "f32") => {
  const planned = plansOf(compileText(source, precision), { ...defaultLimits, ...limits }).get("run");
  if (planned === undefined) throw new Error("no graph run");
  return planned;
};

describe.each(Object.entries(joinedModels))("%s", (_, source) => {
  test.each(["f32", "f16"] as const)("keeps within what every device grants, and within half of its bindings, in %s", (precision) => {
    for (const count of [8, 4]) {
      const { plan, source: kernels } = planOf(source, { maxStorageBuffersPerShaderStage: count }, precision);
      for (const { label, bindings } of plan.dispatches) expect(bindings.length, label).toBeLessThanOrEqual(count);
      for (const kernel of kernelsOf(kernels)) expect(kernel.length, kernel.slice(0, 200)).toBeLessThan(30_000);
    }
  });
});

test("linear ops of the same rows share products as large as a binding, and no larger", () => {
  // Twelve matrices of 96 x 96 f32: all in one product, or as many as fit.
  const widest = (binding: number) =>
    Math.max(
      ...planOf(joinedModels["linear ops of the same rows"], { maxStorageBufferBindingSize: binding }).plan.weights.map(
        ({ parts }) => parts.length,
      ),
    );
  const matrix = 96 * 96 * 4;
  const wide = (products: number) =>
    planOf(joinedModels["linear ops of the same rows"], { maxStorageBufferBindingSize: products * matrix }).plan;
  expect(widest(2 ** 27)).toBeGreaterThanOrEqual(12);
  for (const products of [1, 3, 5]) {
    for (const { label, bytes } of wide(products).weights.slice(1)) expect(bytes, label).toBeLessThanOrEqual(products * matrix);
  }
});

test("a bias of 256 windows is written in kernels below 20 KB", () => {
  const { source, plan } = planOf(joinedModels["a relative-position bias"].replace("S = 48", "S = 256"));
  expect(Math.max(...kernelsOf(source).map(({ length }) => length))).toBeLessThan(20_000);
  expect(plan.dispatches.length).toBeLessThan(30);
});

test("hundreds of values side by side", () => {
  const { plan } = planOf(joinedModels["values side by side"].replace("N = 23", "N = 400"));
  expect(plan.dispatches.length).toBeLessThan(500);
});

test("what would double with each round is made in memory before it does", () => {
  const { source } = planOf(joinedModels["halves that swap again and again"].replace("repeat i of 14", "repeat i of 60"));
  expect(Math.max(...kernelsOf(source).map(({ length }) => length))).toBeLessThan(20_000);
});

/** The refusal of a model whose kernels would be far beyond any device, as code, message and hint. */
function refusalOf(result: PlanResult): readonly string[] {
  return result.ok ? [] : result.diagnostics.map(({ code, message, hint }) => `${code}: ${message} (${hint})`);
}

const unlimited = { ...defaultLimits, maxStorageBufferBindingSize: 2 ** 53 - 1, maxBufferSize: 2 ** 53 - 1 };

test.each([
  ["frames", { F: 250 }, "`decode`"],
  ["a vocabulary", { vocabulary: 2_000_000 }, "`text.token.weight`"],
] as const)("more than a device holds of %s: refused, with the way out", (_, settings, what) => {
  const refusals = refusalOf(planModel(compileFile("models/magicvideo.mv", { settings }), defaultLimits));
  expect(refusals.length).toBeGreaterThan(0);
  for (const refusal of refusals) {
    expect(refusal).toMatch(/^device-limit: /);
    expect(refusal).toContain("--target onnx");
  }
  expect(refusals[0]).toContain(what);
});

test("elements that 32 bits do not count are refused, though little of them reaches memory", () => {
  const wide = (rows: number) => {
    const builder = new GraphBuilder();
    const origin = { path: "", span: { file: "test.mv", start: 0, end: 0 }, expandedFrom: [] };
    const x = builder.input("x", { dtype: "f32", shape: [1, 1] }, ["1", "1"]);
    const stretched = builder.op("broadcast", [x], { shape: [rows, 4] }, origin);
    const value = builder.op("slice", [builder.op("silu", [stretched], {}, origin)], { axis: 0, start: 0, size: 1 }, origin);
    const graph = builder.finish("wide", [{ name: "y", value, axes: ["1", "4"] }]);
    const empty = compileText("model M { graph run(x: Tensor<float, [1]>): Tensor<float, [1]> { return x; } }");
    return refusalOf(planModel({ ...empty, graphs: new Map([["wide", graph]]), origins: new Map([["wide", origin.span]]) }, unlimited));
  };
  expect(wide(2 ** 16)).toEqual([]);
  expect(wide(2 ** 31).join()).toMatch(/^device-limit/);
});

describe("a value that is cut along its frames", () => {
  const source = (frames: number, width: number) => `dim F = ${frames};
model M {
  graph run(x: Tensor<float, [1, 1, 4, 1, 1]>): Tensor<float, [1, 1, 4, 1, 1]> {
    const all = expand(x, [1, F, 4, 1, 1]) |> conv2d(${width}, kernel: 1) as wide |> silu() |> conv2d(4, kernel: 1) as narrow;
    return all |> slice(axis: 1, start: 0, size: 1);
  }
}`;
  const refused = (frames: number, width: number, binding: number) =>
    refusalOf(planModel(compileText(source(frames, width)), { ...defaultLimits, maxStorageBufferBindingSize: binding }));
  test("builds where its pieces and what they come to fit", () => {
    expect(refused(1_000_000, 512, 16_000_000)).toEqual([]);
  });
  test("is refused where what its pieces come to does not", () => {
    expect(refused(1_000_000, 512, 16_000).join()).toMatch(/^device-limit/);
  });
  test("is refused where it would be cut into more pieces than can be planned", () => {
    expect(refused(46_000, 46_000, 740_000).join()).toMatch(/^device-limit/);
  });
});

test("small weights are bound apart, and lie in several buffers, where one binding or buffer does not hold them", () => {
  const source = `
block Shift(x: Tensor<float, [32, 1000000]>): Tensor<float, [32, 1000000]> {
  weight shift: Tensor<float, [32, 1000000]> = normal(0.02);
  return (x + shift) |> tanh();
}
model M {
  graph run(x: Tensor<float, [1, 1000000]>): Tensor<float, [1, 1]> {
    let h = expand(x, [32, 1000000]);
    repeat i of 3 as unit { h = h |> Shift() as a; }
    return h |> slice(axis: 0, start: 0, size: 1) |> slice(axis: 1, start: 0, size: 1);
  }
}`;
  const { plan } = planOf(source);
  for (const { label, bytes } of plan.weights) expect(bytes, label).toBeLessThanOrEqual(defaultLimits.maxBufferSize);
  const shifts = plan.weights.flatMap(({ parts }, buffer) => parts.map(({ path, start }) => ({ path, buffer, start })));
  expect(shifts.map(({ path }) => path)).toEqual(["unit.0.a.shift", "unit.1.a.shift", "unit.2.a.shift"]);
  for (const { path, buffer, start } of shifts) {
    const reads = plan.dispatches.flatMap(({ bindings }) =>
      bindings.filter((one) => one.kind === "weight" && one.index === buffer && one.offset === start * 4),
    );
    expect(reads.length, path).toBe(1);
  }
});

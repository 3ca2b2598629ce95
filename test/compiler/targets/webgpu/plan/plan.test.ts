// The laws of a plan, on Mini and on a step of training at every limit from WebGPU's own down to absurd ones: read before anybody else writes there, no byte read and written at once, within its slots.

import { describe, expect, test } from "vitest";
import { compile } from "../../../../../compiler/compile.ts";
import { differentiate } from "../../../../../compiler/differentiate/differentiate.ts";
import type { Graph } from "../../../../../compiler/graph/graph.ts";
import type { Binding } from "../../../../../compiler/package/plan.ts";
import { passes, runPasses } from "../../../../../compiler/passes/passes.ts";
import { breachesOf, defaultLimits } from "../../../../../compiler/targets/webgpu/plan/limits.ts";
import { planGraph } from "../../../../../compiler/targets/webgpu/plan-graph.ts";
import { checkText } from "../../../../dsl/sources.ts";
import { compileFile } from "../../../../golden/cases.ts";

const { graphs } = compileFile("models/magicvideo.mv", { preset: "Mini" });

function graphOf(text: string, name: string): Graph {
  const { program } = checkText(text);
  const compiled = program && compile(program, { precision: "f32" });
  const graph = compiled?.ok ? compiled.module.graphs.get(name) : undefined;
  if (graph === undefined) throw new Error(`${name} does not compile`);
  return graph;
}

/** The loss of what a U-Net's block is made of, and the gradients of all its weights. */
function stepOfBlock(): Graph {
  const loss = graphOf(
    `model Block<F = 2, C = 8, H = 16, W = 32> {
  graph loss(x: Tensor<float, [1, F, C, H, W]>): Tensor<float, [1]> {
    const h = x |> conv2d(C, kernel: 3) as enter |> conv2d(C, kernel: 3) as inner |> groupNorm(2) as norm |> silu();
    const y = h |> arrange([F, H * W, C]) |> linear(32) as widen |> geglu() |> linear(C) as narrow;
    return view(view(y * y, [1, F * H * W * C]) |> mean(axis: 1), [1]);
  }
}
`,
    "loss",
  );
  const paths = loss.values.flatMap((value) => (value.kind === "weight" ? [value.path] : []));
  return runPasses(differentiate(loss, paths), passes);
}
const step = stepOfBlock();
const limitsOf = (binding: number) => ({ ...defaultLimits, maxStorageBufferBindingSize: binding });

/** What each kernel declares of its bindings. */
function accessOf(source: string): ReadonlyMap<string, readonly string[]> {
  const kernels = source.split(/^\/\/ kernel /m).slice(1);
  return new Map(
    kernels.map((text) => [text.slice(0, text.indexOf("\n")), [...text.matchAll(/<storage, (\w+)>/g)].map(([, mode = ""]) => mode)]),
  );
}

function overlap(one: Binding, other: Binding): boolean {
  if (one.kind !== "slot" || other.kind !== "slot" || one.index !== other.index) return false;
  return one.offset < other.offset + other.size && other.offset < one.offset + one.size;
}

describe.each([128 * 2 ** 20, 700_000, 100_000, 1500, 100])("bindings of at most %d bytes", (binding) => {
  test.each([...graphs, ["a step of training", step] as const])("%s", (_, graph) => {
    const { plan, source } = planGraph(graph, limitsOf(binding));
    const access = accessOf(source);
    const written = new Map<string, Binding>();
    for (const [at, { bindings, writes, kernel, variants = [], label }] of plan.dispatches.entries()) {
      const target = bindings[writes];
      if (target === undefined) throw new Error(`${label} writes nothing`);
      for (const [i, one] of bindings.entries()) {
        if ("size" in one && one.kind === "slot") expect(one.offset + one.size).toBeLessThanOrEqual(plan.slots[one.index] ?? 0);
        if (i === writes || one.kind !== "slot") continue;
        expect(written.has(JSON.stringify(one)), `${label} (${at}) reads what nobody has written, or what is written over`).toBe(true);
        expect(overlap(target, one), `${label} (${at}) reads bytes that it writes`).toBe(false);
      }
      for (const name of [kernel, ...variants.map((variant) => variant.kernel)]) {
        const declared = access.get(name) ?? [];
        expect(declared.length, name).toBe(bindings.length);
        for (const [i, one] of bindings.entries()) {
          for (const [j, other] of bindings.entries()) {
            if (one.kind === "slot" && other.kind === "slot" && one.index === other.index) expect(declared[i], name).toBe(declared[j]);
          }
        }
        expect(declared[writes], name).toBe("read_write");
      }
      for (const [key, other] of written) if (key !== JSON.stringify(target) && overlap(target, other)) written.delete(key);
      written.set(JSON.stringify(target), target);
    }
    for (const [index, { name }] of plan.outputs.entries()) {
      expect([...written.keys()], `output ${name} is never written`).toContain(JSON.stringify({ kind: "output", index }));
    }
  });
});

test("an output that is an input, or another output too, has a kernel that writes it", () => {
  const text =
    "type Row = Tensor<float, [4]>;\nmodel M {\n  graph run(x: Row): { a: Row, b: Row[], c: Row } {\n    return { a: x, b: [x * 2, x * 2], c: x };\n  }\n}\n";
  const { plan } = planGraph(graphOf(text, "run"), defaultLimits);
  const written = plan.dispatches.map(({ bindings, writes }) => bindings[writes]);
  expect(plan.outputs.map(({ name }) => name)).toEqual(["a", "b.0", "b.1", "c"]);
  expect(written).toEqual(expect.arrayContaining(plan.outputs.map((_, index) => ({ kind: "output", index }))));
});

test("the full size is within what every device grants and a tenth over the least memory, in both precisions", () => {
  for (const precision of ["f32", "f16"] as const) {
    for (const [name, graph] of compileFile("models/magicvideo.mv", { precision }).graphs) {
      const { plan, memory } = planGraph(graph);
      expect(breachesOf(plan, defaultLimits)).toEqual([]);
      expect(memory.planned, `${name} ${precision}`).toBeLessThanOrEqual(1.1 * memory.least);
    }
  }
});

test.each([
  ["f16", 404],
  ["f32", 424],
] as const)("the full size's step in %s: %d dispatches, and memory", (precision, most) => {
  const step = compileFile("models/magicvideo.mv", { precision }).graphs.get("step");
  if (step === undefined) throw new Error("no step");
  const { plan, memory } = planGraph(step);
  expect(plan.dispatches.length).toBeLessThanOrEqual(most);
  expect(memory.planned).toBeLessThan(2 ** 30);
  expect(plan.dispatches.filter(({ kernel }) => /^(transpose|concat|reshape|slice|upsample|broadcast)_/.test(kernel))).toEqual([]);
});

test("gradients lie as the products and convolutions below read them: in fours, without a branch", () => {
  const { source } = planGraph(step);
  const kernels = source.split(/^\/\/ kernel /m).filter((text) => /^(convTranspose2d|matmul_1024x32x8)/.test(text));
  expect(new Set(kernels.map((text) => text.slice(0, text.indexOf("_"))))).toEqual(new Set(["matmul", "convTranspose2d"]));
  for (const text of kernels) {
    expect(text).not.toMatch(/var<storage, read> \w+: array<f32>/);
    expect(text).not.toMatch(/if \(k/);
  }
});

// The laws of a plan, on Mini at every limit from WebGPU's own down to absurd ones: read after written, never read and written at once, within its slots.

import { describe, expect, test } from "vitest";
import { breachesOf, defaultLimits } from "../../../compiler/plan/limits.ts";
import { planGraph } from "../../../compiler/plan/plan.ts";
import { compileFile } from "../../golden/cases.ts";

const { graphs } = compileFile("models/magicvideo.mv", { preset: "Mini" });
const limitsOf = (binding: number) => ({ ...defaultLimits, maxStorageBufferBindingSize: binding });

describe.each([128 * 2 ** 20, 700_000, 100_000, 1500, 100])("bindings of at most %d bytes", (binding) => {
  test.each([...graphs])("%s", (_, graph) => {
    const { plan, source } = planGraph(graph, limitsOf(binding));
    const written = new Map<string, string>();
    for (const [at, { bindings, writes, kernel, label }] of plan.dispatches.entries()) {
      expect(source).toContain(`// kernel ${kernel}\n`);
      const target = bindings[writes];
      const place = (one: (typeof bindings)[number]) => JSON.stringify(one);
      for (const [i, one] of bindings.entries()) {
        if ("size" in one && one.kind === "slot") expect(one.offset + one.size).toBeLessThanOrEqual(plan.slots[one.index] ?? 0);
        if (i === writes || one.kind !== "slot") continue;
        expect(written.has(place(one)), `${label} (${at}) reads what nobody has written`).toBe(true);
        expect(target?.kind === "slot" && target.index === one.index, `${label} (${at}) reads and writes a slot`).toBe(false);
      }
      if (target !== undefined) written.set(place(target), label);
    }
    for (const [index, { name }] of plan.outputs.entries()) {
      expect([...written.keys()], `output ${name} is never written`).toContain(JSON.stringify({ kind: "output", index }));
    }
  });
});

test("the full size is within what every device grants, in both precisions", () => {
  for (const precision of ["f32", "f16"] as const) {
    for (const [, graph] of compileFile("models/magicvideo.mv", { precision }).graphs) {
      expect(breachesOf(planGraph(graph).plan, defaultLimits)).toEqual([]);
    }
  }
});

test("the full size's step: dispatches and memory", () => {
  const step = compileFile("models/magicvideo.mv", { precision: "f16" }).graphs.get("step");
  if (step === undefined) throw new Error("no step");
  const { plan, memory } = planGraph(step);
  expect(plan.dispatches.length).toBeLessThanOrEqual(550);
  expect(memory.planned).toBeLessThan(2 ** 30);
  expect(plan.dispatches.filter(({ kernel }) => /^(transpose|concat|reshape|slice|upsample|broadcast)_/.test(kernel))).toEqual([]);
});

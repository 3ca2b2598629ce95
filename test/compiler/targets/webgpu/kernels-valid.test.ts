// Every kernel of the shipped models goes through a WebGPU that checks all and computes nothing, at the limits that every device grants.

import { expect, test } from "vitest";
import type { Graph } from "../../../../compiler/graph/graph.ts";
import { type DeviceLimits, defaultLimits } from "../../../../compiler/targets/webgpu/plan/limits.ts";
import { planGraph } from "../../../../compiler/targets/webgpu/plan-graph.ts";
import { compileFile } from "../../../golden/cases.ts";
import { openGpu } from "../../../gpu.ts";
import { compileText, joinedModels } from "./joined.ts";

/** Dawn without a driver: its checks are the specification's, whatever the machine. */
const gpu = openGpu("backend=null", "enable-dawn-features=allow_unsafe_apis");

const kernelsOf = (graphs: Iterable<Graph>, limits: DeviceLimits = defaultLimits) => {
  const found = new Map<string, string>();
  for (const graph of graphs) {
    for (const section of planGraph(graph, limits)
      .source.split(/^\/\/ kernel /m)
      .slice(1)) {
      const end = section.indexOf("\n");
      found.set(section.slice(end + 1), `${graph.name} ${section.slice(0, end)}`);
    }
  }
  return found;
};

/** What the device says of kernels that it does not take. */
async function refusedOf(kernels: ReadonlyMap<string, string>): Promise<readonly string[]> {
  const adapter = await gpu.requestAdapter();
  const device = await adapter?.requestDevice({ requiredFeatures: ["subgroups"] });
  if (device === undefined) throw new Error("Dawn's null backend gave no device");
  const refused: string[] = [];
  for (const [code, name] of kernels) {
    const module = device.createShaderModule({ code });
    const pipeline = device.createComputePipelineAsync({ layout: "auto", compute: { module, entryPoint: "main" } });
    await pipeline.catch((error: unknown) => refused.push(`${name}: ${error}`));
  }
  device.destroy();
  return refused;
}

test.each([
  [undefined, "f32"],
  [undefined, "f16"],
  ["Mini", "f32"],
  ["Mini", "f16"],
] as const)(
  "preset %s, %s",
  async (preset, precision) => {
    const kernels = kernelsOf(compileFile("models/magicvideo.mv", { preset, precision }).graphs.values());
    expect(kernels.size).toBeGreaterThan(100);
    expect(await refusedOf(kernels)).toEqual([]);
  },
  120_000,
);

test("what limits have cut, joined or folded", async () => {
  const full = compileFile("models/magicvideo.mv", { precision: "f16" }).graphs.get("decode") as Graph;
  const large = { ...defaultLimits, maxStorageBufferBindingSize: 2 ** 31, maxBufferSize: 2 ** 31 };
  const joined = Object.values(joinedModels).flatMap((source) => [...compileText(source).graphs.values()]);
  for (const kernels of [
    kernelsOf([full], large),
    kernelsOf(joined),
    kernelsOf(joined, { ...defaultLimits, maxStorageBuffersPerShaderStage: 4 }),
  ]) {
    expect(await refusedOf(kernels)).toEqual([]);
  }
}, 60_000);

test("what is beyond the limits is refused", async () => {
  const device = await (await gpu.requestAdapter())?.requestDevice();
  const module = device?.createShaderModule({ code: "@compute @workgroup_size(512) fn main() {}" });
  const compute = { module: module as GPUShaderModule, entryPoint: "main" };
  await expect(device?.createComputePipelineAsync({ layout: "auto", compute })).rejects.toThrow(/512/);
});

// Every kernel of the shipped models goes through a WebGPU that checks all and computes nothing, at the limits that every device grants.

import { expect, test } from "vitest";
import { planGraph } from "../../../../compiler/targets/webgpu/plan-graph.ts";
import { compileFile } from "../../../golden/cases.ts";
import { openGpu } from "../../../gpu.ts";

/** Dawn without a driver: its checks are the specification's, whatever the machine. */
const gpu = openGpu("backend=null", "enable-dawn-features=allow_unsafe_apis");

const kernelsOf = (preset: string | undefined, precision: "f32" | "f16") => {
  const found = new Map<string, string>();
  for (const graph of compileFile("models/magicvideo.mv", { preset, precision }).graphs.values()) {
    for (const section of planGraph(graph)
      .source.split(/^\/\/ kernel /m)
      .slice(1)) {
      const end = section.indexOf("\n");
      found.set(section.slice(end + 1), `${graph.name} ${section.slice(0, end)}`);
    }
  }
  return found;
};

test.each([
  [undefined, "f32"],
  [undefined, "f16"],
  ["Mini", "f32"],
  ["Mini", "f16"],
] as const)(
  "preset %s, %s",
  async (preset, precision) => {
    const adapter = await gpu.requestAdapter();
    const device = await adapter?.requestDevice({ requiredFeatures: ["subgroups"] });
    if (device === undefined) throw new Error("Dawn's null backend gave no device");
    const kernels = kernelsOf(preset, precision);
    expect(kernels.size).toBeGreaterThan(100);
    const refused: string[] = [];
    for (const [code, name] of kernels) {
      const module = device.createShaderModule({ code });
      const pipeline = device.createComputePipelineAsync({ layout: "auto", compute: { module, entryPoint: "main" } });
      await pipeline.catch((error: unknown) => refused.push(`${name}: ${error}`));
    }
    expect(refused).toEqual([]);
    device.destroy();
  },
  120_000,
);

test("what is beyond the limits is refused", async () => {
  const device = await (await gpu.requestAdapter())?.requestDevice();
  const module = device?.createShaderModule({ code: "@compute @workgroup_size(512) fn main() {}" });
  const compute = { module: module as GPUShaderModule, entryPoint: "main" };
  await expect(device?.createComputePipelineAsync({ layout: "auto", compute })).rejects.toThrow(/512/);
});

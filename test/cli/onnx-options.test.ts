// `mvc build` for other engines: the version of ONNX's operators, and weight files of single graphs.

import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { decodeModel } from "../../compiler/targets/onnx/proto.ts";
import { loadPipeline, openPackage, packageFolder, readSafetensorsHeader } from "../../runtime/index.ts";
import { mvc, temporaryFolder } from "./mvc.ts";

const folder = temporaryFolder();
afterAll(() => rmSync(folder, { recursive: true }));

const model = join(folder, "two.mv");
writeFileSync(
  model,
  `dim B = 1;
type Row = Tensor<float, [B, 4]>;
model Two {
  graph first(x: Row): Row { return (x |> linear(4) as own) |> linear(4) as shared |> gelu(); }
  graph second(x: Row): Row { return x |> linear(4) as shared; }
  graph bare(x: Row): Row { return x |> gelu(); }
}
`,
);
const built = (name: string, ...options: string[]) => mvc(["build", model, "--init", "3", ...options, "-o", join(folder, name)]);
const modelOf = (name: string, graph: string) => decodeModel(readFileSync(join(folder, name, `${graph}.onnx`)));
const locations = (name: string, graph: string) => [
  ...new Set(
    (modelOf(name, graph).graph?.initializer ?? []).flatMap(({ externalData }) =>
      (externalData ?? []).flatMap(({ key, value }) => (key === "location" ? [value] : [])),
    ),
  ),
];

test("--opset: the model's version, and its nodes; what is not known is refused with the list", async () => {
  expect((await built("old", "--opset", "17")).code).toBe(0);
  expect(Number(modelOf("old", "bare").opsetImport?.[0]?.version)).toBe(17);
  expect(modelOf("old", "bare").graph?.node?.map(({ opType }) => opType)).toContain("Erf");
  expect(modelOf("old", "second").graph?.node?.[0]?.docString).toBe("shared at two.mv:5:38");
  const { code, err } = await built("none", "--opset", "16");
  expect(code).toBe(2);
  expect(err).toContain("17, 18, 19, 20, 21, 22, 23, 24, 25");
  for (const option of [["--opset", "17"], ["--weights-per-graph"]])
    expect((await built("none", "--target", "webgpu", ...option)).err).toContain(`${option[0]} must be given with the target onnx`);
});

test("--weights-per-graph: each graph's weights and no others; it runs as before, is checked, and goes when it is built without", async () => {
  expect((await built("one")).code).toBe(0);
  expect((await built("many", "--weights-per-graph")).code).toBe(0);
  const own = ["first.weights.safetensors", "second.weights.safetensors"];
  const files = readdirSync(join(folder, "many")).filter((file) => file.endsWith(".safetensors"));
  expect(files.sort()).toEqual([...own, "weights.safetensors"]);
  const header = await readSafetensorsHeader(join(folder, "many", "second.weights.safetensors"));
  expect([...header.tensors.keys()]).toEqual(["shared.weight", "shared.bias"]);
  expect(["first", "second"].map((graph) => locations("many", graph))).toEqual(own.map((file) => [file]));
  expect(["first", "second"].map((graph) => locations("one", graph))).toEqual([["weights.safetensors"], ["weights.safetensors"]]);

  const x = { dtype: "f32", shape: [1, 4], data: Float32Array.of(1, -2, 3, 0.5) } as const;
  const run = async (name: string) => {
    const pipeline = await loadPipeline(join(folder, name), { backend: "onnx" });
    const { first } = await pipeline.run("first", { x });
    await pipeline.dispose();
    return [...(first?.data ?? [])];
  };
  expect(await run("many")).toEqual(await run("one"));

  const open = () => openPackage(packageFolder(join(folder, "many")));
  const damaged = join(folder, "many", "second.weights.safetensors");
  const bytes = readFileSync(damaged);
  writeFileSync(damaged, bytes.subarray(4));
  await expect(open()).rejects.toMatchObject({
    code: "weights-mismatch",
    message: expect.stringContaining("second.weights.safetensors has"),
  });
  writeFileSync(damaged, Buffer.from(bytes).fill(0, bytes.length - 4));
  await expect(open()).rejects.toMatchObject({ code: "hash-mismatch" });
  rmSync(damaged);
  await expect(open()).rejects.toMatchObject({ message: expect.stringContaining('the weight file of the graph "second" is missing') });

  writeFileSync(damaged, bytes);
  const { out } = await built("many");
  expect(out).toContain("removed of the package that was there: first.weights.safetensors, second.weights.safetensors\n");
  expect(readdirSync(join(folder, "many")).filter((file) => file.endsWith(".safetensors"))).toEqual(["weights.safetensors"]);
});

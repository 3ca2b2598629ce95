// `mvc build --target torch`: the model's file in the package, in the place of an older one, and gone where the target is.

import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { filesBelow } from "../../cli/package-place.ts";
import { mvc, temporaryFolder } from "./mvc.ts";

const folder = temporaryFolder();
afterAll(() => rmSync(folder, { recursive: true }));

const model = join(folder, "two.mv");
writeFileSync(model, "model Two { graph run(x: Tensor<float, [1, 4]>): Tensor<float, [1, 4]> { return x |> linear(4) as double; } }\n");
const output = join(folder, "out");
const build = (...targets: readonly string[]) => mvc(["build", model, "--init", "0", "--target", targets.join(), "-o", output]);

test("the package has model.py, which the manifest names and a later build takes away; one of the user's own is not written over", async () => {
  expect((await build("torch")).code).toBe(0);
  expect([...filesBelow(output)].sort()).toEqual(["bindings.ts", "graphs/run.json", "manifest.json", "model.py", "weights.safetensors"]);
  const text = readFileSync(join(output, "model.py"), "utf8");
  expect(text).toContain('self._modules["double"] = nn.Linear(4, 4)');
  const { torch } = JSON.parse(readFileSync(join(output, "manifest.json"), "utf8"));
  expect(torch).toEqual([{ file: "model.py", bytes: Buffer.byteLength(text), sha256: expect.stringMatching(/^[0-9a-f]{64}$/) }]);

  expect((await build("onnx", "torch")).out).toContain("replaced of the package that was there: manifest.json, bindings.ts");
  expect((await build("onnx")).out).toContain("removed of the package that was there: model.py");
  expect(existsSync(join(output, "model.py"))).toBe(false);

  writeFileSync(join(output, "model.py"), "mine\n");
  expect((await build("torch")).err).toContain("model.py");
  expect(readFileSync(join(output, "model.py"), "utf8")).toBe("mine\n");
});

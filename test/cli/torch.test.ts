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

test("a model that is trained has train.py beside it, in halves too", async () => {
  const file = join(folder, "trained.mv");
  writeFileSync(
    file,
    `dim B = 1;
model Trained {
  graph run(x: Tensor<float, [B, 4]>): Tensor<float, [B, 4]> { return x |> linear(4) as way; }
  graph loss(x: Tensor<float, [B, 4]>): Tensor<f32, [1]> { return view(x |> linear(4) as way, [B * 4]) |> mean(axis: 0); }
  train only { loss: loss, inputs: { x: { from: "noise" } }, weights: [{ path: "way" }], learningRate: 1e-3, batch: 2, steps: 3 }
}
`,
  );
  const out = join(folder, "trained");
  for (const more of [[], ["--precision", "f16"]]) {
    expect((await mvc(["build", file, "--target", "torch", "-o", out, ...more])).code).toBe(0);
    const files = [...filesBelow(out)].filter((path) => !path.startsWith("trainer/"));
    expect(files.sort()).toEqual(["bindings.ts", "graphs/run.json", "manifest.json", "model.py", "train.py"]);
    expect(readFileSync(join(out, "train.py"), "utf8")).toContain(
      'return {"loss": self.model.way(x).reshape(B * 4).mean(0, keepdim=True)}',
    );
    expect(readFileSync(join(out, "model.py"), "utf8")).toContain(`dtype=torch.float${more.length > 0 ? "16" : "32"}`);
  }
});

test("a loop whose rounds move axes in other ways is no loop of Python, and is refused in one sentence", async () => {
  const source = `dim B = 2;
dim C = 3;
dim D = 5;
model Turned {
  graph run(x: Tensor<float, [B, C, D]>): Tensor<float, [B, C, D]> {
    const order = [[C, B, D], [B, D, C]];
    let h = x;
    repeat i of 2 {
      h = h |> arrange(order[i]);
    }
    return h |> arrange([B, C, D]);
  }
}
`;
  const file = join(folder, "turned.mv");
  writeFileSync(file, source);
  const { code, out, err } = await mvc(["build", file, "--target", "torch", "-o", join(folder, "turned")]);
  expect([code, out]).toEqual([1, ""]);
  expect(err).toContain("--target must be given without torch, as how axes move differs between the rounds of a loop of `run`");
  expect(existsSync(join(folder, "turned"))).toBe(false);
  expect((await mvc(["build", file, "--target", "onnx", "-o", join(folder, "turned")])).code).toBe(0);
});

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

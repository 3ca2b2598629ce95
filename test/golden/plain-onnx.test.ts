// Mini's graphs opened by nothing but their paths: by ONNX Runtime from another working directory, through a link to the package, and by onnx's checker.

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadPipeline } from "../../runtime/index.ts";
import { compileFile, goldenWeight } from "./cases.ts";
import { writePackage } from "./package-folder.ts";

const engine = createRequire(import.meta.url).resolve("onnxruntime-node");
const links = mkdtempSync(join(tmpdir(), "mvc-links-"));
const folders: string[] = [];
afterAll(() => {
  for (const folder of [...folders, links]) rmSync(folder, { recursive: true });
});

const checker = ["python3", "python"].find((python) => spawnSync(python, ["-c", "import onnx"]).status === 0);
if (checker === undefined) process.stderr.write("onnx's checker is skipped: no python3 here has the package onnx; `pip install onnx`\n");

/** What another program does: it knows the file, and nothing of packages. */
const program = `
const { InferenceSession, Tensor } = require(process.argv[1]);
const [folder, names] = [process.argv[2], JSON.parse(process.argv[3])];
(async () => {
  for (const name of names) await (await InferenceSession.create(folder + "/" + name + ".onnx", { logSeverityLevel: 4 })).release();
  const session = await InferenceSession.create(folder + "/encodeText.onnx");
  const { text } = await session.run({ tokens: new Tensor("int32", Int32Array.from({ length: 16 }, (_, i) => i), [1, 16]) });
  console.log(JSON.stringify([...text.data]));
})();
`;

describe.each([
  ["f32", false, 17],
  ["f32", true, 20],
  ["f16", false, 20],
] as const)("%s, a weight file a graph: %s, opset %i", (precision, weightsPerGraph, opset) => {
  const module = compileFile("models/magicvideo.mv", { preset: "Mini", precision });
  const names = [...module.graphs.keys()];
  let folder = "";
  beforeAll(() => {
    folder = writePackage(module, goldenWeight, undefined, { onnx: { weightsPerGraph, opset } });
    folders.push(folder);
  });

  test.skipIf(precision === "f16")("by ONNX Runtime", async () => {
    const link = join(links, `${weightsPerGraph}`);
    symlinkSync(folder, link);
    const pipeline = await loadPipeline(folder, { backend: "onnx" });
    const tokens = { dtype: "i32", shape: [1, 16], data: Int32Array.from({ length: 16 }, (_, i) => i) } as const;
    const { text } = await pipeline.run("encodeText", { tokens });
    await pipeline.dispose();
    for (const place of [folder, link]) {
      const { stdout, stderr } = spawnSync(process.execPath, ["-e", program, engine, place, JSON.stringify(names)], { cwd: "/" });
      expect(stderr.toString()).toBe("");
      expect(JSON.parse(stdout.toString())).toEqual([...(text?.data ?? [])]);
    }
  });

  test.skipIf(checker === undefined)("by onnx's checker", () => {
    const check = "import onnx, sys\nfor path in sys.argv[1:]: onnx.checker.check_model(path, full_check=True)";
    const { status, stderr } = spawnSync(checker ?? "", ["-c", check, ...names.map((name) => join(folder, `${name}.onnx`))], { cwd: "/" });
    expect([status, stderr.toString()]).toEqual([0, ""]);
  });
});

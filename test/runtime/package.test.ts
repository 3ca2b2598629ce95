/** Packages that are damaged in one place each: the error names the place. */
import { appendFile, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { loadPipeline, openPackage, packageFolder } from "../../runtime/index.ts";
import { parseManifest } from "../../runtime/manifest.ts";
import { type TinyPackage, tinyPackage } from "./tiny-package.ts";

let tiny: TinyPackage;
const open = () => openPackage(packageFolder(tiny.folder));
const failure = async () =>
  open().then(
    () => "accepted",
    (error: { code: string; message: string }) => `${error.code}: ${error.message}`,
  );

beforeAll(async () => {
  tiny = await tinyPackage();
});
beforeEach(() => tiny.change({}));
afterAll(() => tiny.remove());

test("a sound package: manifest and table of weights", async () => {
  const pack = await open();
  expect(pack.manifest).toEqual(tiny.manifest);
  expect([...(pack.weights?.tensors.keys() ?? [])]).toEqual(["text.token.weight"]);
});

test("no folder, no manifest, a manifest that is not JSON", async () => {
  const nowhere = join(tmpdir(), "mvc-nowhere");
  await expect(loadPipeline(nowhere)).rejects.toMatchObject({
    code: "not-a-package",
    message: `${nowhere} is not a package: it holds no manifest.json`,
  });
  await writeFile(join(tiny.folder, "manifest.json"), "{");
  expect(await failure()).toBe("manifest-invalid: manifest.json: it is not JSON");
});

test("a manifest of a newer version, and of an older one whatever else it holds", async () => {
  await tiny.change({ formatVersion: 5 });
  expect(await failure()).toBe("package-newer: the package has format version 5, but this runtime knows versions up to 4");
  await tiny.change({ formatVersion: 3, sampler: { text: "text" } });
  expect(await failure()).toBe("package-older: the package has format version 3, but this runtime reads version 4");
});

const graph = (fields: object) => ({ graphs: { step: { ...tiny.manifest.graphs.decode, ...fields } } });
const tensor = (fields: object) => graph({ inputs: [{ name: "z", dtype: "f32", shape: [1], axes: [], ...fields }] });

const condition = (fields: object) => ({
  sampler: { ...tiny.manifest.sampler, conditions: [{ ...tiny.manifest.sampler?.conditions[0], ...fields }] },
});

test.each<readonly [() => object, string]>([
  [() => ({ format: "zip" }), 'format must be "mvc-package", found "zip"'],
  [() => ({ model: undefined }), "model must be a text, found nothing"],
  [() => ({ ablations: "none" }), 'ablations must be a list, found "none"'],
  [() => ({ precision: "f64" }), 'precision must be "f32" or "f16", found "f64"'],
  [() => ({ weights: { ...tiny.manifest.weights, bytes: -1 } }), "weights.bytes must be a whole number from 0, found -1"],
  [() => ({ weights: { ...tiny.manifest.weights, file: "../w" } }), 'weights.file must be "weights.safetensors", found "../w"'],
  [() => ({ tokenizer: { ...tiny.manifest.tokenizer, pad: "" } }), 'tokenizer.pad must be a text, found ""'],
  [() => tensor({ ids: 0 }), "graphs.step.inputs[0].ids must be a whole number from 1, found 0"],
  [
    () => condition({ from: "sound" }),
    'sampler.conditions[0].from must be "text" or "image" or "number" or "class" or "tensor", found "sound"',
  ],
  [() => condition({ unguided: true }), "sampler.conditions[0].unguided must be a number, a text or null, found true"],
  [() => condition({ encoder: undefined }), "sampler.conditions[0].encoder must be a text, found nothing"],
  [
    () => graph({ onnx: { file: "../../etc/passwd" } }),
    'graphs.step.onnx.file must be a path within the package, found "../../etc/passwd"',
  ],
  [() => graph({ onnx: { file: "/etc/passwd" } }), 'graphs.step.onnx.file must be a path within the package, found "/etc/passwd"'],
  [() => graph({ onnx: { file: "a\\..\\b" } }), 'graphs.step.onnx.file must be a path within the package, found "a\\\\..\\\\b"'],
  [() => graph({ onnx: { file: "a" } }), "graphs.step.onnx.bytes must be a whole number from 0, found nothing"],
  [() => graph({ onnx: { file: "a", bytes: 1, sha256: "12" } }), 'graphs.step.onnx.sha256 must be 64 hexadecimal digits, found "12"'],
  [() => tensor({ shape: [2, "x"] }), 'graphs.step.inputs[0].shape must be a list of positive integers, found "x"'],
  [() => tensor({ shape: [0] }), "graphs.step.inputs[0].shape must be a list of positive integers, found 0"],
  [() => tensor({ dtype: "f64" }), 'graphs.step.inputs[0].dtype must be "f32" or "f16" or "i32", found "f64"'],
  [
    () => ({ sampler: { ...tiny.manifest.sampler, betas: [0.1, 0.01] } }),
    "sampler.betas must be two rising numbers between 0 and 1, found [0.1,0.01]",
  ],
  [() => ({ sampler: { ...tiny.manifest.sampler, steps: 1001 } }), "sampler.steps must be a whole number from 1 to 1000, found 1001"],
  [() => ({ sampler: { ...tiny.manifest.sampler, eta: 2 } }), "sampler.eta must be a number from 0 to 1, found 2"],
])("a wrong field %#", async (fields, reason) => {
  expect(() => parseManifest(JSON.stringify({ ...tiny.manifest, ...fields() }))).toThrow(`manifest.json: ${reason}`);
});

test("names of JavaScript's own are no graphs", async () => {
  const pipeline = await loadPipeline(tiny.folder);
  await expect(pipeline.run("constructor", {})).rejects.toMatchObject({ code: "graph-unknown" });
  await expect(pipeline.run("__proto__", {})).rejects.toMatchObject({ code: "graph-unknown" });
});

test("graph files: missing, changed", async () => {
  const path = join(tiny.folder, "decode.onnx");
  const bytes = await readFile(path);
  await rm(path);
  expect(await failure()).toBe(`file-missing: the graph "decode" is missing: there is no file ${path}`);
  await writeFile(path, bytes);
  await appendFile(path, "x");
  expect(await failure()).toMatch(
    /^hash-mismatch: decode\.onnx is not the file that the package was built with: sha256 is [0-9a-f]{16}…, expected [0-9a-f]{16}…$/,
  );
  await writeFile(path, bytes);
  expect(await failure()).toBe("accepted");
});

test("a tokenizer: missing, changed", async () => {
  const path = join(tiny.folder, "tokenizer.json");
  const text = await readFile(path, "utf8");
  await writeFile(path, text.replace("red", "rod"));
  expect(await failure()).toMatch(/^hash-mismatch: tokenizer\.json is not the file that the package was built with/);
  await rm(path);
  expect(await failure()).toBe(`file-missing: the tokenizer is missing: there is no file ${path}`);
  await writeFile(path, text);
  expect(await failure()).toBe("accepted");
});

test("weights: missing, cut short, changed, of another model", async () => {
  const path = join(tiny.folder, "weights.safetensors");
  const bytes = await readFile(path);
  await truncate(path, 5);
  expect(await failure()).toBe(
    "weights-invalid: weights.safetensors is not a sound safetensors file: it has 5 bytes, too few for a header",
  );
  await writeFile(path, bytes.subarray(0, bytes.length - 4));
  expect(await failure()).toMatch(/^weights-invalid: .*its tensors end at byte \d+, but the file has \d+ bytes \(cut short\?\)$/);
  const changed = Buffer.from(bytes);
  changed.writeUInt8(changed.readUInt8(changed.length - 1) ^ 1, changed.length - 1);
  await writeFile(path, changed);
  expect(await failure()).toMatch(/^hash-mismatch: weights\.safetensors/);
  await writeFile(path, bytes);
  await tiny.change({ weights: { ...tiny.manifest.weights, parameters: 25 } });
  expect(await failure()).toBe("weights-mismatch: weights.safetensors has 24 parameters, but manifest.json says 25");
  await rm(path);
  expect(await failure()).toBe(`file-missing: the weight file is missing: there is no file ${path}`);
  await tiny.change({ weights: { ...tiny.manifest.weights, sha256: undefined } });
  const pipeline = await loadPipeline(tiny.folder);
  await expect(pipeline.sample("a")).rejects.toMatchObject({
    code: "weights-absent",
    message: 'graph "encodeText" needs weights, but the package was built without them',
  });
  await pipeline.dispose();
  await writeFile(path, bytes);
});

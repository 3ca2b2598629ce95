// Each command on its good path, once as a shell starts it and then beside others in one process: what it prints, writes and exits with.

import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readSafetensors, readSafetensorsHeader, tensorSource, writeSafetensors } from "../../runtime/index.ts";
import { normals } from "../../runtime/sampler/random.ts";
import { floatsOf } from "../../runtime/tensor.ts";
import { relativeError } from "../golden/cases.ts";
import { filesBelow, mvc, mvcAlone, temporaryFolder } from "./mvc.ts";

const folder = temporaryFolder();
const mini = join(folder, "mini");
const model = "models/magicvideo.mv";

beforeAll(async () => {
  expect(await mvcAlone(["build", model, "--preset", "Mini", "--init", "0", "-o", mini])).toMatchObject({ code: 0, err: "" });
});
afterAll(() => rmSync(folder, { recursive: true }));

test("help and version", async () => {
  expect((await mvcAlone(["--version"])).out.trim()).toBe(JSON.parse(readFileSync("package.json", "utf8")).version);
  const { code, out } = await mvcAlone(["--help"]);
  expect(code).toBe(0);
  for (const command of ["check", "format", "report", "build", "run", "sample", "data"]) expect(out).toContain(`  ${command} `);
});

test("check: a sound file, and errors as text and as data", async () => {
  expect(await mvcAlone(["check", model])).toEqual({ code: 0, out: `ok ${model}\n`, err: "" });
  const broken = join(folder, "broken");
  cpSync("models", broken, { recursive: true });
  const file = join(broken, "magicvideo.mv");
  writeFileSync(file, readFileSync(model, "utf8").replace("(out == C ? x : x |> conv2d(out, kernel: 1) as skip)", "x"));
  const { code, out, err } = await mvc(["check", file]);
  expect([code, out]).toEqual([1, ""]);
  expect(err).toContain("error shape-mismatch");
  expect(err).toContain("640 on the left and 320 on the right");
  expect(err).toContain("expanded from ResBlock");
  const data = await mvc(["check", file, "--json"]);
  expect(data.code).toBe(1);
  expect(JSON.parse(data.out)).toMatchObject([{ code: "shape-mismatch", severity: "error", span: { file } }]);
});

test("warnings are printed and withhold nothing", async () => {
  const file = join(folder, "unused.mv");
  const graph = "model Tiny<H = 8> { graph run(x: Tensor<float, [1, H]>): Tensor<float, [1, H]> { return x |> silu(); } }";
  writeFileSync(file, `const spare = 3;\n${graph}\n`);
  const warned = expect.stringContaining("warning unused-value");
  expect(await mvc(["check", file])).toEqual({ code: 0, out: `ok ${file}\n`, err: warned });
  expect(await mvc(["report", file])).toEqual({ code: 0, out: expect.stringContaining("run, in all"), err: warned });
  const out = join(folder, "unused");
  expect(await mvc(["build", file, "-o", out])).toEqual({ code: 0, out: expect.stringContaining("1 graphs"), err: warned });
  expect(filesBelow(out)).toContain("manifest.json");
  const data = await mvc(["check", file, "--json"]);
  expect([data.code, data.err]).toEqual([0, ""]);
  expect(JSON.parse(data.out)).toMatchObject([{ code: "unused-value", severity: "warning", span: { file, start: 6, end: 11 } }]);
});

test("format: says what would change, changes it, and leaves broken files alone", async () => {
  const file = join(folder, "loose.mv");
  writeFileSync(file, "dim   B=1;   // one\n");
  expect(await mvcAlone(["format", "--check", file])).toMatchObject({ code: 1, out: `would change ${file}\n` });
  expect((await mvc(["format", file])).code).toBe(0);
  expect(readFileSync(file, "utf8")).toBe("dim B = 1;  // one\n");
  expect((await mvc(["format", "--check", file, model])).code).toBe(0);
  writeFileSync(file, "dim B = ;\n");
  const { code, err } = await mvc(["format", file]);
  expect([code, readFileSync(file, "utf8")]).toEqual([1, "dim B = ;\n"]);
  expect(err).toContain("unexpected-token");
});

test("report: the published counts, as data", async () => {
  const { code, out } = await mvcAlone(["report", model, "--ablation", "ImageModel", "--json"]);
  expect(code).toBe(0);
  const { graphs } = JSON.parse(out);
  expect(graphs.denoise).toMatchObject({ parameters: 859_520_964, tensors: 686 });
  expect(graphs.encodeText).toMatchObject({ parameters: 123_060_480, tensors: 196 });
  expect(graphs.encode.parameters + graphs.decode.parameters).toBe(83_653_863);
  expect(graphs.encode.tensors + graphs.decode.tensors).toBe(248);
});

test("report: along an axis the worst of all inputs, named where they differ, though the source has one clip", async () => {
  const file = join(folder, "axes.mv");
  const result = "x + (text |> softmax(axis: 0) |> expand([B, F, C])) + arrange(attend(y, y, y, heads: 1, causal: true), [B, F, C])";
  const inputs = "x: Clip, y: Clip, text: Tensor<float, [B, C]>, unread: Clip";
  const graph = `model M {\n  graph run(${inputs}): Clip {\n    return ${result};\n  }\n}\n`;
  writeFileSync(file, `dim B = 1;\ndim F = 4;\ndim C = 4;\ntype Clip = Tensor<float, [B, F, C]>;\n${graph}`);
  const axes = "axes: B mixed (text), independent (x, y), F directed (y), independent (x), C mixed (y), independent (x, text)";
  expect(await mvc(["report", file])).toMatchObject({ code: 0, out: expect.stringContaining(axes) });
  const { graphs } = JSON.parse((await mvc(["report", file, "--json"])).out);
  expect(graphs.run.dependence).toEqual({ B: "mixed", F: "directed", C: "mixed" });
  expect(graphs.run.dependenceByInput.unread).toEqual({ B: "none", F: "none", C: "none" });
});

test("report: an axis that is longer in the input than in the result, or shorter, goes by the shorter name", async () => {
  const { code, out } = await mvc(["report", "models/wan/vae.mv", "--preset", "Mini"]);
  const axes = "axes: B independent, F directed, H mixed, W mixed";
  expect([code, out.match(/^axes: .*$/gm)]).toEqual([0, [axes, axes]]);
});

test.each([
  ["expand([F * B, pieces * L, D])", /^error axis-mismatch .*magicvideo\.mv:76:53$/, "F * B is not B * F"],
  // Behind a name that says nothing of its order, what rows read tells.
  ["expand([F * B, pieces * L, D]) |> view([F * B % 999, pieces * L, D])", /^error mixed-batch .*video\.mv:37:10$/, "expanded from Space"],
])("text of one half that would reach frames of the other is refused by check, build and report: %s", async (turned, error, words) => {
  const leaking = join(folder, "leaking");
  cpSync("models", leaking, { recursive: true });
  const file = join(leaking, "magicvideo.mv");
  writeFileSync(file, readFileSync(model, "utf8").replace("expand([B * F, pieces * L, D])", turned));
  const commands = [
    ["check", file],
    ["report", file],
    ["build", file, "--preset", "Mini", "--init", "0", "-o", join(folder, "leak")],
  ];
  for (const command of commands) {
    const { code, err } = await mvc(command);
    expect([code, err.match(/^error .*$/gm)]).toEqual([1, [expect.stringMatching(error)]]);
    expect(err).toContain(words);
  }
});

test("build: the package's files, the same bytes again, and in the place of an older one", async () => {
  const graphs = ["encodeText", "denoise", "decode", "encode", "prepare", "step"];
  const expected = [
    "manifest.json",
    "weights.safetensors",
    "tokenizer.json",
    "bindings.ts",
    ...graphs.flatMap((graph) => [`${graph}.onnx`, `webgpu/${graph}.json`, `webgpu/${graph}.wgsl`, `graphs/${graph}.json`]),
  ];
  expect(filesBelow(mini).sort()).toEqual(expected.sort());
  const again = join(folder, "again");
  await mvc(["build", model, "--preset", "Mini", "--init", "1", "-o", again]);
  expect((await mvc(["build", model, "--preset", "Mini", "--init", "0", "-o", again])).code).toBe(0);
  for (const file of expected) expect(readFileSync(join(again, file)).equals(readFileSync(join(mini, file))), file).toBe(true);
});

test("run: ONNX Runtime and the reference agree", async () => {
  const [inputs, onnx, reference] = ["in", "onnx", "reference"].map((name) => join(folder, `${name}.safetensors`)) as [
    string,
    string,
    string,
  ];
  await writeSafetensors(inputs, [
    tensorSource("z", { dtype: "f32", shape: [1, 16, 4, 8, 8], data: normals(3, 0, 4096) }),
    tensorSource("t", { dtype: "f32", shape: [1], data: Float32Array.of(500) }),
    tensorSource("text", { dtype: "f32", shape: [1, 16, 96], data: normals(3, 1, 1536) }),
  ]);
  expect((await mvcAlone(["run", mini, "denoise", "--inputs", inputs, "-o", onnx])).code).toBe(0);
  expect((await mvc(["run", mini, "denoise", "--inputs", inputs, "-o", reference, "--backend", "reference"])).code).toBe(0);
  const [a, b] = [await readSafetensors(onnx), await readSafetensors(reference)].map((tensors) => tensors.v);
  if (a === undefined || b === undefined) throw new Error("no output");
  // f32 sums in different orders over some fifty layers.
  expect(relativeError(floatsOf(a), floatsOf(b))).toBeLessThan(1e-4);
});

test("sample: a GIF, an MP4 and a sheet, each method, and clips counted up", async () => {
  const prompt = "a red circle moves right";
  const starts: { readonly [file: string]: readonly number[] } = {
    "clip.gif": [0x47, 0x49, 0x46],
    "clip.png": [0x89, 0x50, 0x4e],
    "clip.mp4": [0, 0, 0],
  };
  const methods = ["ddim", "dpm++2m", "euler"];
  for (const [i, [name, start]] of Object.entries(starts).entries()) {
    const file = join(folder, name);
    const sample = i === 0 ? mvcAlone : mvc;
    const { code, out } = await sample(["sample", mini, prompt, "--steps", "2", "--method", methods[i] ?? "", "-o", file]);
    expect(code).toBe(0);
    expect(out).toContain("16 frames of 64x64, seed 0");
    expect([...readFileSync(file).subarray(0, 3)]).toEqual(start);
    expect(readFileSync(file).toString("latin1")).toContain(prompt);
  }
  const many = join(folder, "many");
  mkdirSync(many);
  expect((await mvc(["sample", mini, prompt, "--steps", "1", "--count", "2", "--seed", "5", "-o", join(many, "c.png")])).code).toBe(0);
  expect(filesBelow(many)).toEqual(["c-0.png", "c-1.png"]);
});

test("sample: eta, threads and a negative prompt reach the sampler; an empty prompt is said", async () => {
  const latent = async (name: string, prompt: string, ...options: readonly string[]) => {
    const file = join(folder, `${name}.safetensors`);
    const { code, err } = await mvc(["sample", mini, prompt, "--steps", "2", ...options, "-o", file]);
    expect(code).toBe(0);
    return { bytes: readFileSync(file), err };
  };
  const prompt = "a red circle moves right.";
  const plain = await latent("plain", prompt, "--threads", "1");
  expect(plain.err).toBe("");
  expect(Object.fromEntries((await readSafetensorsHeader(join(folder, "plain.safetensors"))).metadata)).toEqual({
    software: "mvc 0.1.0",
    model: "MagicVideo, preset Mini",
    precision: "f32",
    prompt,
    seed: "0",
    steps: "2",
    guidance: "2",
    method: "ddim",
    eta: "1",
  });
  expect((await latent("same", prompt, "--eta", "1", "--threads", "1")).bytes.equals(plain.bytes)).toBe(true);
  expect((await latent("eta", prompt, "--eta", "0", "--threads", "1")).bytes.equals(plain.bytes)).toBe(false);
  expect((await latent("led", prompt, "--negative", "a blue star", "--threads", "1")).bytes.equals(plain.bytes)).toBe(false);
  expect((await mvc(["sample", mini, "a red dog moves right", "-o", join(folder, "no.gif")])).err).toBe(
    'error word-unknown\n  the model does not know the word "dog"\n  hint: its prompts go "a {colour} {shape} {motion}"; ' +
      'the shape is one of "circle", "square", "triangle", "star", "ring", "heart"\n',
  );
  expect((await latent("none", " ")).err).toBe("note the prompt is empty: the clip shows what the model makes of no words\n");
});

test("data: clips, labels and captions, the same for the same seed", async () => {
  const [first, second] = ["a", "b"].map((name) => join(folder, `${name}.safetensors`)) as [string, string];
  for (const file of [first, second])
    expect((await mvcAlone(["data", "moving-shapes", "--clips", "3", "--seed", "7", "-o", file])).code).toBe(0);
  expect(readFileSync(first).equals(readFileSync(second))).toBe(true);
  const header = await readSafetensorsHeader(first);
  expect(header.tensors.get("clips")).toMatchObject({ dtype: "U8", shape: [3, 16, 64, 64, 3] });
  const captions = JSON.parse(header.metadata.get("captions") ?? "[]") as string[];
  expect(captions.length).toBe(3);
  for (const caption of captions) expect(caption).toMatch(/^a (red|green|blue|yellow|cyan|magenta) \w+ (moves|climbs|falls) \w+$/);
});

test("a package without its tokenizer's file still builds, and says what is missing", async () => {
  const alone = join(folder, "alone");
  cpSync("models", alone, { recursive: true, filter: (path) => !path.endsWith("tokenizer.json") });
  const { code, err } = await mvc(["build", join(alone, "magicvideo.mv"), "--preset", "Mini", "-o", join(folder, "no-tokenizer")]);
  expect(code).toBe(0);
  expect(err).toContain("mini.tokenizer.json");
});

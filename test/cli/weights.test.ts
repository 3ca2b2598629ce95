// Files of weights that do not fit a build, or are no weights at all: what is said of each before the work, and what weights say of themselves.

import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readSafetensors, readSafetensorsHeader, tensorSource, writeSafetensors } from "../../runtime/index.ts";
import { mvc, temporaryFolder } from "./mvc.ts";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const source = `
param wide: int = 4;
param extra: bool = false;
model Net<H = 8> {
  graph run(x: Tensor<float, [1, H]>): Tensor<float, [1, H]> {
    const y = x |> linear(wide) as inner |> linear(H) as outer;
    return extra ? y |> linear(H, init: "zeros") as last : y;
  }
}
preset Small of Net { H: 2 }
ablation Wide of Net { wide: 6 }
ablation More of Net { extra: true }
`;
const built = (...options: readonly string[]) => mvc(["build", at("net.mv"), "--target", "onnx", "-o", at("out"), ...options]);
const made = async (name: string, ...options: readonly string[]) => {
  expect(await built("--init", "1", ...options)).toMatchObject({ code: 0, err: "" });
  const file = at(`${name}.safetensors`);
  writeFileSync(file, readFileSync(at("out/weights.safetensors")));
  rmSync(at("out"), { recursive: true });
  return file;
};
let own = "";
let small = "";
let more = "";

beforeAll(async () => {
  writeFileSync(at("net.mv"), source);
  own = await made("own");
  small = await made("small", "--preset", "Small", "--ablation", "Wide");
  more = await made("more", "--ablation", "More");
});
afterAll(() => rmSync(folder, { recursive: true }));

test.each<[string, string | Buffer, string, string]>([
  ["old.pt", Buffer.from([0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a]), "a Python pickle", "torch.load"],
  ["model.gguf", "GGUF\x03\0\0\0\x10\0\0\0", "a GGUF file", "that it was made of"],
  ["pointer.safetensors", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "a Git LFS pointer", "git lfs pull"],
  ["page.safetensors", "\n<!DOCTYPE html><html><body>Sign in</body></html>", "a web page", "direct address"],
  ["short.safetensors", "tiny", "not a sound safetensors file: it has 4 bytes", ""],
])("%s", async (name, content, said, way) => {
  writeFileSync(at(name), content);
  const { code, err } = await built("--weights", at(name));
  expect([code, err]).toEqual([1, expect.stringContaining(`${at(name)} is ${said}`)]);
  expect(err).toContain(way);
});

test("a folder: of one file, and of none", async () => {
  for (const name of ["empty", "one"]) mkdirSync(at(name));
  writeFileSync(at("one/model.safetensors"), readFileSync(own));
  expect(await built("--weights", at("one"))).toMatchObject({ code: 0, err: "" });
  const { code, err } = await built("--weights", at("empty"));
  expect([code, err]).toEqual([1, expect.stringContaining(`${at("empty")} is a folder without weights`)]);
});

test("the folder of a package stands for its weights", async () => {
  expect((await mvc(["build", at("net.mv"), "--init", "1", "--target", "onnx", "-o", at("package")])).code).toBe(0);
  expect(await built("--weights", at("package"))).toMatchObject({ code: 0, err: "" });
  expect(readFileSync(at("out/weights.safetensors"))).toEqual(readFileSync(at("package/weights.safetensors")));
});

test("weights of another configuration: the options that they fit", async () => {
  const wide = await built("--weights", small);
  expect([wide.code, wide.err]).toEqual([1, expect.stringContaining("error tensor-shape")]);
  expect(wide.err).toContain("hint: its tensors are those of `--preset Small --ablation Wide`");
  const plain = await built("--preset", "Small", "--weights", own);
  expect([plain.code, plain.err]).toEqual([1, expect.stringContaining("hint: its tensors are those of no --preset and no --ablation")]);
  const lacking = await built("--ablation", "More", "--weights", own);
  expect([lacking.code, lacking.err]).toEqual([
    1,
    expect.stringContaining('needs the tensor "last.weight" and 1 more, such as "last.bias"'),
  ]);
  expect(lacking.err).toContain("hint: its tensors are those of no --preset and no --ablation");
  const set = await built("--set", "H=5", "--set", "wide=4", "--weights", own);
  expect([set.code, set.err]).toEqual([1, expect.stringContaining("or build with `--set` for other sizes")]);
});

test("nothing that is declared fits: what is missing, what is not the model's, and what fills it", async () => {
  const { "inner.weight": inner, ...rest } = await readSafetensors(own);
  const tensors = Object.entries({ "stem.weight": inner, ...rest }).flatMap(([name, tensor]) =>
    tensor ? [tensorSource(name, tensor)] : [],
  );
  await writeSafetensors(at("renamed.safetensors"), tensors);
  const { code, err } = await built("--weights", at("renamed.safetensors"));
  expect([code, err]).toEqual([1, expect.stringContaining('needs the tensor "inner.weight", which was not given')]);
  expect(err).toContain("`--init SEED` beside `--weights`; the file has 1 tensor (stem.weight) that the model does not take");
});

test("--init beside --weights fills what is missing, in the start that training has, and says so", async () => {
  const { code, err } = await built("--ablation", "More", "--weights", own, "--init", "3");
  expect([code, err]).toEqual([0, `note ${own} lacks 2 tensors (last.weight, last.bias), which \`--init 3\` made\n`]);
  const [filled, first] = [await readSafetensors(at("out/weights.safetensors")), await readSafetensors(own)];
  expect(filled["inner.weight"]).toEqual(first["inner.weight"]);
  expect(filled["last.weight"]?.data).toEqual(new Float32Array(64));
  const { metadata } = await readSafetensorsHeader(at("out/weights.safetensors"));
  expect(metadata.get("ablations")).toBe('["More"]');
});

test("weights carry what they were made for, and a build of something else says so", async () => {
  const { metadata } = await readSafetensorsHeader(small);
  expect(Object.fromEntries(metadata)).toEqual({ format: "mvc", model: "Net", preset: "Small", ablations: '["Wide"]', settings: "{}" });
  expect((await built("--ablation", "More", "--weights", more)).err).toBe("");
  const { code, err } = await built("--weights", more);
  expect([code, err]).toEqual([
    0,
    `note ${more} has 2 tensors (last.weight, last.bias) that the model does not take\n` +
      "note the weights were made for Net, ablation More, and this is Net: what it samples shows the change without training for it\n",
  ]);
  // They stay what they were made for, however often they are built.
  expect((await readSafetensorsHeader(at("out/weights.safetensors"))).metadata.get("ablations")).toBe('["More"]');
});

// The worked examples of docs/ as a reader follows them: their code is put where they say, compiles, and prints what they show.

import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { sizeOf } from "../../compiler/graph/graph.ts";
import { type Figure, figures } from "../../dsl/sampling.ts";
import { trainFigures, trainSources } from "../../dsl/training.ts";
import { tensorSource, writeSafetensors } from "../../runtime/index.ts";
import { normals } from "../../runtime/sampler/random.ts";
import { noGpu } from "../gpu.ts";
import { mvc, temporaryFolder } from "./mvc.ts";

const folder = temporaryFolder();
const page = readFileSync("docs/conv-over-time.md", "utf8");
const model = join(folder, "magicvideo.mv");

/** What stands in the page's fences of a kind, in order. */
function fenced(kind: string, of = page): readonly string[] {
  return [...of.matchAll(new RegExp(`^\`\`\`${kind}\n(.*?)^\`\`\`$`, "gms"))].map(([, text = ""]) => text);
}

/** The text with each run of `-` lines replaced by the `+` lines that follow it. */
function patched(text: string, diff: string): string {
  const lines = (run: string, sign: string) => run.replace(new RegExp(`^\\${sign}`, "gm"), "");
  return [...diff.matchAll(/((?:^-.*\n)+)((?:^\+.*\n)+)/gm)].reduce((made, [, old = "", now = ""]) => {
    expect(made).toContain(lines(old, "-"));
    return made.replace(lines(old, "-"), () => lines(now, "+"));
  }, text);
}

const block = fenced("mv").join();

beforeAll(() => {
  cpSync("models", folder, { recursive: true });
  writeFileSync(join(folder, "conv-time.mv"), block);
  writeFileSync(model, patched(readFileSync("models/magicvideo.mv", "utf8"), fenced("diff").join()));
});
afterAll(() => rmSync(folder, { recursive: true }));

test("conv-over-time: the model with the block in its place is sound, and laid out as `format` would", async () => {
  expect(await mvc(["check", model])).toEqual({ code: 0, out: `ok ${model}\n`, err: "" });
  expect(await mvc(["format", "--check", join(folder, "conv-time.mv")])).toMatchObject({ code: 0 });
});

test("prompts: MagicVideo is built for several pieces, and then takes a prompt that one piece does not hold", async () => {
  const [build = "", sample = ""] = [...readFileSync("docs/prompts.md", "utf8").matchAll(/^\$ mvc (.*)$/gm)].map(([, line = ""]) => line);
  const words = (line: string) =>
    [...line.matchAll(/"([^"]*)"|\S+/g)].map(([word, quoted]) => quoted ?? word.replace("out/two", join(folder, "two")));
  expect(await mvc(words(build))).toMatchObject({ code: 0 });
  const given = words(sample).map((word) => (word === "clip.gif" ? join(folder, word) : word));
  expect((await mvc(given)).code).toBe(0);
  const refused = await mvc(given.map((word) => (word === "chunk" ? "error" : word)));
  expect([refused.code, refused.err]).toEqual([1, expect.stringContaining("--long-prompt chunk")]);
});

test("a copy of the model in its folder keeps its layouts", async () => {
  const copies = join(folder, "copies");
  cpSync("models", copies, { recursive: true });
  const file = join(copies, "mine.mv");
  cpSync(join(copies, "magicvideo.mv"), file);
  expect(await mvc(["check", file])).toEqual({ code: 0, out: `ok ${file}\n`, err: "" });
});

test("training: the language's page has every figure, word and source", () => {
  const [, training = ""] = readFileSync("docs/language.md", "utf8").split("\n## Training\n");
  for (const [name, { kind }] of Object.entries<Figure>(trainFigures)) {
    expect(training, name).toMatch(new RegExp(`^\\|[^|]*\`${name}\`[^|]*\\|`, "m"));
    for (const word of typeof kind === "object" ? kind.words : []) expect(training, word).toContain(`\`"${word}"\``);
  }
  for (const source of trainSources) expect(training, source).toMatch(new RegExp(`^\\|[^|]*\`"${source}"\`[^|]*\\|`, "m"));
});

test("sampling: the page has every figure, method and word of the language, and says of at most five settings that they cannot be said", () => {
  const sampling = readFileSync("docs/sampling.md", "utf8");
  for (const [name, { kind }] of Object.entries<Figure>(figures)) {
    expect(sampling, name).toMatch(new RegExp(`\`[^\`]*\\b${name}\\b`));
    for (const word of typeof kind === "object" ? kind.words : [])
      expect(sampling, word).toMatch(new RegExp(`["\`]${word.replaceAll("+", "\\+")}["\`]`));
  }
  // A row may hold several: "55, 56" is two, "19–22" four.
  const countOf = (numbers: string) =>
    numbers.split(", ").reduce((sum, part) => {
      const [first = 0, last = first] = part.split("–").map(Number);
      return sum + last - first + 1;
    }, 0);
  const rows = [...sampling.matchAll(/^\| (\d[^|]*) \| [^|]* \| ([^|]*) \|/gm)].map(
    ([, numbers = "", said = ""]) => [countOf(numbers), said] as const,
  );
  expect(rows.reduce((sum, [count]) => sum + count, 0)).toBe(67);
  expect(rows.reduce((sum, [count, said]) => sum + (said === "—" ? count : 0), 0)).toBeLessThanOrEqual(5);
});

test("README: the error of a forgotten skip connection is what `check` prints, its lines too", async () => {
  const broken = join(folder, "broken");
  cpSync("models", broken, { recursive: true });
  const file = join(broken, "magicvideo.mv");
  const skip = "(out == C ? x : x |> conv2d(out, kernel: 1) as skip)";
  const source = readFileSync(file, "utf8");
  expect(source).toContain(skip);
  writeFileSync(file, source.replace(skip, "x"));
  const { err } = await mvc(["check", file]);
  const [, shown = ""] = /^```\n(error shape-mismatch.*?)^```$/ms.exec(readFileSync("README.md", "utf8")) ?? [];
  expect(err.replaceAll(broken, "models")).toBe(`${shown}\n1 error\n`);
});

test("conv-over-time: the reports before and after are those that it shows", async () => {
  const [before = "", after = "", ...others] = fenced("text");
  expect(others).toEqual([]);
  for (const [file, shown] of [
    ["models/magicvideo.mv", before],
    [model, after],
  ] as const) {
    const { out } = await mvc(["report", file, "--depth", "1"]);
    expect(`${out.split("\n\n").find((graph) => graph.startsWith("denoise\n"))}\n`).toBe(`denoise\n${shown}`);
  }
  expect((await mvc(["report", model, "--depth", "1", "--ablation", "Undirected"])).out).toContain("F mixed");
});

test("conv-over-time: Mini builds for both targets, and the block computes what the reference does once its weights are no zeros", async () => {
  expect(await mvc(["build", model, "--preset", "Mini", "-o", join(folder, "mini")])).toMatchObject({ code: 0, err: "" });
  const [alone, built, inputs] = ["alone.mv", "alone", "alone.safetensors"].map((name) => join(folder, name)) as [string, string, string];
  const graph = "graph run(x: Video<C, H, W>): Video<C, H, W> { return x |> TimeConv() as time; }";
  const trained = block.replace('init: "zeros"', 'init: "default"');
  writeFileSync(alone, `${trained}model Alone<C = 12, H = 3, W = 5> { ${graph} }\n`);
  expect(await mvc(["build", alone, "--init", "1", "-o", built])).toMatchObject({ code: 0, err: "" });
  const shape = [1, 16, 12, 3, 5];
  await writeSafetensors(inputs, [tensorSource("x", { dtype: "f32", shape, data: normals(1, 0, sizeOf(shape)) })]);
  for (const backend of noGpu === undefined ? ["onnx", "webgpu"] : ["onnx"]) {
    const { code, out } = await mvc(["diff", built, "run", "--inputs", inputs, "--backend", backend]);
    expect([code, out]).toEqual([0, expect.stringMatching(new RegExp(`^agree: \\d+ values by ${backend} and reference within 0\\.0001`))]);
  }
});

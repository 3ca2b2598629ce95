// `mvc explain`: every representation of a small model as text, and names that it does not have.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { mvc } from "./mvc.ts";

const folder = mkdtempSync(join(tmpdir(), "mvc-explain-"));
afterAll(() => rmSync(folder, { recursive: true }));
const file = join(folder, "tiny.mv");
writeFileSync(
  file,
  `dim B = 1;
model Tiny<C = 4, H = 2, W = 2> {
  graph run(x: Tensor<float, [B, C, H, W]>): Tensor<float, [B, H, W, C]> {
    return x |> conv2d(C, kernel: 1) as mix |> arrange([B, H, W, C]) |> gelu();
  }
}
`,
);

const explain = async (...options: string[]) => {
  const { out, err, code } = await mvc(["explain", file, ...options]);
  return { out, err, code };
};

test("the words and the syntax tree of the file, with their places", async () => {
  const tokens = (await explain("--tokens")).out.split("\n");
  expect(tokens.slice(0, 5).map((line) => line.split(/\s+/))).toEqual([
    ["0..3", "Word:dim", "dim"],
    ["4..5", "Identifier", "B"],
    ["6..7", "Assign", "="],
    ["8..9", "Number", "1"],
    ["9..10", "Semicolon", ";"],
  ]);
  const tree = (await explain("--ast")).out;
  expect(tree).toContain("dim name=B @0..10\n  value: number value=1");
  expect(tree).toMatch(/call callee=conv2d @[\s\S]*label: holes=\[\] tied=false @160..163\n\s+texts\[0\]: "mix"/);
});

test("a graph after each stage: as written, and as ONNX takes it", async () => {
  const written = (await explain("--graph", "run", "--after", "expand")).out;
  expect(written).toContain("conv2d($x, @mix.weight, @mix.bias)");
  expect(written).toContain("gelu(%1)");
  const lowered = (await explain("--graph", "run", "--after", "merge-axes")).out;
  // [1, 4, 2, 2] moves as the matrix [4, 4].
  expect(lowered).toContain("transpose(%1) {permutation: [1,0]} : f32[4,4]");
  expect(lowered.match(/^graph run/)).not.toBeNull();
});

test("the stages of each graph, its plan, and one of its kernels", async () => {
  const stages = (await explain()).out;
  for (const stage of ["expand", "remove-dead-code", "onnx/sink-reshapes", "webgpu/split-frames"]) expect(stages).toContain(stage);
  const plan = (await explain("--graph", "run", "--plan")).out;
  const [kernel] = plan.match(/^ {4}(\S+) on \d+x1x1 workgroups$/m)?.slice(1) ?? [];
  expect(plan).toMatch(/output 0 = .*input 0/);
  const wgsl = (await explain("--graph", "run", "--kernel", kernel ?? "")).out;
  expect(wgsl).toMatch(new RegExp(`^// kernel ${kernel}\n`));
  expect(wgsl.match(/@compute/g)).toHaveLength(1);
});

test("time by stage", async () => {
  const rows = (await explain("--timing")).out.trim().split("\n").slice(1);
  const milliseconds = rows.map((row) => Number(row.split(/\s{2,}/)[1]));
  const sum = milliseconds.slice(0, -1).reduce((total, one) => total + one, 0);
  // Each is rounded to a tenth.
  expect(Math.abs(sum - (milliseconds.at(-1) ?? 0))).toBeLessThan(0.05 * rows.length + 0.05);
});

test.each([
  [["--graph", "walk"], "--graph must be one of run, found walk"],
  [["--graph", "run", "--after", "lower"], "--after must be one of expand, "],
  [["--graph", "run", "--kernel", "none"], "--kernel must be one of "],
  [["--plan"], "--graph must be one of run, found none"],
])("%s", async (options, message) => {
  const { err, out, code } = await explain(...options);
  expect([code, out]).toEqual([1, ""]);
  expect(err).toContain(message);
});

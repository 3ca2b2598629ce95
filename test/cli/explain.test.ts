// `mvc explain`: every representation of a small model as text, and names that it does not have.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { trained } from "../dsl/train-cases.ts";
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

test("a sampler's noise levels, and its steps as sums", async () => {
  const sampled = join(folder, "sampled.mv");
  writeFileSync(
    sampled,
    `dim B = 1;
model Tiny {
  graph denoise(z: Tensor<float, [B, 2]>, t: Tensor<f32, [B]>): Tensor<float, [B, 2]> { return z * view(t, [B, 1]); }
  sampler denoise(z, t) { method: "dpm++2m", steps: 2, guidance: 1, predicts: "sample", schedule: "flow", trainSteps: 1000, clip: 2.0 }
}
`,
  );
  const { out, code } = await mvc(["explain", sampled, "--sampler"]);
  expect(code).toBe(0);
  const rows = out.split("\n").map((line) => line.trim().split(/ {2,}/));
  // Of 1000 times the first is σ = 0.999, then half of it; λ is ln(0.001 / 0.999), and 0 but for half a thousandth.
  expect(rows.slice(3, 6)).toEqual([
    ["999", "0.001", "0.999", "999", "-6.90675"],
    ["499", "0.5005", "0.4995", "0.998002", "0.002"],
    ["1", "0", "0", "∞"],
  ]);
  // From 0.999 to 0.4995 by Euler's method: x / 2 + data / 2, as both levels' noise is to the signal that it leaves.
  expect(out).toContain("evaluation 0\n  data = model, clipped to ±2\n  latent = 0.5 latent + 0.5 data\n  r0 = data\n");
  expect(out).toContain("evaluation 1\n  data = model, clipped to ±2\n  latent = data\n");
  const without = await explain("--sampler");
  expect([without.code, without.err]).toEqual([1, expect.stringContaining("--sampler must be left out: the model has none")]);
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

test("the stages of a training, and its loss", async () => {
  const source = join(folder, "trained.mv");
  const weights = '[{ path: "text", weightDecay: 0.1 }, { path: "unet" }, { path: "unet.stem", rate: 0.5 }]';
  writeFileSync(
    source,
    trained({ weights, figures: 'warmup: 3, decay: "cosine", finalRate: 0.1, clipNorm: 1, ema: 0.9, stills: 0.25' }).replace(
      'from: "text" }',
      'from: "text", dropped: 0.1 }',
    ),
  );
  const stages = await mvc(["explain", source, "--train"]);
  expect([stages.code, stages.err]).toEqual([0, ""]);
  expect(stages.out).toBe(`denoiser
  minimises loss: 10 steps of 2
  x: clips through encode
  tokens: tokens of captions, 10 % of them ""
  noise: standard normals
  t: the time step of the noise level
  trains 2 tensors at 0.0005, weight decay 0: unet (2)
  trains 2 tensors at 0.001, weight decay 0: unet (2)
  trains 1 tensors at 0.001, weight decay 0.1: text (1)
  AdamW: betas 0.9 and 0.999, eps 1e-8; warm-up over 3 steps, then half a cosine to 0.1 of it
  gradients clipped to a norm of 1
  weights averaged by 0.9
  noise levels: uniform
  25 % of the clips are one of their frames, standing still
`);
  const loss = await mvc(["explain", source, "--graph", "loss"]);
  expect(loss.out).toMatch(/^graph loss \{\n {2}\$x = input \[B, F, 4, H, H\] : f32\[2,4,4,4,4\]\n[\s\S]*\n {2}return loss = /);
  const planned = await mvc(["explain", source, "--graph", "loss", "--plan"]);
  expect([planned.code, planned.err.includes("which has no plan")]).toEqual([1, true]);
});

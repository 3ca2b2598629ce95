// `mvc train` from a declared training to weights that build: killed and interrupted at any moment it ends in the same bytes, and all that can be wrong is one sentence.
// `MOMENTS=20 npx vitest run test/cli/train.test.ts` kills a run at as many moments, one after another, before it ends.

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { expectRefused, filesBelow, mvc, mvcAlone, temporaryFolder } from "./mvc.ts";

const moments = Number(process.env.MOMENTS ?? 2);
const folder = temporaryFolder();
const model = join(folder, "tiny.mv");
const whole = join(folder, "whole");
const steps = 60;
const command = (run: string, ...more: readonly string[]) => [
  ...["train", model, "--data", "moving-shapes", "--steps", String(steps), "--save-every", "7", "-o", run],
  ...more,
];
const at = (name: string) => join(folder, name);
const weightsOf = (run: string) => readFileSync(join(run, "weights.safetensors"));
let seconds = 0;

/** The tiny model on what a graph of its own makes of clips, which is kept on the disk. */
const encoded = () =>
  readFileSync("golden/training/tiny.mv", "utf8")
    .replace('x: { from: "clip" }', 'x: { from: "clip", encoder: encode }')
    .replace(
      "  graph denoise(",
      "  graph encode(x: Video<3, H, W>): Video<3, H, W> { return x |> conv2d(3, kernel: 1) as encoder; }\n  graph denoise(",
    );

/** The same with another stage of the same loss, which says another batch. */
const inTwoStages = () =>
  encoded().replace(
    / {2}train tiny \{[\s\S]*\n {2}\}\n/,
    (stage) => `${stage}${stage.replace("tiny", "other").replace("batch: 4", "batch: 2")}`,
  );

beforeAll(async () => {
  writeFileSync(model, encoded());
  cpSync("golden/training/tiny.tokenizer.json", at("tiny.tokenizer.json"));
  const started = performance.now();
  const { code, out, err } = await mvcAlone(command(whole));
  seconds = (performance.now() - started) / 1000;
  expect(err).toBe("");
  expect(code).toBe(0);
  expect(out).toContain("17 tensors, batch 4");
  expect(out).toMatch(/step 56 of 60, loss \d/);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ended = (child: ChildProcess) => new Promise((done) => child.on("exit", done));
const pause = (milliseconds: number) => new Promise((done) => setTimeout(done, milliseconds));

test("killed at any moment, and interrupted, a run goes on to the bytes of one that was not", async () => {
  const run = at("killed");
  const checkpoint = join(run, "checkpoint.safetensors");
  const going = () => command(run, ...(existsSync(checkpoint) ? ["--resume"] : []));
  // The first thing that a run writes once it can be interrupted is its checkpoint.
  const started = Date.now();
  const stopped = await mvcAlone(going(), () => existsSync(checkpoint) && statSync(checkpoint).mtimeMs > started);
  expect(stopped.code).toBe(130);
  expect(stopped.out).toContain("stopped; the same command with `--resume` goes on");
  for (let i = 0; i < moments; i++) {
    const child = spawn(process.execPath, [resolve("dist/cli/mvc.js"), ...going()], { stdio: "ignore" });
    const over = ended(child);
    // Most of a run's time goes before its first step; with few moments they fall behind it.
    await pause(1000 * seconds * (moments > 2 ? Math.random() : 0.6 + 0.3 * Math.random()));
    child.kill("SIGKILL");
    await over;
  }
  const last = await mvcAlone(going());
  expect(last.err).toBe("");
  expect(last.code).toBe(0);
  expect(last.out).toMatch(/^goes on from step \d+ of tiny\n/);
  expect(weightsOf(run).equals(weightsOf(whole))).toBe(true);
  const lines = readFileSync(join(run, "metrics.jsonl"), "utf8").trimEnd().split("\n");
  expect(lines.map((line) => JSON.parse(line).step)).toEqual(Array.from({ length: steps }, (_, i) => i + 1));
  expect(filesBelow(run).filter((file) => file.includes(".mvc-"))).toEqual([]);
}, 600_000);

test("a run's folder is what build takes, and what it builds samples as the run's own sheet did", async () => {
  const built = await mvc(["build", model, "--weights", whole, "--target", "onnx", "-o", at("package")]);
  expect(built.err).toBe("");
  expect(weightsOf(at("package")).subarray(-400).equals(weightsOf(whole).subarray(-400))).toBe(true);
  const sampled = await mvc(["sample", at("package"), "a red circle", "--backend", "onnx", "-o", at("clip.png")]);
  expect(sampled.code).toBe(0);
  expect(existsSync(join(whole, "samples", "tiny-000060.png"))).toBe(true);
  expect(readFileSync(join(whole, "curves.svg"), "utf8")).toContain("tiny: loss");
});

test("what a run was not started with is named, and a folder that is in use is not written to", async () => {
  const other = at("other.mv");
  writeFileSync(other, readFileSync(model, "utf8").replace("clipNorm: 0.5", "clipNorm: 0.6"));
  const mixing = at("mixing.mv");
  const sums = "{ return x + mean(x, axis: 1); }";
  writeFileSync(
    mixing,
    encoded()
      .replace("levelPower: 0.6,", "levelPower: 0.6, stills: 0.5,")
      .replace("{ return x |> conv2d(3, kernel: 1) as encoder; }", sums),
  );
  const both = at("both.mv");
  writeFileSync(both, inTwoStages());
  mkdirSync(at("full"));
  writeFileSync(join(at("full"), "notes.txt"), "mine");
  const before = weightsOf(whole);
  const cases: readonly (readonly [readonly string[], string])[] = [
    [command(whole), "holds a training run"],
    [command(at("none"), "--resume"), "holds no training run to go on with"],
    [command(at("full")), "the folder holds notes.txt and no run"],
    [command(whole, "--resume", "--seed", "1"), "with the seed 0, and this is 1"],
    [command(whole, "--resume", "--batch", "8"), 'with a batch in stage "tiny" of 4, and this is 8'],
    [command(whole, "--resume", "--set", "C=16"), 'with the settings {}, and this is {"C":16}'],
    [command(whole, "--resume").with(1, other), "with the training that the source declared, by its hash "],
    [command(whole, "--resume").with(5, "61"), "with `--steps` 60, and this is 61"],
    [command(at("none"), "--stage", "decoder"), '--stage must be a stage that the model declares, "tiny", found decoder'],
    [command(at("none"), "--batch", "0"), "--batch must be 1 to"],
    [
      command(at("none"), "--batch", "8").with(1, both),
      "--batch must be left out where stages of different batches are run (tiny 4, other 2), found 8\n  hint: leave --batch out, or run one of them by `--stage tiny`",
    ],
    [command(at("none"), "--batch", "8", "--stage", "other").with(1, both).with(3, "no-such-data"), "no-such-data: there is no such file"],
    [command(at("none")).with(1, "models/taef2.mv"), "the model declares no stage of training"],
    [command(at("none")).with(1, mixing), 'stage "tiny" takes single frames for `x`, but `encode` makes each of several frames'],
    [
      command(at("none")).with(1, at("labelled.mv")),
      'stage "tiny" takes the label "size", and its clips have the labels "shape", "colour", "motion"',
    ],
    [command(at("none")).with(1, at("counted.mv")), 'its label "motion" has 8 classes, and stage "tiny" takes 4'],
    [command(at("none")).with(3, "no-such-data"), "no-such-data: there is no such file or folder"],
  ];
  const labelled = (label: string) =>
    encoded()
      .replace("sigma: Tensor<f32, [B]>,\n    t:", "sigma: Tensor<f32, [B]>,\n    label: Tensor<i32, [B]>,\n    t:")
      .replace("const s = view(sigma", "const s = view(sigma + float(label)")
      .replace('t: { from: "time" },', `t: { from: "time" }, label: { from: "label", ${label} },`);
  writeFileSync(at("labelled.mv"), labelled('of: "size", classes: 8'));
  writeFileSync(at("counted.mv"), labelled('of: "motion", classes: 4'));
  for (const [args, sentence] of cases) await expectRefused(args, sentence);
  expect(existsSync(at("none"))).toBe(false);
  expect(weightsOf(whole).equals(before)).toBe(true);
});

test("the batch of a loss that is no mean over it is computed at once, which is said", async () => {
  const file = at("sum.mv");
  // Of a batch of 4 it is four times the mean, of parts of 2 twice.
  writeFileSync(file, encoded().replace("return view(view(error", "return B * view(view(error"));
  const run = at("sum");
  const { code, err } = await mvc([...command(run).with(1, file).with(5, "1")]);
  expect(code).toBe(0);
  const first = (folder: string) => JSON.parse(readFileSync(join(folder, "metrics.jsonl"), "utf8").split("\n", 1)[0] ?? "").loss;
  // The same weights, clips and noise as those of the whole run, whose loss is the mean; f32 sums in another order.
  const mean = first(whole);
  expect(Math.abs(first(run) / (4 * mean) - 1)).toBeLessThan(1e-5);
  expect(err).toContain(`the loss of tiny is no mean over the batch (${(4 * mean).toPrecision(4)} of a batch, `);
  expect(err).toContain("each step computes its batch of 4 at once");
  expect(readFileSync(join(run, "checkpoint.safetensors"), "latin1")).toContain('\\"parts\\":1');
});

test("a damaged checkpoint is told of, however it is damaged", async () => {
  const run = at("damaged");
  const file = join(run, "checkpoint.safetensors");
  const damages: readonly (readonly [(bytes: Buffer) => void, string])[] = [
    [(bytes) => truncateSync(file, bytes.length - 100), "cut short?"],
    [(bytes) => writeFileSync(file, bytes.with(bytes.length - 9, (bytes.at(-9) ?? 0) ^ 1)), "its numbers are not those that were written"],
    [() => writeFileSync(file, weightsOf(whole)), "it does not say what run it is of"],
  ];
  for (const [damage, sentence] of damages) {
    cpSync(whole, run, { recursive: true });
    damage(readFileSync(file));
    const { code, err } = await mvc(command(run, "--resume"));
    expect(err).toContain("is not a sound checkpoint of a run");
    expect(err).toContain(sentence);
    expect(code).toBe(1);
  }
});

// Only root may mount the small disk that this needs.
test.runIf(process.platform === "linux" && process.getuid?.() === 0)("a full disk is told of, and the last checkpoint stays", async () => {
  const disk = at("disk");
  mkdirSync(disk);
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=44k", "tmpfs", disk]);
  try {
    const run = join(disk, "run");
    const { code, err } = await mvc(command(run));
    expect(err).toMatch(/^error disk-full\n/);
    expect(code).toBe(1);
    expect(filesBelow(run).filter((file) => file.includes(".mvc-"))).toEqual([]);
    // One that is whole is gone on from; then the disk is full again.
    expect((await mvc(command(run, "--resume"))).err).toMatch(/^error disk-full\n/);
  } finally {
    execFileSync("umount", [disk]);
  }
});

test("a step that is not finite names the op and the path where that began, and the last checkpoint stays", async () => {
  const cases = [
    // What is normalised has negative numbers.
    ["silu()", "sqrt()", /the first value that is not finite is the result of `sqrt` at net$/m],
    // Where it has, 0 is the root of 0, whose slope is infinite.
    ["silu()", "relu() |> sqrt()", /the loss is finite, and the first gradient that is not is made by `\w+`, going back through net$/m],
  ] as const;
  for (const [i, [was, is, sentence]] of cases.entries()) {
    writeFileSync(at("wild.mv"), readFileSync(model, "utf8").replace(was, is));
    const run = at(`wild-${i}`);
    const { code, err } = await mvc(command(run).with(1, at("wild.mv")));
    expect(err).toContain('training stopped in stage "tiny" at step 1: ');
    expect(err).toMatch(sentence);
    expect(err).toContain("`--resume` goes on from it");
    expect(code).toBe(1);
    expect(readFileSync(join(run, "checkpoint.safetensors"), "latin1")).toContain('\\"step\\":0');
  }
});

test.runIf(process.platform === "linux")("where no graphics device answers, `--engine webgpu` is one error before the work", async () => {
  const drivers = process.env.VK_DRIVER_FILES;
  process.env.VK_DRIVER_FILES = at("no-driver.json");
  const { code, err } = await mvcAlone(command(at("none"), "--engine", "webgpu")).finally(() => {
    if (drivers === undefined) delete process.env.VK_DRIVER_FILES;
    else process.env.VK_DRIVER_FILES = drivers;
  });
  expect(err).toContain("WebGPU finds no graphics adapter");
  expect(err).toContain("train with `--engine onnx`");
  expect(code).toBe(1);
  expect(existsSync(at("none"))).toBe(false);
});

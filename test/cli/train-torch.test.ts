// `mvc data --for` and `mvc train --engine torch`: the curve of the other engine, the same bytes after any stop, and one sentence for all that can be wrong.

import { chmodSync, cpSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readSafetensors, readSafetensorsHeader } from "../../runtime/node/safetensors-file.ts";
import { pythons } from "../golden/torch-files.ts";
import { expectRefused, filesBelow, mvc, mvcAlone, temporaryFolder } from "./mvc.ts";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const model = at("tiny.mv");
const data = at("clips.safetensors");
const steps = 20;
const command = (run: string, ...more: readonly string[]) => [
  ...["train", model, "--data", data, "--seed", "3", "--steps", String(steps), "--save-every", "3", "-o", run],
  ...more,
];

/** An encoder and a decoder, and a stage that measures what lies between them before what the other learns on. */
const latents = `
  graph encode(x: Video<3, H, W>): Video<3, H, W> { return (x |> conv2d(3, kernel: 1) as encoder) * 0.5; }
  graph decode(z: Video<3, H, W>): Video<3, H, W> { return z |> conv2d(3, kernel: 1) as decoder; }
  train latents { normalises: encode, writer: "encoder", readers: ["decoder"] }
  graph denoise(`;

beforeAll(async () => {
  const source = readFileSync("golden/training/tiny.mv", "utf8")
    .replace('x: { from: "clip" }', 'x: { from: "clip", encoder: encode }, kind: { from: "label", of: "shape", classes: 6 }')
    .replace("\n  graph denoise(", latents)
    // The shape's class makes the target lighter or darker.
    .replace("[B, L]>,\n  ): Tensor<f32, [1]> {", "[B, L]>,\n    kind: Tensor<i32, [B]>,\n  ): Tensor<f32, [1]> {")
    .replace("s * x);", "s * x) + view(kind |> embedding(vocabulary: 6, width: 1) as kinds, [B, 1, 1, 1, 1]);")
    .replace('{ path: "net" },', '{ path: "net" }, { path: "kinds" },');
  writeFileSync(model, source);
  cpSync("golden/training/tiny.tokenizer.json", at("tiny.tokenizer.json"));
  const { err, code } = await mvc(["data", "moving-shapes", "--clips", "12", "--for", model, "-o", data]);
  expect([err, code]).toEqual(["", 0]);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("clips for a model have its size, and their captions as its tokens", async () => {
  const { metadata } = await readSafetensorsHeader(data);
  const { clips, "tokens.8": tokens, "unguided.8": unguided } = await readSafetensors(data);
  expect([clips?.shape, tokens?.shape, tokens?.dtype]).toEqual([[12, 2, 8, 8, 3], [12, 8], "i32"]);
  // As the tokenizer's file has them by hand: <start> "" <end>, then pads.
  expect([...(unguided?.data ?? [])]).toEqual([1, 2, 0, 0, 0, 0, 0, 0]);
  const { vocab } = JSON.parse(readFileSync("golden/training/tiny.tokenizer.json", "utf8")).model;
  const [caption = ""] = JSON.parse(metadata.get("captions") ?? "[]");
  const ids = caption.split(" ").map((word: string) => vocab[word] ?? 3);
  expect([...(tokens?.data ?? [])].slice(0, 8)).toEqual([1, ...ids, 2, 0, 0, 0, 0, 0].slice(0, 8));
  expect(metadata.get("unguided")).toBe('[""]');
});

test("what a model says of clips is not said again, and its choices need a model", async () => {
  const cases = [
    [["--for", model, "--size", "8x8"], "--size must be left out beside --for"],
    [["--for", model, "--frames", "4"], "--frames must be left out beside --for"],
    [["--preset", "Small"], "--preset must be given with --for"],
    [["--for", "models/taef2.mv"], "the model declares no stage of training"],
  ] as const;
  for (const [words, sentence] of cases) {
    const { code, err } = await mvc(["data", "moving-shapes", ...words, "-o", at("none.safetensors")]);
    expect(err).toContain(sentence);
    expect(code).toBe(1);
  }
  expect(existsSync(at("none.safetensors"))).toBe(false);
});

test("without a Python that has PyTorch, or with what it cannot take, training is one error before the work", async () => {
  // A Python that sees none of its packages.
  const bare = at("bare-python");
  writeFileSync(bare, '#!/bin/sh\nexec python3 -I -S "$@"\n');
  const [old, strange] = [at("old-python"), at("strange-python")];
  writeFileSync(old, `#!/bin/sh\necho '{"python": "3.11.2", "torch": "1.12.1", "numpy": "1.24.2"}'\n`);
  writeFileSync(strange, "#!/bin/sh\necho no such option >&2\nexit 3\n");
  for (const file of [bare, old, strange]) chmodSync(file, 0o755);
  const torch = (...words: readonly string[]) => command(at("none"), "--engine", "torch", ...words);
  const cases: readonly (readonly [readonly string[], string, string])[] = [
    [torch("--python", "no-such-python"), "there is no no-such-python", "install Python 3.9 or newer"],
    [torch("--python", bare), `${bare} has no PyTorch`, `\`${bare} -m pip install torch numpy\``],
    [torch("--python", old), `${old} has PyTorch 1.12.1`, "install 1.13 or newer"],
    [torch("--python", strange), `${strange} is no Python that runs: no such option`, "or train by `--engine onnx`"],
    [torch("--recompute"), "--recompute must be left out with --engine torch", "leave --recompute out"],
    [
      torch("--minutes", "3").filter((word, i, all) => ![word, all[i - 1]].includes("--steps")),
      "--minutes must be left out",
      "or give --steps",
    ],
    [command(at("none"), "--python", "python3"), "--python must be left out but with --engine torch", "leave --python out"],
    [torch("--resume"), "holds no training run to go on with", "leave `--resume` out"],
  ];
  for (const [words, sentence, way] of cases) await expectRefused(words, sentence, way);
  expect(existsSync(at("none"))).toBe(false);
});

describe.skipIf(pythons.length === 0)("by PyTorch", () => {
  const python = pythons[0]?.python ?? "python3";
  const [whole, other] = [at("whole"), at("other")];
  const torch = (run: string, ...more: readonly string[]) => command(run, "--engine", "torch", "--python", python, ...more);
  const weightsOf = (run: string) => readFileSync(join(run, "weights.safetensors"));
  const lossesOf = (run: string) =>
    readFileSync(join(run, "metrics.jsonl"), "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { readonly step: number; readonly loss: number; readonly gradientNorm: number });

  beforeAll(async () => {
    const ended = await mvc(torch(whole));
    expect(ended.err).toBe("");
    expect(ended.code).toBe(0);
    expect(ended.out).toMatch(
      /^PyTorch \S+ on .*\nlatents: measuring encode\nencode: encoding 12 clips\ntiny: 18 tensors, batch 4, 20 steps\ntiny: step 3 of 20, loss \d/,
    );
    expect(ended.out).toContain(`whole: done; \`mvc build ${model}`);
    expect((await mvc(command(other))).code).toBe(0);
  });

  test("its losses are those of the processor's engine, on the same clips, noise and latents, which both have measured", async () => {
    const [found, expected] = [lossesOf(whole), lossesOf(other)];
    expect(found.map(({ step }) => step)).toEqual(Array.from({ length: steps }, (_, i) => i + 1));
    // Two engines sum in other orders: f32 rounding, grown over twenty steps of AdamW.
    for (const [i, { loss, gradientNorm }] of found.entries()) {
      expect(Math.abs(loss - (expected[i]?.loss ?? Number.NaN))).toBeLessThan(1e-4);
      expect(Math.abs(gradientNorm - (expected[i]?.gradientNorm ?? Number.NaN))).toBeLessThan(1e-4);
    }
    // Each f32 of a weight once divided by what sums of f64 came to.
    const [mine, theirs] = [
      await readSafetensors(join(whole, "weights.safetensors")),
      await readSafetensors(join(other, "weights.safetensors")),
    ];
    for (const path of ["encoder.weight", "encoder.bias", "decoder.weight", "decoder.bias"]) {
      const apart = [...(mine[path]?.data ?? [Number.NaN])].map((value, i) => Math.abs(value - (theirs[path]?.data[i] ?? Number.NaN)));
      expect(Math.max(...apart), path).toBeLessThan(2e-6);
    }
    expect(readFileSync(join(whole, "curves.svg"), "utf8")).toContain("tiny: loss");
    expect(existsSync(join(whole, "samples", "tiny-000020.png"))).toBe(true);
  });

  test("its weights are what build takes, and are sampled here", async () => {
    const built = await mvc(["build", model, "--weights", whole, "--target", "onnx", "-o", at("package")]);
    // What the loss alone reads is no part of the model.
    expect(built.err.trimEnd()).toMatch(/^note \S+ has 1 tensor \(kinds\.weight\) that the model does not take$/);
    expect(built.code).toBe(0);
    expect((await mvc(["sample", at("package"), "a red circle", "--backend", "onnx", "-o", at("clip.png")])).code).toBe(0);
  });

  test("interrupted, it goes on to the bytes of a run that was not", async () => {
    const run = at("stopped");
    const reached = (step: number) => () => existsSync(join(run, "metrics.jsonl")) && lossesOfSoFar(run) >= step;
    const stopped = await mvcAlone(torch(run), reached(1));
    expect(stopped.out).toContain("stopped; the same command with `--resume` goes on");
    expect(stopped.code).toBe(130);
    const before = lossesOfSoFar(run);
    expect(before).toBeLessThan(steps);
    const last = await mvcAlone(torch(run, "--resume"));
    expect([last.err, last.code]).toEqual(["", 0]);
    expect(last.out).toContain(`goes on from step ${before} of tiny\n`);
    expect(weightsOf(run).equals(weightsOf(whole))).toBe(true);
    expect(lossesOf(run).map(({ loss }) => loss)).toEqual(lossesOf(whole).map(({ loss }) => loss));
    expect(filesBelow(run).filter((file) => /\.part$|\.mvc-/.test(file))).toEqual([]);
  }, 600_000);

  test("what a run was not started with is named", async () => {
    const changed = at("changed.mv");
    writeFileSync(changed, readFileSync(model, "utf8").replace("clipNorm: 0.5", "clipNorm: 0.6"));
    const cases: readonly (readonly [readonly string[], string])[] = [
      [torch(whole), "holds a training run"],
      [torch(other, "--resume"), "was started with the engine onnx or webgpu, and this is torch"],
      [command(whole, "--resume"), "was started with the engine torch, and this is another"],
      [torch(whole, "--resume").with(1, changed), "was started with the model and training of its train.py, and this is another"],
      [torch(whole, "--resume").with(3, "moving-shapes"), "with other clips of its data, by their hash"],
      [torch(whole, "--resume", "--batch", "8"), "has batch 4 in stage tiny, and this is 8"],
    ];
    for (const [words, sentence] of cases) await expectRefused(words, sentence);
  });
});

const lossesOfSoFar = (run: string) => readFileSync(join(run, "metrics.jsonl"), "utf8").split("\n").length - 1;

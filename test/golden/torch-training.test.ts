// An emitted train.py against PyTorch's own run of the tiny model: on one process and on two, sharded, in parts, stopped and gone on with, by each PyTorch that is here.

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { compile } from "../../compiler/compile.ts";
import { compileTrainingCode } from "../../compiler/compile-code.ts";
import { emitTorch } from "../../compiler/targets/torch/emit.ts";
import { emitTraining } from "../../compiler/targets/torch/emit-training.ts";
import { trainerFiles } from "../../compiler/targets/torch/trainer.ts";
import { trainSources } from "../../dsl/training.ts";
import { readSafetensors, tensorSource, writeSafetensors } from "../../runtime/node/safetensors-file.ts";
import { f32, i32 } from "../../runtime/tensor.ts";
import { programOfFile } from "../compiler/expand/expanded.ts";
import { goldenOf, tinyFile, tinyJob, tinySources } from "../training/tiny.ts";
import { compileCodeOf, pythons } from "./torch-files.ts";

const [CLIPS, FRAMES, SIZE, TOKENS] = [12, 2, 8, 8];

/** The files of the tiny model, and the clips and weights of golden/reference/make_training.py. */
async function writeTiny(folder: string): Promise<void> {
  const training = compileTrainingCode(programOfFile(tinyFile), { precision: "f32" });
  if (!training.ok || training.value === undefined) throw new Error("tiny.mv declares no training");
  mkdirSync(join(folder, "trainer"));
  const code = [
    ["model.py", emitTorch(compileCodeOf(tinyFile), "0.0", "tiny.mv")],
    ["train.py", emitTraining(training.value, "0.0", "tiny.mv")],
    ...trainerFiles,
  ] as const;
  for (const [path, text] of code) writeFileSync(join(folder, path), text);
  const pixels = new Uint8Array(CLIPS * FRAMES * SIZE * SIZE * 3);
  const tokens = new Int32Array(CLIPS * TOKENS);
  for (let i = 0, at = 0; i < CLIPS; i++) {
    for (let f = 0; f < FRAMES; f++)
      for (let y = 0; y < SIZE; y++)
        for (let x = 0; x < SIZE; x++) for (let c = 0; c < 3; c++) pixels[at++] = (37 * i + 29 * f + 5 * y + 3 * x + 80 * c) % 256;
    tokens.set(tinySources.tokens(await tinySources.caption(i), TOKENS), i * TOKENS);
  }
  await writeSafetensors(
    join(folder, "clips.safetensors"),
    [
      tensorSource(`tokens.${TOKENS}`, i32([CLIPS, TOKENS], tokens)),
      tensorSource(`unguided.${TOKENS}`, i32([1, TOKENS], new Int32Array(TOKENS))),
      { name: "clips", dtype: "U8", shape: [CLIPS, FRAMES, SIZE, SIZE, 3], chunks: () => [pixels] },
    ],
    { metadata: { unguided: JSON.stringify([""]) } },
  );
  const job = tinyJob(1);
  const shapes = new Map(
    job.lossGraph.values.flatMap((value) => (value.kind === "weight" ? [[value.path, value.type.shape] as const] : [])),
  );
  const start = [...job.state].map(([path, { value }]) => [path, value] as const);
  const write = (name: string, weights: typeof start) =>
    writeSafetensors(
      join(folder, name),
      weights.map(([path, values]) => tensorSource(path, f32(shapes.get(path) ?? [], values))),
    );
  await write("start.safetensors", start);
  const breaks = (path: string, i: number) => path === "net.query.weight" && i === 3;
  await write(
    "broken.safetensors",
    start.map(([path, values]) => [path, values.map((value, i) => (breaks(path, i) ? Number.NaN : value))] as const),
  );
}

interface Ended {
  readonly name: string;
  readonly codes: readonly number[];
  readonly texts: readonly string[];
}

const run = (
  name: string,
  more: readonly string[] = [],
  { processes = 1, steps = 5, start = "start", from = undefined as unknown } = {},
) => ({
  name,
  arguments: [
    ...["--data", "clips.safetensors", "--weights", `${start}.safetensors`, "--seed", "3"],
    ...["--steps", String(steps), "--save-every", "1", "-o", name, ...more],
  ],
  processes,
  ...(from === undefined ? {} : { from }),
});

test("the trainer knows every source of a loss's inputs", () => {
  const text = `${trainerFiles.get("trainer/clips.py")}${trainerFiles.get("trainer/levels.py")}`;
  expect(trainSources.filter((word) => !text.includes(`"${word}"`))).toEqual([]);
});

describe.skipIf(pythons.length === 0)("training by PyTorch", () => {
  describe.each(pythons)("$version", ({ python, version }) => {
    const folder = mkdtempSync(join(tmpdir(), "mvc-torch-training-"));
    const [major = 0, minor = 0] = version.split(".").map(Number);
    const isOld = major < 2;
    const hasFsdp = major > 2 || (major === 2 && minor >= 6);
    const others = ["two", ...(isOld ? [] : ["parts"]), ...(hasFsdp ? ["sharded"] : [])];
    const ended = new Map<string, Ended>();
    const outOf = (name: string) => {
      const { codes = [], texts = [] } = ended.get(name) ?? {};
      expect(codes, texts.join("\n")).toEqual(codes.map(() => 0));
      return texts;
    };
    const lossesOf = (name: string) => {
      outOf(name);
      const lines = readFileSync(join(folder, name, "metrics.jsonl"), "utf8")
        .trimEnd()
        .split("\n");
      return lines.map((line) => JSON.parse(line).loss as number);
    };
    /** Adam's first averages after one step, a share of the clipped gradients, one after the other. */
    const gradientsOf = async (name: string) => {
      outOf(name);
      const tensors = Object.entries(await readSafetensors(join(folder, name, "checkpoint-1.safetensors")));
      return tensors.flatMap(([path, { data }]) => (path.startsWith("first ") ? [...data] : []));
    };

    beforeAll(async () => {
      await writeTiny(folder);
      const sharded = [
        run("sharded", ["--shard", "fsdp", "--accumulate", "2", "--keep", "tiny=5"], { processes: 2 }),
        run("sharded-resumed", ["--shard", "fsdp", "--accumulate", "2", "--resume"], { processes: 2, from: ["sharded", 3] }),
      ];
      const runs = [
        run("whole", ["--keep", "tiny=4"], { steps: 20 }),
        run("astray", ["--keep", "tiny=0"]),
        run("two", [], { processes: 2 }),
        run("bf16", ["--bf16"]),
        run("resumed", ["--resume"], { steps: 20, from: ["whole", 15] }),
        // What the trainer does by itself, whatever PyTorch it has.
        ...(isOld ? [] : [run("parts", ["--accumulate", "2"]), run("broken", [], { start: "broken" })]),
        ...(hasFsdp ? sharded : [run("sharded", ["--shard", "fsdp"])]),
      ];
      writeFileSync(join(folder, "runs.json"), JSON.stringify(runs));
      const environment = { ...process.env, PYTHONDONTWRITEBYTECODE: "1" };
      const { status, stdout, stderr } = spawnSync(python, ["test/golden/torch-training.py", folder], {
        encoding: "utf8",
        env: environment,
      });
      expect(status, stderr).toBe(0);
      for (const line of stdout.trimEnd().split("\n")) {
        const one = JSON.parse(line) as Ended;
        ended.set(one.name, one);
      }
    }, 120_000);
    afterAll(() => rmSync(folder, { recursive: true, force: true }));

    test("the losses are those of PyTorch's own run, on any number of processes and in any parts", () => {
      const expected = [...goldenOf("losses").slice(0, 20)];
      // The same ops in the same order but for how a batch is summed, in f32: 1e-5 is some twenty roundings of losses of 2.
      const close = (losses: readonly number[]) => Math.max(...losses.map((loss, i) => Math.abs(loss - (expected[i] ?? Number.NaN))));
      const names = ["whole", ...others];
      expect(names.filter((name) => !(close(lossesOf(name)) < 1e-5))).toEqual([]);
      expect(names.map((name) => lossesOf(name).length)).toEqual(names.map((name) => (name === "whole" ? 20 : 5)));
      expect(outOf("two")[0]).toContain("batch 4 on 2 processes, ddp, 5 steps");
    });

    test("gradients of two processes and of parts are those of the whole batch", async () => {
      const whole = await gradientsOf("whole");
      const size = Math.hypot(...whole);
      expect(size).toBeGreaterThan(1e-3);
      for (const name of others) {
        const found = await gradientsOf(name);
        // Means of two halves in place of one mean: f32 rounding, a few times 6e-8, of sums over a batch of 4.
        expect(Math.hypot(...found.map((one, i) => one - (whole[i] ?? Number.NaN))) / size, name).toBeLessThan(2e-6);
      }
    });

    test("a run that goes on from a checkpoint ends in the same bytes, and its metrics have each step once", () => {
      const bytes = (name: string) => readFileSync(join(folder, name, "weights.safetensors"));
      expect(lossesOf("resumed")).toEqual(lossesOf("whole"));
      expect(outOf("resumed")[0]).toContain("goes on from step 15 of tiny");
      expect(bytes("resumed").equals(bytes("whole"))).toBe(true);
      if (!hasFsdp) return;
      outOf("sharded-resumed");
      expect(bytes("sharded-resumed").equals(bytes("sharded"))).toBe(true);
    });

    test("of a stage's moments the weights are kept that a run would give then", async () => {
      outOf("whole");
      expect(readdirSync(join(folder, "whole", "samples"))).toEqual(["05", "10", "15"].map((step) => `tiny-0000${step}.safetensors`));
      for (const [name, step] of [["whole", 15], ...(hasFsdp ? [["sharded", 3] as const] : [])] as const) {
        outOf(name);
        const kept = await readSafetensors(join(folder, name, "samples", `tiny-0000${String(step).padStart(2, "0")}.safetensors`));
        const checkpoint = await readSafetensors(join(folder, name, `checkpoint-${step}.safetensors`));
        const averages = Object.entries(checkpoint).filter(([path]) => path.startsWith("average "));
        expect(averages.length).toBeGreaterThan(5);
        expect(averages.filter(([path, average]) => !isDeepStrictEqual(kept[path.slice("average ".length)], average))).toEqual([]);
        expect(Object.keys(kept).length).toBe(Object.keys(checkpoint).filter((path) => path.startsWith("weight ")).length);
      }
      const { codes, texts } = ended.get("astray") ?? {};
      expect([codes, texts]).toEqual([[1], ["error: --keep is tiny=0, not STAGE=N with 1 or more and one of the stages tiny\n"]]);
      expect(existsSync(join(folder, "astray"))).toBe(false);
    });

    test.skipIf(isOld)("bfloat16 stays near", () => {
      // Eight bits of mantissa, a relative 4e-3 a product, averaged over the loss's 1,536 terms.
      const whole = lossesOf("whole");
      const errors = lossesOf("bf16").map((loss, i) => Math.abs(loss - (whole[i] ?? Number.NaN)));
      expect(Math.max(...errors)).toBeLessThan(3e-2);
      expect(Math.max(...errors)).toBeGreaterThan(1e-5);
    });

    test.skipIf(isOld)("what is not finite is named by its path, and the checkpoint stays", () => {
      const { codes, texts } = ended.get("broken") ?? {};
      expect(codes).toEqual([1]);
      expect(texts?.[0]).toContain('error: training stopped in stage "tiny" at step 1: the weight net.query.weight is not finite');
      expect(existsSync(join(folder, "broken", "checkpoint.safetensors"))).toBe(true);
      // What whoever launched it elsewhere finds of it.
      const [, told = ""] = /^error: (.*); the last checkpoint/m.exec(texts?.[0] ?? "") ?? [];
      expect(readFileSync(join(folder, "broken", "failure.txt"), "utf8")).toBe(`${told}\n`);
    });

    test.runIf(isOld)("what an old PyTorch has not is said in a sentence", () => {
      const toldBy = (name: string) => [ended.get(name)?.codes, ended.get(name)?.texts[0]];
      const lacks = `error: PyTorch ${version} has no`;
      expect(toldBy("sharded")).toEqual([[1], `${lacks} fully_shard (FSDP2): 2.6 or newer has it; --shard ddp does without\n`]);
      expect(toldBy("bf16")).toEqual([[1], `${lacks} sure --bf16: 2.0 or newer\n`]);
    });

    test("the weights are the model's by their paths, of which the averages are given", async () => {
      outOf("whole");
      const program = compile(programOfFile(tinyFile), { precision: "f32" });
      if (!program.ok) throw new Error("tiny.mv does not compile");
      const needed = [...program.module.graphs.values()].flatMap(({ values }) =>
        values.flatMap((value) => (value.kind === "weight" ? [value.path] : [])),
      );
      const given = await readSafetensors(join(folder, "whole", "weights.safetensors"));
      expect(Object.keys(given).sort()).toEqual([...new Set(needed)].sort());
      const { "weight net.query.weight": raw } = await readSafetensors(join(folder, "whole", "checkpoint.safetensors"));
      // A stage that is over has given its averages to the next.
      expect(given["net.query.weight"]).toEqual(raw);
    });
  });
});

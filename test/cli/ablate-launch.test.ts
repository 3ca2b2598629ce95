// `mvc ablate --engine torch`: what is handed to Slurm, the PyTorch operator and Ray, what is gathered once it is done, and training here.

import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readSafetensors, readSafetensorsHeader, tensorSource, writeSafetensors } from "../../runtime/node/safetensors-file.ts";
import type { CellResult } from "../../study/cell.ts";
import type { StudyReport } from "../../study/report.ts";
import { pythons } from "../golden/torch-files.ts";
import { keysOf, sbatchNames, sbatchOptions, strangeFields } from "./launch-fields.ts";
import { expectRefused, mvc, mvcAlone, temporaryFolder } from "./mvc.ts";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const model = "golden/training/ablations.mv";
// A space in it, for what a shell makes of that.
const [films, study] = [at("films.safetensors"), at("the study")];
const command = (output: string, ...more: readonly string[]) => [
  ...["ablate", model, "--data", films, "--steps", "6", "--seeds", "1", "--clips", "2", "--engine", "torch", "-o", output],
  ...more,
];
const inCell = (name: string, file: string) => join(study, "cells", name, file);
const resultOf = (output: string, name: string) =>
  JSON.parse(readFileSync(join(output, "cells", name, "result.json"), "utf8")) as CellResult;

/** A program by the name of another, in a folder of their own. */
function standIn(name: string, text: string): void {
  mkdirSync(at("bin"), { recursive: true });
  writeFileSync(join(at("bin"), name), text);
  chmodSync(join(at("bin"), name), 0o755);
}
const withStandIns = { ...process.env, PATH: `${at("bin")}${delimiter}${process.env.PATH}` };

let launched = "";
beforeAll(async () => {
  expect((await mvc(["data", "moving-shapes", "--clips", "8", "--for", model, "-o", films])).code).toBe(0);
  const { code, out, err } = await mvc(command(study, "--launch", "slurm"));
  expect(err).toContain("each cell trains all of its own stages");
  expect(err).not.toContain("error");
  expect(code).toBe(0);
  launched = out;
  standIn("srun", '#!/bin/sh\n[ "$1" = --cpus-per-task=8 ] && shift && exec "$@"\n');
  // Where it is called, and with what.
  standIn("torchrun", `#!/bin/bash\necho "$(basename "$PWD") $*" >> '${at("called")}'\n`);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const torchrun = (cell: string, ...more: readonly string[]) =>
  [
    ...[cell, "--standalone --nproc-per-node=1 train.py --data ../../clips.safetensors --weights start.safetensors -o . --seed 0"],
    "--keep denoiser=4",
    ...more,
  ].join(" ");

/** What was called since it was asked last. */
function called(): readonly string[] {
  const lines = readFileSync(at("called"), "utf8").trimEnd().split("\n");
  rmSync(at("called"));
  return lines;
}

test("every cell has its code of the study's steps, the weights that its seed gives, and the clips that all share", async () => {
  expect(launched).toContain("baseline-0: not begun\nUntimed-0: not begun\nPointwise-0: not begun\n3 of 3 cells are to be trained: `cd '");
  expect(launched).toContain("the study' && sbatch study.slurm`; then this command again gathers those that are done");
  // 6 steps by 100 and 200, as the baseline declares them; nothing is trained.
  for (const name of ["baseline-0", "Untimed-0", "Pointwise-0"]) {
    expect([...readFileSync(inCell(name, "train.py"), "utf8").matchAll(/"steps": (\d+)/g)].map(([, steps]) => steps)).toEqual(["2", "4"]);
    expect(existsSync(inCell(name, "trainer/command.py"))).toBe(true);
    expect(existsSync(inCell(name, "weights.safetensors"))).toBe(false);
  }
  const [baseline, untimed] = await Promise.all(
    ["baseline-0", "Untimed-0"].map((name) => readSafetensors(inCell(name, "start.safetensors"))),
  );
  expect(untimed?.["net.enter.weight"]).toEqual(baseline?.["net.enter.weight"]);
  expect(Object.keys(baseline ?? {}).filter((path) => !(path in (untimed ?? {})))).toContain("net.query.weight");
  const { clips, "tokens.8": tokens } = await readSafetensors(join(study, "clips.safetensors"));
  expect([clips?.shape, tokens?.shape]).toEqual([
    [8, 2, 8, 8, 3],
    [8, 8],
  ]);
});

test("of named stages alone, a cell's training is told which", async () => {
  const own = at("denoisers");
  expect((await mvc(command(own, "--only", "Untimed", "--stage", "denoiser", "--launch", "slurm"))).code).toBe(0);
  const script = readFileSync(join(own, "cells", "Untimed-0", "train.sh"), "utf8");
  expect(script).toContain('-o . --seed 0 --stage denoiser --keep denoiser=4 "$');
});

test("a cell whose numbers were not finite where it was trained has failed, and is not handed out again", async () => {
  const own = at("denoisers");
  const why = 'training stopped in stage "denoiser" at step 3: the weight net.leave.weight is not finite';
  writeFileSync(join(own, "cells", "Untimed-0", "failure.txt"), `${why}\n`);
  const again = command(own, "--only", "Untimed", "--stage", "denoiser", "--launch", "slurm");
  const { code, out } = await mvc(again);
  expect(code).toBe(0);
  expect(out).toContain(`Untimed-0: failed: ${why}\n`);
  expect(out).toContain("1 of 2 cells are to be trained");
  expect(readFileSync(join(own, "study.slurm"), "utf8")).toContain("#SBATCH --array=0-0\n");
  expect((await mvc(again)).out).toContain("Untimed-0: failed, and is not tried again: ");
});

test("Slurm: an array of a task a cell, each one torchrun that goes on where a checkpoint lies", () => {
  const script = readFileSync(join(study, "study.slurm"), "utf8");
  execFileSync("bash", ["-n"], { input: script });
  const [head = "", body = ""] = script.split("set -euo pipefail");
  // sbatch reads no further than the first command.
  expect(body).not.toContain("#SBATCH");
  expect(sbatchNames(head).filter((name) => !sbatchOptions.includes(name ?? ""))).toEqual([]);
  expect(head).toContain("#SBATCH --array=0-2\n");
  const submit = (task: number) =>
    execFileSync("bash", ["-c", script], {
      cwd: study,
      env: { ...withStandIns, SLURM_ARRAY_TASK_ID: String(task), SLURM_GPUS_ON_NODE: "1", SLURM_CPUS_PER_TASK: "8" },
    });
  submit(1);
  const checkpoint = inCell("Pointwise-0", "checkpoint.safetensors");
  writeFileSync(checkpoint, "");
  submit(2);
  rmSync(checkpoint);
  expect(called()).toEqual([torchrun("Untimed-0"), torchrun("Pointwise-0", "--resume")]);
});

test("Kubernetes: a PyTorchJob a cell by names that it takes, on a claim that holds the study", async () => {
  const { out, code } = await mvc(command(study, "--launch", "kubernetes"));
  expect(code).toBe(0);
  expect(out).toMatch(/`kubectl apply -f '.*the study'\/jobs\.yaml`/);
  const jobs = readFileSync(join(study, "jobs.yaml"), "utf8").split("---\n");
  expect(jobs).toHaveLength(3);
  for (const job of jobs) {
    expect(job).toMatch(/^apiVersion: kubeflow\.org\/v1\nkind: PyTorchJob$/m);
    expect(strangeFields(job)).toEqual([]);
    expect(keysOf(job)).toContain("spec pytorchReplicaSpecs Master template spec containers command");
    expect(job).toContain("- name: pytorch\n");
    expect(job).toContain('subPath: "the study"\n');
  }
  const names = jobs.map((job) => /^ {2}name: (.+)$/m.exec(job)?.[1] ?? "");
  // RFC 1123, and 63 characters of a pod's label with the operator's "-master-0".
  for (const name of names) expect(name).toMatch(/^[a-z0-9]([a-z0-9-]{0,51}[a-z0-9])?$/);
  expect(new Set(names).size).toBe(3);
  const commands = jobs.map((job) => JSON.parse(/command: (.*)$/m.exec(job)?.[1] ?? "[]") as string[]);
  expect(commands.map(([shell, file]) => [shell, file])).toEqual(
    ["baseline-0", "Untimed-0", "Pointwise-0"].map((cell) => ["bash", `/study/cells/${cell}/train.sh`]),
  );
  // As its pod would, with the study where it lies here.
  for (const [shell = "", file = "", ...more] of commands)
    execFileSync(shell, [file.replace("/study", study), ...more], { env: withStandIns });
  expect(called()).toEqual(["baseline-0", "Untimed-0", "Pointwise-0"].map((cell) => torchrun(cell)));
});

const python = pythons[0]?.python ?? "python3";
const hasRay = spawnSync(python, ["-c", "import ray"]).status === 0;
const byRay = process.env.MVC_RAY === "1" && hasRay;
if (!byRay)
  process.stderr.write(
    `Ray's run is skipped: ${hasRay ? "it takes half a minute, and MVC_RAY=1 asks for it" : `${python} has no package ray`}\n`,
  );

describe.skipIf(!byRay)("by Ray on this machine", () => {
  test("each cell is a task, and its training is the checkpoint that is gathered", async () => {
    const own = at("by ray");
    const launch = command(own, "--only", "Untimed", "--launch", "ray");
    expect((await mvc(launch)).code).toBe(0);
    const bin = dirname(execFileSync(python, ["-c", "import sys; print(sys.executable)"], { encoding: "utf8" }).trim());
    const env = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH}` };
    const { stdout, stderr, status } = spawnSync(python, [join(own, "study_ray.py")], { encoding: "utf8", env });
    expect(stderr).not.toContain("Traceback");
    expect([status, stdout.trimEnd().split("\n").sort()]).toEqual([0, ["Untimed-0: done", "baseline-0: done"]]);
    const { code, out } = await mvc(launch);
    expect(code).toBe(0);
    expect(out).toContain(": done; ");
    expect(resultOf(own, "Untimed-0").stages.map(({ steps }) => steps)).toEqual([2, 0, 4]);
  }, 600_000);
});

/** A checkpoint as train.py leaves it, of weights that give grey clips: pictures leave by a layer of zeros. */
async function greyCheckpoint(name: string, { steps = [2, 4], stage = 3 } = {}): Promise<void> {
  const weights = Object.entries(await readSafetensors(inCell(name, "start.safetensors")));
  const tensors = weights.map(([path, tensor]) =>
    tensorSource(`weight ${path}`, {
      ...tensor,
      data: path.startsWith("out.") ? new Float32Array(tensor.data.length) : tensor.data,
    } as typeof tensor),
  );
  const [first = 0, second = 0] = steps;
  const stages = [
    { name: "autoencoder", kind: "loss", batch: 2, steps: first },
    { name: "latents", kind: "measure" },
    { name: "denoiser", kind: "loss", batch: 4, steps: second },
  ];
  const run = { seed: 0, stages, stage, step: stage === 3 ? 0 : 1, seconds: 12.34 };
  await writeSafetensors(inCell(name, "checkpoint.safetensors"), tensors, {
    metadata: { format: "mvc-torch-run", run: JSON.stringify(run) },
  });
  const lines = [3, 5, 7, 9].map((loss, i) => ({
    stage: "denoiser",
    step: i + 1,
    loss,
    learningRate: 1e-3,
    gradientNorm: 1,
    seconds: 2 * i,
  }));
  writeFileSync(inCell(name, "metrics.jsonl"), lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
}

test("what is done is measured and reported, and what is not is told and handed out again", async () => {
  await greyCheckpoint("baseline-0");
  await greyCheckpoint("Untimed-0");
  await greyCheckpoint("Pointwise-0", { stage: 2 });
  // As train.py keeps them; a stage that no clip is sampled by has no sheets.
  for (const name of ["denoiser-000002", "autoencoder-000001"]) {
    mkdirSync(inCell("Untimed-0", "samples"), { recursive: true });
    cpSync(inCell("Untimed-0", "start.safetensors"), inCell("Untimed-0", `samples/${name}.safetensors`));
  }
  const { code, out } = await mvc(command(study, "--launch", "slurm"));
  expect(code).toBe(0);
  expect(out).toContain("Pointwise-0: stage denoiser, step 1 of 4\n1 of 3 cells are to be trained");
  expect(readFileSync(join(study, "study.slurm"), "utf8")).toContain("cells=(\n  Pointwise-0\n)\n");
  expect(existsSync(inCell("Pointwise-0", "result.json"))).toBe(false);
  const report = JSON.parse(readFileSync(join(study, "report.json"), "utf8")) as StudyReport;
  expect([report.engine, report.steps, report.variants.map(({ name }) => name)]).toEqual([
    "torch",
    { autoencoder: 2, denoiser: 4 },
    ["baseline", "Untimed"],
  ]);
  const { stages, seconds, measured, sheets } = resultOf(study, "Untimed-0");
  expect(seconds).toBe(12.3);
  // The last tenth of four steps is the last; a step lasts two seconds.
  expect(stages.map(({ by, steps, loss, secondsPerStep }) => [by, steps, loss, secondsPerStep])).toEqual([
    ["Untimed-0", 0, null, null],
    ["Untimed-0", 0, null, null],
    ["Untimed-0", 4, 9, 2],
  ]);
  // Grey stands still, and is one colour.
  const flicker = measured.find(({ set }) => set === "seen")?.measures.find(({ name }) => name === "flicker");
  expect(flicker?.values).toEqual([0, 0, 0, 0]);
  expect(sheets).toEqual([2, 4].map((step) => ({ stage: "denoiser", step, file: `samples/denoiser-00000${step}.gif` })));
  const pictures = sheets.map(({ file }) => readFileSync(inCell("Untimed-0", file)));
  expect(pictures[0]?.equals(pictures[1] as Buffer)).toBe(false);
  // What is pictured goes, and what is not stays.
  expect(existsSync(inCell("Untimed-0", "samples/denoiser-000002.safetensors"))).toBe(false);
  expect(existsSync(inCell("Untimed-0", "samples/autoencoder-000001.safetensors"))).toBe(true);
});

test("what is wrong is one sentence before the work", async () => {
  const none = at("none");
  const other = at("other.mv");
  writeFileSync(other, readFileSync(model, "utf8").replace("clipNorm: 0.5", "clipNorm: 0.6"));
  cpSync("golden/training/tiny.tokenizer.json", at("tiny.tokenizer.json"));
  const onnx = (...more: readonly string[]) => command(none, ...more).with(11, "onnx");
  const cases: readonly (readonly [readonly string[], string, string])[] = [
    [onnx("--launch", "ray"), "--launch must be left out but with --engine torch", "add --engine torch"],
    [onnx("--python", "python3"), "--python must be left out but with --engine torch", "leave --python out"],
    [command(none, "--launch", "ray", "--python", "python3"), "--python must be left out with --launch", "leave --python out"],
    [command(none).toSpliced(4, 2, "--minutes", "3"), "--minutes must be left out with --engine torch", "give --steps"],
    [command(none, "--python", "no-such-python"), "there is no no-such-python", "install Python 3.9 or newer"],
    [command(study, "--launch", "slurm").with(11, "onnx").slice(0, -2), "was begun with `--engine` torch, and this is onnx", ""],
  ];
  for (const [words, sentence, way] of cases) await expectRefused(words, sentence, way);
  expect(existsSync(none)).toBe(false);
  const changed = await mvc(command(study, "--launch", "slurm").with(1, other));
  expect(changed.err).toContain("the training that the source declared, by its hash");
  await greyCheckpoint("Pointwise-0", { steps: [2, 5] });
  const longer = await mvc(command(study, "--launch", "slurm"));
  expect(longer.err).toContain('steps in stage "denoiser" of 5, and this is 4');
  expect([longer.code, existsSync(inCell("Pointwise-0", "result.json"))]).toEqual([1, false]);
});

describe.skipIf(pythons.length === 0)("by PyTorch here", () => {
  test("interrupted and gone on with, each cell's losses are those of the processor's engine", async () => {
    const [own, other] = [at("here"), at("onnx")];
    const here = command(own, "--only", "Untimed", "--python", python);
    const first = join(own, "cells", "baseline-0", "checkpoint.safetensors");
    const stopped = await mvcAlone(here, () => existsSync(first));
    expect(stopped.out).toContain("stopped; the same command goes on");
    expect(stopped.code).toBe(130);
    const { code, out, err } = await mvc(here);
    expect(err).not.toContain("error");
    expect([code, out.includes(": done; ")]).toEqual([0, true]);
    expect((await mvc(command(other, "--only", "Untimed").with(11, "onnx"))).code).toBe(0);
    for (const name of ["baseline-0", "Untimed-0"]) {
      const [found, expected] = [own, other].map((one) => resultOf(one, name).stages.flatMap(({ curve }) => curve));
      expect(found).toHaveLength(6);
      // Two engines sum in other orders: f32 rounding, grown over six steps of AdamW, and a report's five digits.
      for (const [i, [step, loss]] of (found ?? []).entries()) {
        expect(step).toBe(expected?.[i]?.[0]);
        expect(Math.abs(loss - (expected?.[i]?.[1] ?? Number.NaN))).toBeLessThan(1e-4);
      }
    }
    const sheets = resultOf(own, "Untimed-0").sheets;
    expect(sheets.map(({ step }) => step)).toEqual([1, 2, 3, 4]);
    expect(sheets).toEqual(resultOf(other, "Untimed-0").sheets);
    for (const { file } of sheets) {
      const [found, expected] = [own, other].map((one) => readFileSync(join(one, "cells", "Untimed-0", file)));
      // Levels of a thirty-second hide what two engines differ by.
      expect(found?.equals(expected as Buffer), file).toBe(true);
    }
    // All are done: what is left is the report.
    const over = await mvc([...here.slice(0, -1), "no-such-python"]);
    expect([over.code, over.err.includes("error"), over.out.includes(": done; ")]).toEqual([0, false, true]);
    expect((await mvc([...here.slice(0, -1), "no-such-python", "--seeds", "2"])).err).toContain("there is no no-such-python");
    expect((await readSafetensorsHeader(first)).metadata.get("format")).toBe("mvc-torch-run");
  }, 600_000);
});

// `mvc ablate` on a tiny model: what is shared is what would be trained, interrupted five times it ends in the same report, and all that can be wrong is one sentence before the work.

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { failureOf } from "../../cli/ablate/failed-cell.ts";
import { mvcError } from "../../runtime/errors.ts";
import { gif } from "../../runtime/node/gif.ts";
import { readSafetensors } from "../../runtime/node/safetensors-file.ts";
import type { StudyReport } from "../../study/report.ts";
import { expectRefused, filesBelow, mvc, mvcAlone, temporaryFolder } from "./mvc.ts";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const model = "golden/training/ablations.mv";
const [films, whole] = [at("films"), at("whole")];
const command = (study: string, ...more: readonly string[]) => [
  ...["ablate", model, "--data", films, "--steps", "6", "--seeds", "1", "--clips", "2", "-o", study],
  ...more,
];
const reportOf = (study: string) => JSON.parse(readFileSync(join(study, "report.json"), "utf8")) as StudyReport;

/** All but how long it took. */
function timeless(study: string): readonly string[] {
  const data = JSON.stringify(reportOf(study), (key, value) => (key.startsWith("seconds") ? 0 : value));
  const page = readFileSync(join(study, "report.html"), "utf8").replace(/<td>[\d.]+ (ms|s|min|h)<\/td>/g, "<td></td>");
  const table = readFileSync(join(study, "table.md"), "utf8");
  return [data, page, table].map((text) => createHash("sha256").update(text).digest("hex"));
}

beforeAll(async () => {
  mkdirSync(films);
  for (const [i, colour] of ["red", "green", "blue", "yellow"].entries()) {
    const frames = Uint8ClampedArray.from({ length: 2 * 8 * 8 * 4 }, (_, byte) => (byte % 4 === 3 ? 255 : (byte * (7 + i)) % 256));
    writeFileSync(join(films, `${colour}.gif`), gif({ width: 8, height: 8, frameCount: 2, frames }, { scale: 1 }));
    writeFileSync(join(films, `${colour}.txt`), `the ${colour} circle`);
  }
  const { code, out, err } = await mvc(command(whole));
  expect(err.replace(/^note:?.*\n/gm, "")).not.toContain("error");
  expect(code).toBe(0);
  expect(out).toContain("cell 3 of 3: Pointwise-0");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("what a cell takes from another is what it would have trained itself", async () => {
  const { variants } = reportOf(whole);
  const by = variants.map(({ name, cells }) => [name, ...(cells[0]?.stages.map((stage) => [stage.name, stage.by, stage.steps]) ?? [])]);
  // Pointwise's latents are the baseline's, but it undoes their scaling in a decoder of its own.
  expect(by).toEqual([
    ["baseline", ["autoencoder", "baseline-0", 2], ["latents", "baseline-0", 0], ["denoiser", "baseline-0", 4]],
    ["Untimed", ["autoencoder", "baseline-0", 2], ["latents", "baseline-0", 0], ["denoiser", "Untimed-0", 4]],
    ["Pointwise", ["autoencoder", "Pointwise-0", 2], ["latents", "Pointwise-0", 0], ["denoiser", "baseline-0", 4]],
  ]);
  for (const name of ["Untimed", "Pointwise"]) {
    const run = at(`train-${name}`);
    const { code } = await mvc(["train", model, "--ablation", name, "--data", films, "--steps", "6", "--seed", "0", "-o", run]);
    expect(code).toBe(0);
    const [cell, own] = [join(whole, "cells", `${name}-0`), run].map((one) => readFileSync(join(one, "weights.safetensors")));
    expect(cell?.equals(own as Buffer)).toBe(true);
  }
});

test("the time of a cell is that of all its stages, of those too that another cell ran", async () => {
  const study = at("slow");
  cpSync(whole, study, { recursive: true });
  rmSync(join(study, "cells", "Pointwise-0"), { recursive: true });
  const shared = filesBelow(join(study, "shared")).filter((file) => file.endsWith(".json"));
  for (const file of shared.map((name) => join(study, "shared", name))) {
    const told = JSON.parse(readFileSync(file, "utf8")) as { metrics: { step: number }[] };
    writeFileSync(file, JSON.stringify({ ...told, metrics: told.metrics.map((metric) => ({ ...metric, seconds: 100 * metric.step })) }));
  }
  expect((await mvc(command(study))).code).toBe(0);
  // From the first to the last of the denoiser's four steps.
  const { seconds = 0 } = reportOf(study).variants[2]?.cells[0] ?? {};
  expect(Math.floor(seconds / 100)).toBe(3);
});

test("interrupted five times it ends in the same report, and once it is done the same command changes nothing", async () => {
  const study = at("interrupted");
  // What is written anew: by then the process can be interrupted.
  const moments = ["study.json", "cells/baseline-0/checkpoint.safetensors", "cells/baseline-0/result.json"].concat(
    ["Untimed", "Pointwise"].map((name) => `cells/${name}-0/checkpoint.safetensors`),
  );
  for (const moment of moments) {
    const [file, started] = [join(study, moment), Date.now()];
    const { code, out } = await mvcAlone(command(study), () => existsSync(file) && statSync(file).mtimeMs > started);
    expect(out, moment).toContain("stopped; the same command goes on");
    expect(code, moment).toBe(130);
  }
  expect((await mvcAlone(command(study))).code).toBe(0);
  expect(timeless(study)).toEqual(timeless(whole));
  expect(filesBelow(study).filter((file) => file.includes(".mvc-"))).toEqual([]);
  const before = readFileSync(join(study, "report.html"));
  // As git keeps it: without weights.
  for (const file of filesBelow(study)) if (/\.safetensors$|^shared|^cache/.test(file)) rmSync(join(study, file));
  expect((await mvc(command(study))).code).toBe(0);
  expect(readFileSync(join(study, "report.html")).equals(before)).toBe(true);
}, 600_000);

test("a variant whose numbers are not finite fails by itself, and is tried again only once its cell is removed", async () => {
  const loud = at("loud.mv");
  cpSync("golden/training/tiny.tokenizer.json", at("tiny.tokenizer.json"));
  writeFileSync(
    loud,
    readFileSync(model, "utf8")
      .replace("param timed", "param gain: float = 1.0; /// of the denoiser's error\nparam timed")
      .replace("(a * noise - s * z);", "(a * noise - s * z) * gain;")
      .replace("(Net(a * z", "gain * (Net(a * z")
      .replace("/// Each frame", "/// Its square is beyond f32.\nablation Loud of Tiny { gain: 1e30 }\n/// Each frame"),
  );
  const study = at("failing");
  const asked = command(study, "--only", "Loud,Untimed").with(1, loud);
  const { code, out } = await mvc(asked);
  expect(code).toBe(0);
  const reason = 'training stopped in stage "denoiser" at step 1: the first value that is not finite is the result of `mul`';
  expect(out).toContain(`Loud-0: failed: ${reason}`);
  expect(out).toContain("cell 3 of 3: Untimed-0");
  const told = reportOf(study).variants.map(({ name, cells, failures, measures, loss }) => [
    name,
    cells.length,
    failures.length,
    measures.length > 0,
    loss !== null,
  ]);
  expect(told).toEqual([
    ["baseline", 1, 0, true, true],
    ["Loud", 0, 1, false, false],
    ["Untimed", 1, 0, true, true],
  ]);
  expect(reportOf(study).variants[1]?.failures[0]).toEqual({ seed: 0, reason: expect.stringContaining(reason) });
  const table = readFileSync(join(study, "table.md"), "utf8");
  expect(table).toMatch(/^\| Loud \| 0, 1 failed \| [\d.]+ k? ?\| [\d.]+ \| {2}\| failed \|/m);
  expect(table).toContain(`* Loud failed from seed 0: ${reason}`);
  const page = readFileSync(join(study, "report.html"), "utf8");
  expect(page).toContain('<b>Loud</b> <span class="worse">failed</span> from seed 0: training stopped in stage');
  expect([table, page].filter((text) => /NaN|Infinity/.test(text))).toEqual([]);
  const again = await mvc(asked);
  expect(again.out).toContain(`Loud-0: failed, and is not tried again: ${reason}`);
  expect(again.out).toContain(`to try it again from its start, remove ${join(study, "cells", "Loud-0")}`);
  expect(again.out).not.toContain("cell 2 of 3");
  rmSync(join(study, "cells", "Loud-0"), { recursive: true });
  expect((await mvc(asked)).out).toContain(`cell 2 of 3: Loud-0\nLoud-0: failed: ${reason}`);
});

test("what a study goes on after is what it may: numbers of a variant's own", () => {
  const id = { variant: "Loud", seed: 1 };
  // As stages.py says it.
  const ofTorch =
    'training stopped in stage "denoiser" at step 3: the weight net.leave.weight is not finite; the last checkpoint stays, and --resume goes on from it';
  expect(failureOf(mvcError("torch-failed", { reason: ofTorch, log: "torch.log" }), id).reason).toBe(
    'training stopped in stage "denoiser" at step 3: the weight net.leave.weight is not finite',
  );
  expect(failureOf(mvcError("frames-not-finite", { count: 2, total: 3 }), id).reason).toContain("2 of 3");
  for (const error of [
    mvcError("torch-failed", { reason: "CUDA out of memory", log: "torch.log" }),
    mvcError("aborted", { during: "sampling" }),
    mvcError("graph-failed", { graph: "decode", reason: "no memory" }),
    new TypeError("a bug"),
  ])
    expect(() => failureOf(error, id)).toThrow(error);
  const own = mvcError("frames-not-finite", { count: 2, total: 3 });
  expect(() => failureOf(own, { variant: "baseline", seed: 1 })).toThrow(own);
});

test("upon weights that are there, the named stages alone are trained, and by no others does a study go on", async () => {
  const [study, first, second] = [at("upon"), join(whole, "cells", "baseline-0"), join(whole, "cells", "Untimed-0")];
  const upon = command(study, "--only", "Untimed", "--stage", "denoiser", "--weights", first);
  const { code, err } = await mvc(upon);
  expect(code).toBe(0);
  // `net` has thirteen: text, and weight and bias of step, enter, query, key, value and leave.
  expect(err).toContain("in every seed 13 of the weights that are trained start alike, as the file has them");
  expect(err).toContain("has 6 tensors (net.query.weight, ");
  const { variants, steps, weights } = reportOf(study);
  expect(err).not.toContain("start at random");
  expect(steps).toEqual({ denoiser: 6 });
  expect(variants.map(({ cells }) => cells[0]?.stages.map(({ name, steps: taken }) => [name, taken]))).toEqual([
    [["denoiser", 6]],
    [["denoiser", 6]],
  ]);
  expect(readFileSync(join(study, "table.md"), "utf8")).toContain(`All started from the weights of SHA-256 ${weights?.slice(0, 12)}…`);
  const [from, baseline] = await Promise.all(
    [first, join(study, "cells", "baseline-0")].map((one) => readSafetensors(join(one, "weights.safetensors"))),
  );
  expect(baseline?.["encoder.weight"]).toEqual(from?.["encoder.weight"]);
  expect(baseline?.["net.enter.weight"]).not.toEqual(from?.["net.enter.weight"]);
  await expectRefused(upon.with(-1, second), "was begun with `--weights`, by their hash, ");
  await expectRefused(upon.with(-3, "latents"), 'was begun with `--stage` ["denoiser"], and this is ["latents"]');
});

test("where nothing trains what clips are sampled by, and no file has it, reconstruction alone is measured", async () => {
  const study = at("decoders");
  const { code, err } = await mvc(command(study, "--only", "Pointwise", "--stage", "autoencoder"));
  expect(code).toBe(0);
  expect(err).toContain("reconstruction alone is measured");
  const { variants } = reportOf(study);
  const ofReconstruction = [
    ["seen", "PSNR of reconstruction"],
    ["seen", "flicker of reconstruction"],
  ];
  expect(variants.map(({ measures }) => measures.map(({ set, measure }) => [set, measure]))).toEqual([ofReconstruction, ofReconstruction]);
  expect(readFileSync(join(study, "table.md"), "utf8")).toContain("Measured on 2 clips as the autoencoder gives them back.");
  const page = readFileSync(join(study, "report.html"), "utf8");
  expect(page).toContain("<th>Pointwise</th>");
  expect(page).not.toMatch(/<th>(real clips|chance)<\/th>/);
});

test("what minutes buy the baseline's first training, all others take", async () => {
  const study = at("timed");
  const { code } = await mvc([...command(study, "--only", "Pointwise").toSpliced(4, 2), "--minutes", "0.005"]);
  expect(code).toBe(0);
  const { minutes, steps, variants } = reportOf(study);
  expect(minutes).toBe(0.005);
  expect(steps.denoiser).toBeGreaterThan(0);
  const taken = variants.map(({ cells }) => cells[0]?.stages.filter((stage) => stage.batch > 0).map((stage) => [stage.name, stage.steps]));
  expect(taken).toEqual(variants.map(() => Object.entries(steps)));
});

test("a variant of one seed is not judged, and a table says what it says", () => {
  const verdicts = reportOf(whole).variants.flatMap(({ measures }) => measures.flatMap(({ difference }) => difference?.verdict ?? []));
  expect(new Set(verdicts)).toEqual(new Set(["one-seed", "same"]));
  const table = readFileSync(join(whole, "table.md"), "utf8");
  expect(table).toContain("| Untimed | 1 |");
  expect(table).toContain("Untimed, Pointwise: trained from one seed.");
  const [, change] = reportOf(whole).variants.map((variant) => variant.change);
  expect(change?.declared.map(({ text }) => text)).toEqual(["ablation Untimed of Tiny { timed: false }"]);
  expect(change?.settings).toEqual([{ name: "timed", from: "true", to: "false" }]);
  expect(change?.readBy.map(({ text }) => text)).toEqual(["if (timed) {"]);
  const [graph, ...others] = change?.graphs ?? [];
  expect(others).toEqual([]);
  expect(graph?.parts.map(({ name }) => name)).toContain("net.query");
  expect(graph?.ops).toContainEqual({ op: "linear", baseline: 4, variant: 1 });
  expect(graph?.rewired).toEqual(["silu at net"]);
  // The kernel of each convolution is a tensor's shape, and of one of Pointwise's layers another.
  const [reached] = reportOf(whole).variants[2]?.change?.graphs ?? [];
  expect([reached?.graph, reached?.ops, reached?.parts.map(({ name }) => name)]).toEqual(["decode", [], ["out"]]);
});

test("a terminal has the study's line, and none of the weights of packages that stand for a moment", () => {
  const terminal = at("terminal.mjs");
  writeFileSync(
    terminal,
    `Object.assign(process.stderr, { isTTY: true, columns: 120, cursorTo() {}, moveCursor() {}, clearLine() {}, clearScreenDown() {} });`,
  );
  const on = (words: readonly string[]) =>
    spawnSync(process.execPath, ["--import", terminal, "dist/cli/mvc.js", ...words], { encoding: "utf8" });
  const { status, stderr } = on(command(at("shown"), "--only", "Untimed"));
  expect(status).toBe(0);
  expect(stderr).toContain("cell 2/2 Untimed-0  denoiser 1/4 steps  loss ");
  expect(stderr).not.toContain("MB/s");
  expect(on(["build", model, "--init", "0", "--target", "onnx", "-o", at("built")]).stderr).toContain("MB/s");
});

test("what is damaged in the folder is named, and the way out is to remove it", async () => {
  const study = at("damaged");
  cpSync(whole, study, { recursive: true });
  // The autoencoder, which Untimed takes from the baseline.
  const key = reportOf(whole).variants[0]?.cells[0]?.stages[0]?.key;
  const told = join(study, "shared", `${key}.json`);
  expect(existsSync(told)).toBe(true);
  rmSync(join(study, "cells", "Untimed-0"), { recursive: true });
  for (const text of ["{", '{"by":"baseline-0"}', "[]"]) {
    writeFileSync(told, text);
    const { code, err } = await mvc(command(study));
    expect(err).toContain(`${told} is not what \`mvc ablate\` writes`);
    expect(err).toContain("remove it");
    expect([code, existsSync(join(study, "cells", "Untimed-0", "result.json"))]).toEqual([1, false]);
  }
  rmSync(told);
  expect((await mvc(command(study))).code).toBe(0);
  // It has trained the stage itself, to the same figures.
  expect(readFileSync(join(study, "table.md"), "utf8")).toBe(readFileSync(join(whole, "table.md"), "utf8"));
});

test("what is wrong is one sentence, and nothing is written", async () => {
  const other = at("other.mv");
  writeFileSync(other, readFileSync(model, "utf8").replace("learningRate: 2e-3", "learningRate: 3e-3"));
  cpSync("golden/training/tiny.tokenizer.json", at("tiny.tokenizer.json"));
  const plain = at("plain.mv");
  writeFileSync(
    plain,
    readFileSync(model, "utf8")
      .replace(/^ablation .*$/gm, "")
      .replace(/^\/\/\/ (Each|Pictures).*$/gm, ""),
  );
  mkdirSync(at("full"));
  writeFileSync(join(at("full"), "notes.txt"), "mine");
  const none = at("none");
  const cases: readonly (readonly [readonly string[], string])[] = [
    [command(none, "--only", "Untimed,Series"), '--only must be ablations that the model declares, "Untimed", "Pointwise", found Series'],
    [command(none, "--seeds", "0"), "--seeds must be 1 to 100, found 0"],
    [command(none, "--clips", "0"), "--clips must be 1 to"],
    [
      command(none, "--stage", "decoder"),
      '--stage must be a stage that the model declares, "autoencoder", "latents", "denoiser", found decoder',
    ],
    [command(none, "--weights", at("no-such.safetensors")), "there is no file "],
    [command(none).with(5, "0"), "--steps must be 1 to"],
    [command(none).toSpliced(4, 2), "--steps must be given, or --minutes"],
    [command(none).with(1, plain), "declares no ablation of Tiny"],
    [command(none).with(3, "no-such-data"), "no-such-data: there is no such file or folder"],
    [command(at("full")), "the folder holds notes.txt and no study"],
    [command(whole).with(5, "7"), "was begun with `--steps` 6, and this is 7"],
    [command(whole, "--set", "C=16"), 'was begun with the settings {}, and this is {"C":16}'],
    [command(whole).with(1, other), "was begun with the training that the source declared, by its hash "],
  ];
  for (const [args, sentence] of cases) await expectRefused(args, sentence);
  expect(existsSync(none)).toBe(false);
});

test("an ablation's costs stand beside the model's own without training", async () => {
  const { out, code } = await mvc(["report", model, "--against", "Untimed", "--by", "path"]);
  expect(code).toBe(0);
  expect(out).toContain("--ablation Untimed");
  expect(out).toContain("net.query");
  expect(out).toBe((await mvc(["report", model, "--against-ablation", "Untimed", "--by", "path"])).out);
});

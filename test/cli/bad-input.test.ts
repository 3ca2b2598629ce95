// What a user may do wrong: one clear error each, the right exit code, no stack trace, nothing half-written, nothing lost.

import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { filesBelow, mvc, type Outcome, temporaryFolder } from "./mvc.ts";

const folder = temporaryFolder();
const mini = join(folder, "mini");
const model = "models/magicvideo.mv";
const build = ["build", model, "--preset", "Mini"];

beforeAll(async () => {
  expect((await mvc([...build, "--init", "0", "-o", mini])).code).toBe(0);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** One error of this code on standard error, with a hint, and nothing of ours in it. */
function expectMistake(outcome: Outcome, code: string, ...texts: readonly string[]): void {
  expect(outcome.err).toContain(`error ${code}`);
  expect(outcome.err.match(/^error /gm)?.length).toBe(1);
  expect(outcome.err).toContain("hint:");
  for (const text of texts) expect(outcome.err).toContain(text);
  expect(outcome.err).not.toMatch(/^\s+at |\.js:\d|internal error/m);
  expect([outcome.code, outcome.out]).toEqual([1, ""]);
}

/** What is left in the folder of work that was not finished. */
const leftovers = () => filesBelow(folder).filter((file) => file.includes(".mvc-"));

describe("weight files", () => {
  const trained = (
    change: (header: { [name: string]: { dtype: string; shape: number[]; data_offsets: number[] } }) => unknown,
    cut = 0,
  ) => {
    const bytes = readFileSync(join(mini, "weights.safetensors"));
    const length = Number(bytes.readBigUInt64LE());
    const header = JSON.parse(bytes.toString("utf8", 8, 8 + length));
    const made = change(header) ?? header;
    const json = Buffer.from(typeof made === "string" ? made : JSON.stringify(made));
    const size = Buffer.alloc(8);
    size.writeBigUInt64LE(BigInt(json.length));
    const file = join(folder, "bad.safetensors");
    writeFileSync(file, Buffer.concat([size, json, bytes.subarray(8 + length, bytes.length - cut)]));
    return file;
  };
  const built = (file: string) => mvc([...build, "--weights", file, "-o", join(folder, "out")]);
  const key = "unet.stem.conv.weight";

  test.each([
    ["truncated", () => trained(() => undefined, 1000), "weights-invalid", "cut short"],
    ["mislabelled", () => trained(({ [key]: stem, ...rest }) => ({ ...rest, "stem.weight": stem })), "tensor-missing", key],
    [
      "of another shape",
      () => trained((h) => void (h[key] && Object.assign(h[key], { shape: [48, 4, 1, 9] }))),
      "tensor-shape",
      "[48, 4, 1, 9]",
    ],
    ["of another type", () => trained((h) => void (h[key] && Object.assign(h[key], { dtype: "I32" }))), "tensor-dtype", "I32"],
    ["not JSON", () => trained(() => "{"), "weights-invalid", ""],
    [
      "with a range beyond the file",
      () => trained((h) => void (h[key] && Object.assign(h[key], { data_offsets: [0, 2 ** 60] }))),
      "weights-invalid",
      key,
    ],
    ["that names a prototype", () => trained((h) => JSON.stringify(h).replace(key, "__proto__")), "tensor-missing", key],
  ])("%s", async (_, make, code, text) => {
    expectMistake(await built(make()), code, text);
    expect(existsSync(join(folder, "out"))).toBe(false);
  });

  test("a header longer than the file, and a file that is not there", async () => {
    const file = join(folder, "bad.safetensors");
    writeFileSync(file, Buffer.from([255, 255, 255, 255, 255, 255, 255, 127, 123]));
    expectMistake(await built(file), "weights-invalid", "header");
    expectMistake(await built(join(folder, "none.safetensors")), "file-missing", "none.safetensors");
  });

  test("another ablation's weights", async () => {
    const ablated = join(folder, "ablated");
    await mvc([...build, "--ablation", "NoAdaptor", "--init", "0", "-o", ablated]);
    expectMistake(await built(join(ablated, "weights.safetensors")), "tensor-missing", "adaptor.scale");
  });
});

describe("packages", () => {
  const changed = (change: (copy: string) => void): string => {
    const copy = join(folder, "changed");
    rmSync(copy, { recursive: true, force: true });
    cpSync(mini, copy, { recursive: true });
    change(copy);
    return copy;
  };
  const manifest = (copy: string, change: (text: string) => string) => {
    const file = join(copy, "manifest.json");
    writeFileSync(file, change(readFileSync(file, "utf8")));
  };
  const sampled = (folderOf: string) => mvc(["sample", folderOf, "a red circle moves right", "--steps", "1", "-o", join(folder, "x.gif")]);

  test.each<[string, (copy: string) => void, string, string]>([
    ["without a graph's file", (copy) => rmSync(join(copy, "step.onnx")), "file-missing", "step.onnx"],
    ["with a changed graph", (copy) => writeFileSync(join(copy, "step.onnx"), "x"), "hash-mismatch", "step.onnx"],
    [
      "of a newer version",
      (copy) => manifest(copy, (text) => text.replace('"formatVersion": 4', '"formatVersion": 9')),
      "package-newer",
      "9",
    ],
    [
      "of an older version",
      (copy) => manifest(copy, (text) => text.replace('"formatVersion": 4', '"formatVersion": 1')),
      "package-older",
      "build the package again",
    ],
    ["with a broken manifest", (copy) => manifest(copy, (text) => text.slice(0, 100)), "manifest-invalid", "JSON"],
    [
      "with weights cut short",
      (copy) => writeFileSync(join(copy, "weights.safetensors"), readFileSync(join(copy, "weights.safetensors")).subarray(0, 9000)),
      "weights-invalid",
      "",
    ],
  ])("%s", async (_, change, code, text) => {
    expectMistake(await sampled(changed(change)), code, text);
    expect(existsSync(join(folder, "x.gif"))).toBe(false);
  });

  test("a folder that is none, and one without weights", async () => {
    expectMistake(await sampled(folder), "not-a-package", folder);
    const bare = join(folder, "bare");
    expect((await mvc([...build, "-o", bare])).code).toBe(0);
    expectMistake(await sampled(bare), "weights-absent", "--init");
  });

  test("run: a graph, a tensor file or a tensor that is not there", async () => {
    const inputs = join(mini, "weights.safetensors");
    const out = join(folder, "o.safetensors");
    expectMistake(await mvc(["run", mini, "denoisee", "--inputs", inputs, "-o", out]), "graph-unknown", '"denoise"');
    expectMistake(await mvc(["run", mini, "denoise", "--inputs", inputs, "-o", out]), "tensor-unknown", "z");
    expectMistake(await mvc(["run", mini, "denoise", "--inputs", join(folder, "none"), "-o", out]), "file-missing", "none");
    expect(existsSync(out)).toBe(false);
  });
});

describe("options", () => {
  const sample = (...options: readonly string[]) =>
    mvc(["sample", mini, "a red circle moves right", "-o", join(folder, "x.gif"), ...options]);

  test.each<[string, readonly string[], string]>([
    ["no step", ["--steps", "0"], "steps"],
    ["more steps than the training had", ["--steps", "1001"], "1000"],
    ["no clip", ["--count", "0"], "--count"],
    ["no frames a second", ["--fps", "0"], "--fps"],
    ["no thread", ["--threads", "0"], "threads"],
    ["threads of a device that has none", ["--threads", "2", "--backend", "webgpu"], "--threads"],
    ["more noise than there is", ["--eta", "2"], "eta must be a number from 0 to 1"],
    ["a negative prompt that weighs nothing", ["--negative", "a blue star", "--guidance", "1"], "negative prompt"],
    ["what noises nothing", ["--strength", "0.5"], "--strength must be left out where no clip is given as --from"],
    ["and the way out", ["--strength", "0.5"], "hint: leave --strength out, or give --from"],
    ["an option of several words", ["--lambda-min", "1"], '--lambda-min must be left out: "ddim"'],
    ["an option that speaks of another", ["--overlap", "2"], "--length makes it longer, --loop has windows go round"],
    ["an unknown kind of file", ["-o", "clip.avi"], ".gif"],
  ])("%s", async (_, options, text) => expectMistake(await sample(...options), "option-invalid", text));

  test("a prompt that is said twice", async () => {
    expectMistake(await sample("--prompt-at", "0=a red circle"), "input-invalid", '"--prompt-at" must be left out beside');
  });

  test.each<[string, string, string]>([
    ["no JSON", "{", "a file of JSON"],
    ["a list", "[]", "an object of limits by name, found []"],
    ["an unknown limit", '{"maxBuffers": 1}', "maxBufferSize"],
    ["a limit that is no size", '{"maxBufferSize": -1}', "whole numbers above 0 for maxBufferSize, found -1"],
  ])("limits: %s", async (_, text, said) => {
    const file = join(folder, "limits.json");
    writeFileSync(file, text);
    expectMistake(await mvc(["build", model, "--preset", "Mini", "--limits", file, "-o", join(folder, "limited")]), "option-invalid", said);
    expect(existsSync(join(folder, "limited"))).toBe(false);
  });

  test("limits that a model does not fit", async () => {
    const file = join(folder, "limits.json");
    writeFileSync(file, '{"maxStorageBufferBindingSize": 1000}');
    const { code, err } = await mvc(["build", model, "--preset", "Mini", "--limits", file, "-o", join(folder, "limited")]);
    expect(code).toBe(1);
    expect(err).toContain("error device-limit");
    expect(err).toContain("maxStorageBufferBindingSize, but the limit is 1000");
  });

  test("prompts that the model cannot read", async () => {
    const ask = (prompt: string) => mvc(["sample", mini, prompt, "--steps", "1", "-o", join(folder, "x.gif")]);
    expectMistake(await ask("a purple dog moves right"), "word-unknown", '"purple", "dog"');
    expectMistake(await mvc(["sample", mini, "-o", join(folder, "x.gif")]), "input-missing", 'the model needs "prompt", a text');
    expectMistake(await mvc(["sample", mini, "a red circle", "--input", "fps=8", "-o", join(folder, "x.gif")]), "input-unknown", '"text"');
    const named = ["--input", "text=a red circle", "-o", join(folder, "x.gif")];
    const given = `left out, as the model's texts are given by name ("text"), found both`;
    expectMistake(await mvc(["sample", mini, "a red circle", ...named]), "input-invalid", `"prompt" must be ${given}`);
    expectMistake(
      await mvc(["sample", mini, "--prompt-at", "0=a red circle", ...named]),
      "input-invalid",
      `"--prompt-at" must be ${given}`,
    );
    expectMistake(await ask("a red circle moves right ".repeat(4)), "prompt-too-long", "16");
  });

  test("wrong usage exits with 2 and says how", async () => {
    const number = (option: string) => ["sample", mini, "x", "-o", "x.gif", option];
    for (const args of [
      ...["--seed=", "--seed= ", "--seed=0x10", "--seed=1e3", "--seed=-1", "--seed=9007199254740993", "--steps=", "--count="].map(number),
      ...["--fps=", "--fps=1e400", "--guidance=", "--guidance= 5", "--guidance=0x5", "--guidance=Infinity"].map(number),
      ["data", "moving-shapes", "--clips=", "-o", "x"],
      ["report", model, "--depth="],
      ["bench", mini, "--rounds="],
      ["diff", mini, "step", "--inputs", "x", "--tolerance="],
      ["build", model, "--init=", "-o", "x"],
      ["build", model, "--set", "F=1e400", "-o", "x"],
      ["build", model, "--set", 'levels=[{"width":9007199254740993}]', "-o", "x"],
      ["sample", mini],
      ["sample", mini, "x", "--input", "fps", "-o", "x.gif"],
      ["sample", mini, "x", "--input", "fps=1", "--input", "fps=2", "-o", "x.gif"],
      ["smaple"],
      ["build", model],
      ["sample", mini, "x", "--steps", "many", "-o", "x.gif"],
      ["build", model, "--set", "F", "-o", "x"],
      ["build", model, "--target", "cuda", "-o", "x"],
    ]) {
      const { code, err } = await mvc(args);
      expect([args, code]).toEqual([args, 2]);
      expect(err).toMatch(/^error: /m);
    }
  });

  test.each<[string, string, string]>([
    ["vocabulary=16", "tokenizer-mismatch", 'ids up to 24, but the table that "tokens" is looked up in has 16 rows'],
    ["padToken=<gap>", "tokenizer-invalid", 'the padding token "<gap>" is not in the vocabulary'],
    ["L=1", "prompt-too-long", "the prompt has 2 tokens, but the model takes 1"],
  ])("build --set %s: what the package would refuse at its first prompt", async (set, code, text) => {
    expectMistake(await mvc([...build, "--set", set, "--init", "0", "-o", join(folder, "out")]), code, text);
    expect(existsSync(join(folder, "out"))).toBe(false);
  });

  test("check: figures of every preset and ablation that a package would refuse, where they stand", async () => {
    const models = join(folder, "figures");
    cpSync("models", models, { recursive: true });
    const file = join(models, "magicvideo.mv");
    const added = "preset Long of MagicVideo { steps: 2000 }\nablation Noisy of MagicVideo { eta: 7.0 }\n";
    writeFileSync(file, `${readFileSync(file, "utf8")}${added}`);
    const { code, err } = await mvc(["check", file]);
    expect(code).toBe(1);
    expect(err.match(/error sampler-value/g)).toHaveLength(2);
    expect(err).toContain("`steps` must be a whole number from 1 to 1000, but it is 2000");
    expect(err).toContain("| preset Long of MagicVideo { steps: 2000 }\n    |                                    ^^^^");
    expect(err).toContain("`eta` must be a number from 0 to 1, but it is 7");
  });

  test.each<[readonly string[], string, string]>([
    [["--set", "steps=0"], "sampler-value", "`steps` must be a whole number from 1 to 1000, but it is 0"],
    [["--set", "eta=7"], "sampler-value", "`eta` must be a number from 0 to 1, but it is 7"],
    [["--preset", "Nope"], "unknown-choice", "Mini"],
    [["--ablation", "Nope"], "unknown-choice", "NoAdaptor"],
    [["--set", "F=0"], "override-kind", "F"],
    [["--set", "framez=3"], "unknown-choice", "framez"],
    [["--set", "time=sideways"], "override-kind", '"directed"'],
    [["--preset", "Mini", "--set", "H=9"], "requirement-failed", "H is 9"],
    [["--preset", "Mini", "--set", "heads=5"], "not-divisible", "5 heads"],
  ])("build %j", async (options, code, text) => {
    const { code: exit, err, out } = await mvc(["build", model, ...options, "-o", join(folder, "out")]);
    expect([exit, out]).toEqual([1, ""]);
    expect(err).toContain(`error ${code}`);
    expect(err).toContain(text);
    expect(existsSync(join(folder, "out"))).toBe(false);
  });
});

describe("interruption and full disks", () => {
  // Wide enough that its weights take seconds.
  const wide = ["--preset", "Mini", "--set", 'levels=[{"width":480,"attends":true},{"width":960,"attends":true}]', "--init", "0"];

  test("Ctrl-C while weights are written: the older package stays, whole", async () => {
    const target = join(folder, "older");
    cpSync(mini, target, { recursive: true });
    const writes = () => readdirSync(target).some((name) => name.startsWith(".mvc-") && existsSync(join(target, name, "bindings.ts")));
    const started = Date.now();
    const { code, err } = await mvc(["build", model, ...wide, "-o", target], () => writes() && Date.now() - started > 1500);
    expect(code).toBe(130);
    expect(err).toContain("stopped during");
    expect(leftovers()).toEqual([]);
    for (const file of filesBelow(mini)) expect(readFileSync(join(target, file)).equals(readFileSync(join(mini, file))), file).toBe(true);
  });

  test("Ctrl-C while sampling leaves no clip", async () => {
    const clip = join(folder, "stopped.gif");
    const started = Date.now();
    const { code, err } = await mvc(
      ["sample", mini, "a red circle moves right", "--steps", "1000", "-o", clip],
      () => Date.now() - started > 2500,
    );
    expect(code).toBe(130);
    expect(err).toContain("stopped during");
    expect(existsSync(clip)).toBe(false);
    expect(leftovers()).toEqual([]);
  });

  test("a folder of other files is not replaced", async () => {
    const other = join(folder, "other");
    mkdirSync(other);
    writeFileSync(join(other, "thesis.txt"), "years of work");
    expectMistake(await mvc([...build, "-o", other]), "output-refused", "thesis.txt, but no manifest.json");
    expect(filesBelow(other)).toEqual(["thesis.txt"]);
  });

  // Only root may mount the small disk that this needs.
  test.runIf(process.platform === "linux" && process.getuid?.() === 0)("a full disk", async () => {
    const disk = join(folder, "disk");
    mkdirSync(disk);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=4m", "tmpfs", disk]);
    try {
      expectMistake(await mvc([...build, "--init", "0", "-o", join(disk, "mini")]), "disk-full", "nothing half-written");
      expectMistake(await mvc(["data", "moving-shapes", "--clips", "100", "-o", join(disk, "c.safetensors")]), "disk-full");
      expectMistake(await mvc(["import", mini, model, "--preset", "Mini", "-o", join(disk, "w.safetensors")]), "disk-full");
      expect(filesBelow(disk)).toEqual([]);
    } finally {
      execFileSync("umount", [disk]);
    }
  });
});

/** `mvc build`: a model to a package on disk, whole or not at all. */

import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import pc from "picocolors";
import { compile } from "../../compiler/compile.ts";
import type { Choices, Setting } from "../../compiler/expand/configure.ts";
import type { Module } from "../../compiler/module/module.ts";
import { emitPackage, type PackageFiles } from "../../compiler/targets/package-files.ts";
import { emitBindings } from "../../compiler/targets/typescript/bindings.ts";
import { type DeviceLimits, defaultLimits } from "../../compiler/targets/webgpu/plan/limits.ts";
import { planModel } from "../../compiler/targets/webgpu/plan/plan-model.ts";
import { mvcError, reasonOf } from "../../runtime/errors.ts";
import { writeAtomically } from "../../runtime/node/atomic-file.ts";
import { printDiagnostics, shownPath, soundProgram } from "../program.ts";
import { startProgress } from "../progress.ts";
import { stageFolder, writing } from "../staging.ts";
import { interruptible, type Outcome } from "../terminal.ts";
import { checkTokenizer } from "../tokenizer-check.ts";
import { version } from "../version.ts";
import { randomWeights, trainedWeights, type WeightSource } from "../weights.ts";

export interface ChoiceOptions {
  readonly model?: string;
  readonly preset?: string;
  readonly ablation?: readonly string[];
  readonly set?: { readonly [name: string]: Setting };
  readonly precision: "f32" | "f16";
}

export function choicesOf(options: ChoiceOptions): Choices {
  return {
    model: options.model,
    preset: options.preset,
    ablations: options.ablation ?? [],
    settings: options.set ?? {},
    precision: options.precision,
  };
}

export interface BuildOptions extends ChoiceOptions {
  readonly weights?: string;
  readonly init?: number;
  readonly output: string;
  readonly target: readonly Target[];
  /** `default`, or a file of limits by WebGPU's names. */
  readonly limits: string;
}

export type Target = "onnx" | "webgpu";

export async function build(file: string, options: BuildOptions): Promise<Outcome> {
  const sound = soundProgram(file);
  if (sound === undefined) return "mistake";
  const result = compile(sound.program, choicesOf(options));
  if (!result.ok) {
    printDiagnostics(result.diagnostics, sound.texts);
    return "mistake";
  }
  const { module } = result;
  const tokenizerFile = module.tokenizer === null ? undefined : join(dirname(file), module.tokenizer.file);
  const hasTokenizer = tokenizerFile !== undefined && existsSync(tokenizerFile);
  if (hasTokenizer) checkTokenizer(module, shownPath(tokenizerFile), readText(tokenizerFile));
  const planned = options.target.includes("webgpu") ? planModel(module, readLimits(options.limits)) : undefined;
  if (planned !== undefined && !planned.ok) {
    printDiagnostics(planned.diagnostics, sound.texts);
    return "mistake";
  }
  const targets = { onnx: options.target.includes("onnx"), ...(planned === undefined ? {} : { plans: planned.plans }) };
  const files = emitPackage(hasTokenizer ? module : { ...module, tokenizer: null }, version, targets);
  const source = weightSource(options, files);
  const signal = interruptible();
  try {
    await stageFolder(options.output, async (folder) => {
      const bindings = await emitBindings(module);
      writing(options.output, () => {
        for (const part of [...options.target, "graphs"]) mkdirSync(join(folder, part));
        for (const [path, bytes] of files.graphs) writeFileSync(join(folder, path), bytes);
        if (hasTokenizer) copyFileSync(tokenizerFile, join(folder, "tokenizer.json"));
        writeFileSync(join(folder, "bindings.ts"), bindings);
      });
      const hash = source && (await writeWeights(join(folder, "weights.safetensors"), files, source, signal));
      const manifest = files.manifest(sha256, hash);
      writing(options.output, () => writeFileSync(join(folder, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`));
    });
  } finally {
    source?.close();
  }
  report(options, files, module.graphs.size);
  for (const note of notesOf(module, hasTokenizer ? undefined : tokenizerFile)) process.stderr.write(`${pc.yellow("note")} ${note}\n`);
  return "done";
}

/** What the package lacks or leaves out, one sentence each. */
function notesOf({ sampler, unused }: Module, missingTokenizer: string | undefined): readonly string[] {
  if (missingTokenizer === undefined || !sampler?.conditions.some(({ from }) => from === "text")) return unused;
  const missing = `there is no ${shownPath(missingTokenizer)}, so the package runs graphs but takes no prompts`;
  return [...unused, `${missing}: put the model's tokenizer.json there and build again`];
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (thrown) {
    throw mvcError("file-unreadable", { file, reason: reasonOf(thrown) });
  }
}

/** Limits by name, over the defaults that every device grants. */
function readLimits(file: string): DeviceLimits {
  if (file === "default") return defaultLimits;
  const wrong = (expected: string, found: string) => mvcError("option-invalid", { option: `--limits ${file}`, expected, found });
  let given: unknown;
  try {
    given = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    if (error instanceof SyntaxError) throw wrong("a file of JSON", reasonOf(error));
    throw mvcError("file-unreadable", { file, reason: reasonOf(error) });
  }
  if (typeof given !== "object" || given === null || Array.isArray(given))
    throw wrong("an object of limits by name", JSON.stringify(given));
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(defaultLimits, name)) throw wrong(`limits named ${Object.keys(defaultLimits).join(", ")}`, name);
    if (!Number.isSafeInteger(value) || value < 1) throw wrong(`whole numbers above 0 for ${name}`, JSON.stringify(value));
  }
  return { ...defaultLimits, ...given };
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function weightSource(options: BuildOptions, files: PackageFiles): WeightSource | undefined {
  if (options.weights !== undefined) return trainedWeights(options.weights, files.layout.weights.values());
  return options.init === undefined ? undefined : randomWeights(options.init);
}

/** Writes one weight at a time, so that memory stays at the largest of them. Returns the file's hash. */
async function writeWeights(path: string, { layout }: PackageFiles, source: WeightSource, signal: AbortSignal): Promise<string> {
  const hash = createHash("sha256");
  const progress = startProgress("weights", layout.bytes, "bytes");
  async function* chunks() {
    yield layout.header;
    for (const weight of layout.weights.values()) {
      yield source.bytesOf(weight);
      progress.to(weight.offset + weight.length);
      await new Promise(setImmediate);
    }
  }
  async function* hashed() {
    for await (const chunk of chunks()) {
      hash.update(chunk);
      yield chunk;
    }
  }
  try {
    await writeAtomically(path, hashed(), signal);
  } finally {
    progress.stop();
  }
  return hash.digest("hex");
}

function report(options: BuildOptions, files: PackageFiles, graphs: number): void {
  const { layout } = files;
  const weights = existsSync(join(options.output, "weights.safetensors"))
    ? `weights.safetensors ${(statSync(join(options.output, "weights.safetensors")).size / 1e6).toFixed(1)} MB`
    : "no weights (give --weights or --init)";
  process.stdout.write(
    `${shownPath(options.output)}: ${graphs} graphs, ${layout.parameters.toLocaleString("en")} parameters in ${layout.weights.size} tensors, ${weights}\n`,
  );
}

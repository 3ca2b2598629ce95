/** `mvc build`: a model to a package on disk, whole or not at all. */

import { statSync } from "node:fs";
import { dirname, relative, resolve } from "node:path";
import { compile } from "../../compiler/compile.ts";
import type { Module } from "../../compiler/module/module.ts";
import { layOutWeights } from "../../compiler/package/weights.ts";
import { emitPackage, type OnnxTarget, type PackageFiles } from "../../compiler/package-files.ts";
import { opsets } from "../../compiler/targets/onnx/opsets.ts";
import { emitBindings } from "../../compiler/targets/typescript/bindings.ts";
import { planModel } from "../../compiler/targets/webgpu/plan-model.ts";
import { foundIn, placeOf, type Span } from "../../dsl/index.ts";
import { mvcError } from "../../runtime/errors.ts";
import { type ChoiceOptions, choicesOf } from "../choices.ts";
import { readLimits } from "../limits-file.ts";
import { printNotes } from "../notes.ts";
import { filesOf } from "../package-place.ts";
import { tokenizerBytes, writePackage } from "../package-writing.ts";
import { printDiagnostics, soundProgram } from "../program.ts";
import { shownPath } from "../shown-path.ts";
import { type Before, type Extent, stagePackage, tryPackage } from "../staging.ts";
import { interruptible, type Outcome } from "../terminal.ts";
import { TokenizerCheck } from "../tokenizer-check.ts";
import type { TokenizerFile } from "../tokenizer-file.ts";
import { knownForms } from "../tokenizer-forms.ts";
import { torchFilesOf } from "../torch-files.ts";
import { version } from "../version.ts";
import type { WeightSource } from "../weights/initial.ts";
import { modelWeights, type OpenWeights, openWeights, requireWeights, type WeightOptions } from "../weights/model-weights.ts";

export interface BuildOptions extends ChoiceOptions, Omit<WeightOptions, keyof ChoiceOptions> {
  /** A file or a folder, in place of what the model names. */
  readonly tokenizer?: string;
  readonly output: string;
  readonly target: readonly Target[];
  /** `default`, or a file of limits by WebGPU's names. */
  readonly limits: string;
  readonly opset?: string;
  readonly weightsPerGraph?: boolean;
}

export type Target = "onnx" | "webgpu" | "torch";

export async function build(file: string, options: BuildOptions): Promise<Outcome> {
  await tryPackage(options.output);
  requireWeights(options);
  const opened = await openWeights(options);
  try {
    return await buildWith(opened, file, options);
  } finally {
    opened.close();
  }
}

async function buildWith(opened: OpenWeights, file: string, options: BuildOptions): Promise<Outcome> {
  const onnx = onnxTarget(options);
  const limits = readLimits(options.limits);
  const sound = soundProgram(file);
  if (sound === undefined) return "mistake";
  const result = compile(sound.program, choicesOf(options));
  if (!result.ok) {
    printDiagnostics(result.diagnostics, sound.texts);
    return "mistake";
  }
  const { module } = result;
  const { weights: needed } = layOutWeights(module.graphs.values());
  const weights = modelWeights(opened, { program: sound.program, module, weights: needed }, options);
  if (options.tokenizer !== undefined && module.tokenizer === null)
    throw mvcError("option-invalid", { option: "--tokenizer", expected: "left out: the model names none", found: options.tokenizer });
  const tokenizers = new TokenizerCheck(file, { chosen: options.tokenizer, checkpoint: options.weights?.find(isFolder) });
  const mismatches = module.tokenizer === null ? [] : tokenizers.errorsOf(module.tokenizer);
  if (mismatches.length > 0) {
    printDiagnostics(foundIn(mismatches, module), sound.texts);
    return "mistake";
  }
  const tokenizer = module.tokenizer === null ? undefined : tokenizers.fileOf(module.tokenizer);
  const planned = options.target.includes("webgpu") ? planModel(module, limits) : undefined;
  if (planned !== undefined && !planned.ok) {
    printDiagnostics(planned.diagnostics, sound.texts);
    return "mistake";
  }
  const unwritable = (why: string) =>
    mvcError("option-invalid", { option: "--target", expected: `given without torch, as ${why}`, found: options.target.join() });
  const torch = options.target.includes("torch") ? torchFilesOf(file, sound.program, options, unwritable) : undefined;
  if (torch?.ok === false) {
    printDiagnostics(torch.diagnostics, sound.texts);
    return "mistake";
  }
  const shown = sourcePlaces(file, sound.texts);
  const targets = { onnx: onnx && { ...onnx, shown }, ...(planned && { plans: planned.plans }), ...(torch && { torch: torch.files }) };
  const files = emitPackage(module, version, targets, weights?.about);
  const texts = new Map([["bindings.ts", await emitBindings(module)]]);
  const source = weights?.source;
  const signal = interruptible();
  const before = await stagePackage(options.output, extentOf(files, source, tokenizerBytes(tokenizer)), signal, (folder) =>
    writePackage(folder, options.output, { files, texts, tokenizer, weights: source }, signal),
  );
  report(options, files, module.graphs.size, before);
  printNotes([...(weights?.notes ?? []), ...notesOf(module, tokenizer)]);
  return "done";
}

/** A checkpoint that is a folder. */
function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** What the package is to have of ONNX. Throws MvcError `option-invalid`. */
function onnxTarget({ target, opset, weightsPerGraph }: BuildOptions): false | OnnxTarget {
  const chosen = opsets.find((one) => String(one) === opset);
  const without = opset === undefined ? "--weights-per-graph" : "--opset";
  if (target.includes("onnx")) return { ...(chosen && { opset: chosen }), ...(weightsPerGraph && { weightsPerGraph }) };
  if (opset === undefined && !weightsPerGraph) return false;
  throw mvcError("option-invalid", { option: without, expected: "given with the target onnx", found: `--target ${target.join(",")}` });
}

/** Files as they lie from the model's: the same wherever it is built. */
function sourcePlaces(file: string, texts: ReadonlyMap<string, string>): (span: Span) => string {
  return (span) => {
    const { line, column } = placeOf(texts.get(span.file) ?? "", span.start);
    return `${relative(dirname(resolve(file)), resolve(span.file)).replaceAll("\\", "/")}:${line}:${column}`;
  };
}

/** What the package lacks or leaves out, one sentence each. */
function notesOf({ sampler, unused }: Module, tokenizer: TokenizerFile | undefined): readonly string[] {
  const takesText = sampler?.conditions.some(({ from }) => from === "text") ?? false;
  if (tokenizer?.kind === "found" && !tokenizer.named)
    return [...unused, `the tokenizer is that of ${tokenizer.files.map(shownPath).join(" and ")}`];
  if (tokenizer?.kind !== "absent" || !takesText) return unused;
  const missing = `there is no ${shownPath(tokenizer.path)}, so the package runs graphs but takes no prompts`;
  return [...unused, `${missing}: put the model's there (${knownForms}), or name it by \`--tokenizer\`, and build again`];
}

/** What the package will be, before any of it is written. */
function extentOf(files: PackageFiles, source: WeightSource | undefined, tokenizer: Uint8Array | undefined): Extent {
  const layouts = source === undefined ? [] : [files.layout, ...files.graphLayouts.values()];
  const sizes = [...[...files.graphs.values()].map(({ byteLength }) => byteLength), ...layouts.map(({ bytes }) => bytes)];
  const graphWeights = new Map(source && [...files.graphLayouts.keys()].map((name) => [name, ""]));
  const paths = filesOf(files.manifest(() => "", { weights: source && "", graphWeights, tokenizer }));
  return { files: paths, bytes: sizes.reduce((sum, size) => sum + size, 0), largest: Math.max(...sizes) };
}

/** The most names that are listed. */
const mostKept = 6;

function report(options: BuildOptions, files: PackageFiles, graphs: number, { replaced, removed, kept }: Before): void {
  const { layout } = files;
  const more = kept.length - mostKept;
  const weights =
    options.weights === undefined && options.init === undefined
      ? "no weights (give --weights or --init)"
      : `weights.safetensors ${(layout.bytes / 1e6).toFixed(1)} MB`;
  const lines = [
    `${shownPath(options.output)}: ${graphs} graphs, ${layout.parameters.toLocaleString("en")} parameters in ${layout.weights.size} tensors, ${weights}`,
    ...(replaced.length === 0 ? [] : [`replaced of the package that was there: ${byFolder(replaced)}`]),
    ...(removed.length === 0 ? [] : [`removed of the package that was there: ${byFolder(removed)}`]),
    ...(kept.length === 0
      ? []
      : [`kept, as no build wrote them: ${kept.slice(0, mostKept).join(", ")}${more > 0 ? ` and ${more} more` : ""}`]),
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
}

/** The files of a folder by their names, those of folders within it by their number. */
function byFolder(files: readonly string[]): string {
  const folders = new Map<string, number>();
  for (const file of files) {
    const [first = "", ...rest] = file.split("/");
    folders.set(first, (folders.get(first) ?? 0) + Math.sign(rest.length));
  }
  return [...folders].map(([name, count]) => (count === 0 ? name : `${name}/ (${count} ${count === 1 ? "file" : "files"})`)).join(", ");
}

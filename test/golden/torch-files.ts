// Emitted PyTorch files and the inputs that they are to be run on, in a folder that one Python process reads; and the Pythons that have PyTorch.

import { spawnSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { type CodeResult, compileCode, compileTrainingCode } from "../../compiler/compile-code.ts";
import type { Choices } from "../../compiler/expand/configure.ts";
import type { ModelCode } from "../../compiler/module/code.ts";
import type { TrainingCode } from "../../compiler/module/training-code.ts";
import { opSignatures } from "../../compiler/ops/table.ts";
import { emitTorch } from "../../compiler/targets/torch/emit.ts";
import { emitTraining } from "../../compiler/targets/torch/emit-training.ts";
import { methodName } from "../../compiler/targets/torch/write-model.ts";
import { check, type Host, type Program, renderAll } from "../../dsl/index.ts";
import type { TensorData } from "../../runtime/tensor.ts";
import { type GoldenCase, goldenWeight, host } from "./cases.ts";
import { directions } from "./gradient-rows.ts";

/** A model, its weights by their paths, and the cases that its graphs are to give. */
export interface TorchFile {
  readonly name: string;
  readonly code: ModelCode;
  /** Its training, and the losses of stages to run before the graphs, with the gradients of the first output where they are asked for. */
  readonly training?: { readonly code: TrainingCode; readonly cases: readonly LossCase[] };
  readonly weights: ReadonlyMap<string, readonly number[]>;
  readonly cases: readonly { readonly graph: string; readonly golden: GoldenCase; readonly inputs?: readonly string[] }[];
  readonly weight?: (path: string, shape: readonly number[]) => Float32Array;
}

export interface LossCase {
  readonly stage: string;
  readonly inputs: ReadonlyMap<string, TensorData>;
  readonly gradients: boolean;
}

export interface LossResult {
  readonly outputs: { readonly [name: string]: number };
  /** Of each weight that the first output reads, its norm and its products with `directions`. */
  readonly rows: { readonly [path: string]: readonly number[] };
  /** What the state of the loss has beside the model's. */
  readonly more: readonly string[];
  /** The modules of the model whose hooks ran, by path. */
  readonly called: readonly string[];
}

export interface TorchResult {
  readonly keys?: readonly string[];
  readonly errors?: { readonly [name: string]: number | string };
  readonly losses?: { readonly [stage: string]: LossResult };
  readonly failure?: string;
}

/** Each Python here with a PyTorch of its own version: that of the path, and the system's. */
export const pythons: readonly { readonly python: string; readonly version: string }[] = (() => {
  const found = new Map<string, string>();
  for (const python of ["python3", "/usr/bin/python3", "python"]) {
    const { status, stdout } = spawnSync(python, ["-c", "import torch; print(torch.__version__)"], { encoding: "utf8" });
    if (status === 0 && ![...found.values()].includes(stdout.trim())) found.set(python, stdout.trim());
  }
  return [...found].map(([python, version]) => ({ python, version }));
})();

if (pythons.length === 0) process.stderr.write("PyTorch's suites are skipped: no python3 here has the package torch\n");

export function compileCodeOf(file: string, choices: Partial<Choices> = {}, from: Host = host): ModelCode {
  return compiledOf(compileCode, file, choices, from);
}

export function compileTrainingCodeOf(file: string, choices: Partial<Choices> = {}, from: Host = host): TrainingCode {
  const code = compiledOf(compileTrainingCode, file, choices, from);
  if (code === undefined) throw new Error(`${file} is not trained`);
  return code;
}

function compiledOf<T>(
  compile: (program: Program, choices: Choices) => CodeResult<T>,
  file: string,
  choices: Partial<Choices>,
  from: Host,
): T {
  const { program, diagnostics, texts } = check(file, from, opSignatures);
  if (program === undefined) throw new Error(renderAll(diagnostics, texts));
  const result = compile(program, { precision: "f32", ...choices });
  if (!result.ok) throw new Error(renderAll(result.diagnostics, texts));
  return result.value;
}

/** Writes the files and what they are to give, once for all Pythons. */
export function writeTorchFiles(files: readonly TorchFile[]): string {
  const folder = mkdtempSync(join(tmpdir(), "mvc-torch-"));
  const chunks: Uint8Array[] = [];
  let offset = 0;
  const store = ({ dtype, shape, data }: TensorData) => {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    const entry = { dtype, shape, offset };
    chunks.push(bytes);
    offset += bytes.byteLength;
    return entry;
  };
  const known = new Map<string, ReturnType<typeof store>>();
  const along = files.some(({ training }) => training?.cases.some(({ gradients }) => gradients))
    ? directions.map((data) => store({ dtype: "f32", shape: [data.length], data }))
    : [];
  const entries = files.map(({ name, code, training, weights, cases, weight = goldenWeight }) => {
    const path = join(folder, `${name.replace(/\W/g, "_")}.py`);
    writeFileSync(path, emitTorch(code, "0.0", basename(name)));
    if (training !== undefined) writeFileSync(trainingPath(path), emitTraining(training.code, "0.0", basename(name)));
    const stored = [...weights].map(([key, shape]) => {
      const id = weight === goldenWeight ? `${key} ${shape.join()}` : `${name} ${key}`;
      const entry = known.get(id) ?? store({ dtype: "f32", shape, data: weight(key, shape) });
      known.set(id, entry);
      return [key, entry] as const;
    });
    return {
      name,
      file: path,
      model: code.name,
      training: training && {
        file: trainingPath(path),
        directions: along,
        cases: training.cases.map(({ stage, inputs, gradients }) => {
          const stored = [...inputs].map(([input, tensor]) => [input, store(tensor)] as const);
          return { stage, gradients, inputs: Object.fromEntries(stored) };
        }),
      },
      weights: Object.fromEntries(stored),
      cases: cases.map(({ graph, golden, inputs = [...golden.inputs.keys()] }) => ({
        name: golden.name,
        graph: methodName(graph),
        inputs: inputs.map((input) => store(golden.inputs.get(input) as TensorData)),
        output: store(golden.tensors.get("output") as TensorData),
      })),
    };
  });
  writeFileSync(join(folder, "cases.json"), JSON.stringify(entries));
  writeFileSync(join(folder, "data.bin"), Buffer.concat(chunks));
  return folder;
}

function trainingPath(model: string): string {
  return model.replace(/\.py$/, "_train.py");
}

/** What one Python makes of a folder, by the files' names. */
export function runTorchFiles(folder: string, python: string): ReadonlyMap<string, TorchResult> {
  const environment = { ...process.env, PYTHONDONTWRITEBYTECODE: "1" };
  const run = spawnSync(python, ["test/golden/torch-cases.py", folder], { encoding: "utf8", maxBuffer: 2 ** 26, env: environment });
  if (run.status !== 0) throw new Error(run.stderr);
  const lines = run.stdout.split("\n").filter((line) => line.startsWith("{"));
  return new Map(lines.map((line) => JSON.parse(line) as TorchResult & { readonly name: string }).map((result) => [result.name, result]));
}

export function weightShapes(graphs: Iterable<{ readonly values: readonly { readonly kind: string }[] }>): Map<string, readonly number[]> {
  const found = new Map<string, readonly number[]>();
  for (const { values } of graphs) {
    for (const value of values as readonly { kind: string; path: string; type: { shape: readonly number[] } }[]) {
      if (value.kind === "weight") found.set(value.path, value.type.shape);
    }
  }
  return found;
}

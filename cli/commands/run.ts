/** `mvc run`: one graph of a package on tensors from a file, by ONNX Runtime or by the slow reference. */

import {
  loadPipeline,
  openPackage,
  packageFolder,
  readSafetensors,
  type Tensors,
  tensorSource,
  writeSafetensors,
} from "../../runtime/index.ts";
import { shownPath } from "../program.ts";
import { referenceRunner } from "../reference-runner.ts";
import { interruptible, type Outcome } from "../terminal.ts";

export interface RunOptions {
  readonly inputs: string;
  readonly output: string;
  readonly backend: "onnx" | "reference";
}

export async function run(folder: string, graph: string, options: RunOptions): Promise<Outcome> {
  const signal = interruptible();
  const inputs = await readSafetensors(options.inputs);
  const outputs = options.backend === "onnx" ? await runOnnx(folder, graph, inputs) : await runReference(folder, graph, inputs);
  const tensors = Object.entries(outputs).map(([name, tensor]) => tensorSource(name, tensor));
  await writeSafetensors(options.output, tensors, { signal });
  for (const [name, tensor] of Object.entries(outputs)) {
    process.stdout.write(`${shownPath(options.output)}: ${name} ${tensor.dtype} [${tensor.shape.join(", ")}]\n`);
  }
  return "done";
}

async function runOnnx(folder: string, graph: string, inputs: Tensors): Promise<Tensors> {
  const pipeline = await loadPipeline(folder);
  try {
    return await pipeline.run(graph, inputs);
  } finally {
    await pipeline.dispose();
  }
}

async function runReference(folder: string, graph: string, inputs: Tensors): Promise<Tensors> {
  const runner = referenceRunner(await openPackage(packageFolder(folder)), folder);
  try {
    return await runner.run(graph, inputs);
  } finally {
    await runner.dispose();
  }
}

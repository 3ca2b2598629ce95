/** `mvc run`: one graph of a package on tensors from a file, by a backend or by the slow reference. */

import {
  type Backend,
  loadPipeline,
  openPackage,
  packageFolder,
  readSafetensors,
  type Tensors,
  tensorSource,
  writeSafetensors,
} from "../../runtime/index.ts";
import { tryOutput } from "../../runtime/node/output-file.ts";
import { shownPath } from "../program.ts";
import { referenceRunner } from "../reference-runner.ts";
import { reporterOf } from "../reporter.ts";
import { interruptible, type Outcome } from "../terminal.ts";

export interface RunOptions {
  readonly inputs: string;
  readonly output: string;
  readonly backend: Backend | "reference";
}

export async function run(folder: string, graph: string, options: RunOptions): Promise<Outcome> {
  const signal = interruptible();
  await tryOutput(options.output);
  const inputs = await readSafetensors(options.inputs);
  const outputs =
    options.backend === "reference" ? await runReference(folder, graph, inputs) : await runBackend(folder, graph, inputs, options.backend);
  const tensors = Object.entries(outputs).map(([name, tensor]) => tensorSource(name, tensor));
  await writeSafetensors(options.output, tensors, { signal });
  const report = reporterOf(options.output);
  for (const [name, tensor] of Object.entries(outputs)) {
    report(`${shownPath(options.output)}: ${name} ${tensor.dtype} [${tensor.shape.join(", ")}]\n`);
  }
  return "done";
}

async function runBackend(folder: string, graph: string, inputs: Tensors, backend: Backend): Promise<Tensors> {
  const pipeline = await loadPipeline(folder, { backend });
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

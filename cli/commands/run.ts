/** `mvc run`: one graph of a package on tensors from a file, of a prompt or of a seed, by a backend or by the slow reference. */

import { type Backend, openPackage, openRunner, packageFolder, type Tensors, tensorSource, writeSafetensors } from "../../runtime/index.ts";
import { tryOutput } from "../../runtime/node/output-file.ts";
import { type GraphInputOptions, graphInputs } from "../graph-inputs.ts";
import { referenceRunner } from "../reference-runner.ts";
import { reporterOf } from "../reporter.ts";
import { shownPath } from "../shown-path.ts";
import { interruptible, type Outcome } from "../terminal.ts";

export interface RunOptions extends GraphInputOptions {
  readonly output: string;
  readonly backend: Backend | "reference";
}

export async function run(folder: string, graph: string, options: RunOptions): Promise<Outcome> {
  const signal = interruptible();
  await tryOutput(options.output);
  const outputs = await outputsOf(folder, graph, options);
  const tensors = Object.entries(outputs).map(([name, tensor]) => tensorSource(name, tensor));
  await writeSafetensors(options.output, tensors, { signal });
  const report = reporterOf(options.output);
  for (const [name, tensor] of Object.entries(outputs)) {
    report(`${shownPath(options.output)}: ${name} ${tensor.dtype} [${tensor.shape.join(", ")}]\n`);
  }
  return "done";
}

async function outputsOf(folder: string, graph: string, options: RunOptions): Promise<Tensors> {
  const pack = await openPackage(packageFolder(folder));
  const { backend } = options;
  const runner = backend === "reference" ? referenceRunner(pack, folder) : await openRunner(pack, folder, { backend });
  try {
    return await runner.run(graph, await graphInputs(pack, graph, options, runner));
  } finally {
    await runner.dispose();
  }
}

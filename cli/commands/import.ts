/** `mvc import`: a checkpoint in any layout to the model's own weight file, each tensor in the type that it has there. */

import { tryOutput } from "../../runtime/node/output-file.ts";
import { printNotes } from "../notes.ts";
import { shownPath } from "../shown-path.ts";
import { interruptible, type Outcome } from "../terminal.ts";
import { modelWeights, type OpenWeights, openWeights, requireOther, type WeightOptions } from "../weights/model-weights.ts";
import { readModel } from "../weights/read-model.ts";
import { toWrite } from "../weights/streams.ts";
import { writeTensors } from "../weights/write-tensors.ts";

export interface ImportOptions extends WeightOptions {
  readonly output: string;
}

export async function importCheckpoint(checkpoint: string, file: string, options: ImportOptions): Promise<Outcome> {
  await tryOutput(options.output);
  const opened = await openWeights({ ...options, weights: [checkpoint, ...(options.weights ?? [])] });
  try {
    requireOther(opened, options.output);
    return await importFrom(opened, file, options);
  } finally {
    opened.close();
  }
}

async function importFrom(opened: OpenWeights, file: string, options: ImportOptions): Promise<Outcome> {
  const model = readModel(file, options);
  if (model === undefined) return "mistake";
  const found = modelWeights(opened, model, options);
  if (found?.taken === undefined) throw new Error("import: no checkpoint was opened");
  const { weights } = model;
  const tensors = [...weights.values()].map((weight) => {
    const elements = found.source.of(weight);
    return { name: weight.path, dtype: elements.dtype, shape: weight.type.shape, chunks: () => toWrite(elements) };
  });
  const bytes = await writeTensors(options.output, tensors, { format: "mvc", ...found.about }, interruptible());
  const { taken, counts } = found.taken;
  const count = (some: number) => some.toLocaleString("en");
  const from = taken.map(({ shown, match }, i) => `${count(counts[i] ?? 0)} from ${shown} (layout ${match.layout.name})`);
  const [first = "", ...more] = from;
  const all = [first.replace(" from", ` of ${count(weights.size)} tensors from`), ...more].join(", ");
  process.stdout.write(`${shownPath(options.output)}: ${all}, ${(bytes / 1e6).toFixed(1)} MB\n`);
  printNotes(found.notes);
  return "done";
}

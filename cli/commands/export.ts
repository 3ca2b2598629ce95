/** `mvc export`: a model's weights to a checkpoint in one of its layouts, a file or a folder of parts. */

import type { Layout } from "../../compiler/module/layout.ts";
import { mvcError } from "../../runtime/errors.ts";
import { tryOutput } from "../../runtime/node/output-file.ts";
import { printNotes } from "../notes.ts";
import { shownPath } from "../shown-path.ts";
import { interruptible, type Outcome } from "../terminal.ts";
import { listed } from "../weights/causes.ts";
import { exportedFiles } from "../weights/exported.ts";
import { ownLayout } from "../weights/match.ts";
import { modelWeights, type OpenWeights, openWeights, requireOther, type WeightOptions } from "../weights/model-weights.ts";
import { type ReadModel, readModel } from "../weights/read-model.ts";
import { requireFree, writeTensorFolder, writeTensors } from "../weights/write-tensors.ts";

export interface ExportOptions extends Omit<WeightOptions, "layout" | "init"> {
  /** In which the checkpoint is written; what is read is found. */
  readonly layout: string;
  readonly output: string;
}

/** What others' loaders ask for. */
const metadata = { format: "pt" };

export async function exportCheckpoint(file: string, options: ExportOptions): Promise<Outcome> {
  const opened = await openWeights(options);
  try {
    requireOther(opened, options.output);
    return await exportTo(opened, file, options);
  } finally {
    opened.close();
  }
}

async function exportTo(opened: OpenWeights, file: string, { layout: name, output, ...options }: ExportOptions): Promise<Outcome> {
  const model = readModel(file, options);
  if (model === undefined) return "mistake";
  const layout = layoutNamed(name, model);
  const found = modelWeights(opened, model, options);
  if (found?.taken === undefined) throw new Error("export: no weights were opened");
  const { added, taken } = found.taken;
  const lacking = added.find(({ path }) => layout.places.has(path));
  if (lacking !== undefined) {
    const where = `the layout ${name}`;
    const way = taken.map(({ shown, match }) => `${shown} was read in the layout ${match.layout.name}, which does not have it`).join("; ");
    throw mvcError("tensor-missing", { tensor: lacking.path, where, expected: "a weight", way });
  }
  const { files, leftOut } = exportedFiles(layout, model.weights, found.source);
  if (files.size === 0)
    throw mvcError("option-invalid", { option: "--layout", expected: "a layout with weights of this model", found: name });
  const signal = interruptible();
  const single = files.get("");
  if (single === undefined) requireFree(output);
  else await tryOutput(output);
  const bytes =
    single === undefined ? await writeTensorFolder(output, files, metadata, signal) : await writeTensors(output, single, metadata, signal);
  const count = [...files.values()].reduce((sum, tensors) => sum + tensors.length, 0);
  const inFiles = single === undefined ? ` in ${[...files.keys()].join(", ")}` : "";
  process.stdout.write(
    `${shownPath(output)}: ${count.toLocaleString("en")} tensors in the layout ${name}${inFiles}, ${(bytes / 1e6).toFixed(1)} MB\n`,
  );
  const { madeNotes } = found.taken;
  printNotes([
    ...found.notes.filter((note) => !madeNotes.includes(note)),
    ...(leftOut.length === 0 ? [] : [`the layout ${name} does not have ${listed(leftOut)}: they are left out`]),
  ]);
  return "done";
}

function layoutNamed(name: string, { module, weights }: ReadModel): Layout {
  const all = [...module.layouts, ownLayout(weights)];
  const layout = all.find((one) => one.name === name);
  if (layout !== undefined) return layout;
  throw mvcError("option-unknown", { option: name, where: "the model's layouts", known: all.map((one) => one.name) });
}

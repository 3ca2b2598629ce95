/** Choices of kernels beside a package: `tuning.json`, by adapter and graph. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { mvcError, reasonOf } from "../errors.ts";
import type { Choices, TuningStore } from "../webgpu/tuning.ts";
import { writeAtomically } from "./atomic-file.ts";
import { readText, textLimits } from "./regular-file.ts";

type Tunings = { readonly [adapter: string]: { readonly [graph: string]: Choices } };

/** Throws MvcError `tuning-invalid` on reading, `write-failed`, `disk-full` on writing. */
export function tuningFile(folder: string): TuningStore {
  const file = join(folder, "tuning.json");
  return {
    read: async (adapter, graph) => own(own(readTunings(file), adapter), graph),
    write: async (adapter, graph, choices) => {
      const all = readTunings(file);
      const written: Tunings = { ...all, [adapter]: { ...own(all, adapter), [graph]: choices } };
      await writeAtomically(file, [new TextEncoder().encode(`${JSON.stringify(written, null, 2)}\n`)]);
    },
  };
}

function readTunings(file: string): Tunings {
  const text = existsSync(file) ? readText(file, "a file of tunings", textLimits.settings) : "{}";
  try {
    return checked(JSON.parse(text));
  } catch (error) {
    throw mvcError("tuning-invalid", { file, reason: reasonOf(error) });
  }
}

function checked(value: unknown): Tunings {
  const record = (one: unknown): one is { readonly [name: string]: unknown } =>
    typeof one === "object" && one !== null && !Array.isArray(one);
  if (!record(value)) throw new Error("it must be an object by adapters");
  for (const graphs of Object.values(value)) {
    if (
      !record(graphs) ||
      !Object.values(graphs).every((one) => record(one) && Object.values(one).every((name) => typeof name === "string"))
    )
      throw new Error("for each adapter it must give kernels by graphs and kernels");
  }
  return value as Tunings;
}

function own<T>(record: { readonly [name: string]: T } | undefined, name: string): T | undefined {
  return record !== undefined && Object.hasOwn(record, name) ? record[name] : undefined;
}

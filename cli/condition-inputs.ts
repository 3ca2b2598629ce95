/** What `--input name=value` gives to what the model's conditions take: numbers, texts, and files of pictures and tensors. */

import { readFile } from "node:fs/promises";
import { extname } from "node:path";
import type { ConditionInput } from "../runtime/conditions.ts";
import { mvcError, reasonOf } from "../runtime/errors.ts";
import { readSafetensors } from "../runtime/node/safetensors-file.ts";
import type { Roles } from "../runtime/roles.ts";
import type { TensorData } from "../runtime/tensor.ts";
import { readPng } from "./media/read-png.ts";

export type GivenInputs = { readonly [name: string]: string };

/** Throws MvcError `input-unknown`, `input-invalid`, `file-…`, `weights-invalid`. */
export async function readInputs({ conditions }: Roles, given: GivenInputs): Promise<{ readonly [name: string]: ConditionInput }> {
  const inputs = new Map<string, ConditionInput>();
  for (const [name, value] of Object.entries(given)) {
    const condition = conditions.find((one) => one.name === name);
    if (condition === undefined) throw mvcError("input-unknown", { input: name, known: conditions.map((one) => one.name) });
    inputs.set(name, await readInput(name, condition.from, value));
  }
  return Object.fromEntries(inputs);
}

async function readInput(name: string, from: Roles["conditions"][number]["from"], value: string): Promise<ConditionInput> {
  const refuse = (expected: string) => mvcError("input-invalid", { input: name, expected, found: JSON.stringify(value) });
  const extension = extname(value).toLowerCase();
  switch (from) {
    case "text":
      return value;
    case "number":
    case "class": {
      if (value.trim() === "" || !Number.isFinite(Number(value))) throw refuse(from === "number" ? "a number" : "a whole number");
      return Number(value);
    }
    case "image":
      if (extension === ".png") return readPng(await bytesOf(value), value);
      if (extension !== ".safetensors") throw refuse("a file that ends in .png or .safetensors");
      return readTensor(name, value);
    case "tensor":
      if (extension !== ".safetensors") throw refuse("a file that ends in .safetensors");
      return readTensor(name, value);
  }
}

/** The tensor of the condition's name, or the file's only one. */
async function readTensor(name: string, file: string): Promise<TensorData> {
  const tensors = await readSafetensors(file);
  const names = Object.keys(tensors);
  const found = Object.hasOwn(tensors, name) ? tensors[name] : names.length === 1 ? tensors[names[0] ?? ""] : undefined;
  if (found !== undefined) return found;
  const expected = `a file with one tensor, or with one named "${name}"`;
  throw mvcError("input-invalid", { input: name, expected, found: `${names.length} tensors in ${file}: ${names.slice(0, 5).join(", ")}` });
}

async function bytesOf(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (thrown) {
    if (thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT")
      throw mvcError("file-missing", { file, what: "the picture" });
    throw mvcError("file-unreadable", { file, reason: reasonOf(thrown) });
  }
}

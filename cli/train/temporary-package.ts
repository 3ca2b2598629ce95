/** A model and the weights of the moment to a package that stands while it is used. */

import { mkdirSync } from "node:fs";
import type { Module } from "../../compiler/module/module.ts";
import { emitPackage } from "../../compiler/package-files.ts";
import { attempt } from "../../runtime/node/output-file.ts";
import { claimTemporary } from "../../runtime/node/temporary.ts";
import { writePackage } from "../package-writing.ts";
import type { TokenizerFile } from "../tokenizer-file.ts";
import { version } from "../version.ts";
import { elementsOf } from "../weights/streams.ts";
import type { withProgress } from "../weights/write-tensors.ts";

export interface PackageOptions {
  /** Where the package stands. */
  readonly folder: string;
  readonly tokenizer: TokenizerFile | undefined;
  readonly signal: AbortSignal;
}

/** Whoever trains has a line of his own on the terminal. */
const unshown: typeof withProgress = (_bytes, write) => write(() => {});

/** Throws MvcError `disk-full`, `write-failed`, `aborted`, and what `use` throws. */
export async function withPackage<T>(
  module: Module,
  weights: ReadonlyMap<string, Float32Array>,
  { folder, tokenizer, signal }: PackageOptions,
  use: (path: string) => Promise<T>,
): Promise<T> {
  const files = emitPackage(module, version, { onnx: true });
  const temporary = await claimTemporary(folder);
  try {
    attempt(folder, () => mkdirSync(temporary.path));
    const source = { of: ({ path }: { readonly path: string }) => elementsOf("F32", () => [weights.get(path) ?? new Float32Array()]) };
    await writePackage(temporary.path, folder, { files, texts: new Map(), tokenizer, weights: source }, signal, unshown);
    return await use(temporary.path);
  } finally {
    temporary.release();
  }
}

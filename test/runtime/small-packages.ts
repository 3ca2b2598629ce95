// Small models with weights by hand to packages, each opened on every backend that a suite asks for, and removed with it.

import { rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compile } from "../../compiler/compile.ts";
import type { Setting } from "../../compiler/expand/configure.ts";
import { loadPipeline, type Pipeline } from "../../runtime/index.ts";
import { programOf } from "../compiler/expand/expanded.ts";
import { plansOf, writePackage } from "../golden/package-folder.ts";
import { noGpu, openOnGpu } from "../gpu.ts";
import { tokenizerJson } from "./tiny-package.ts";

export type Backends = { readonly [name: string]: (folder: string) => Promise<Pipeline> };

export const backends: Backends = {
  onnx: (folder) => loadPipeline(folder, { backend: "onnx", threads: 1 }),
  ...(noGpu === undefined ? { webgpu: openOnGpu } : {}),
};

/** By the path of a weight, its elements in order. */
export type WeightsByHand = { readonly [path: string]: (i: number) => number };

export class SmallPackages {
  readonly #weights: WeightsByHand;
  readonly #tokenizer: string;
  readonly #folders: string[] = [];
  readonly #pipelines: Pipeline[] = [];

  /** @param suite tells its files from those of suites beside it. */
  constructor(suite: string, weights: WeightsByHand) {
    this.#weights = weights;
    this.#tokenizer = join(tmpdir(), `mvc-${suite}-${process.pid}.json`);
    writeFileSync(this.#tokenizer, tokenizerJson);
  }

  of(source: string, settings: { readonly [name: string]: Setting } = {}, precision: "f32" | "f16" = "f32"): string {
    const result = compile(programOf(source), { precision, settings });
    if (!result.ok) throw new Error(result.diagnostics.map(({ message }) => message).join("; "));
    const { module } = result;
    const weightOf = (path: string, shape: readonly number[]) =>
      Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => this.#weights[path]?.(i) ?? Number.NaN);
    const tokenizer = module.tokenizer === null ? undefined : this.#tokenizer;
    const folder = writePackage(module, weightOf, tokenizer, { onnx: true, plans: plansOf(module) });
    this.#folders.push(folder);
    return folder;
  }

  async open(folder: string, on: Backends = backends): Promise<{ readonly [backend: string]: Pipeline }> {
    const opened = await Promise.all(Object.entries(on).map(async ([backend, open]) => [backend, await open(folder)] as const));
    this.#pipelines.push(...opened.map(([, pipeline]) => pipeline));
    return Object.fromEntries(opened);
  }

  async close(): Promise<void> {
    for (const pipeline of this.#pipelines) await pipeline.dispose();
    for (const folder of [...this.#folders, this.#tokenizer]) rmSync(folder, { recursive: true, force: true });
  }
}

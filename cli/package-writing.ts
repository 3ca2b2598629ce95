/** The parts of a package to its files in a folder: graphs and texts, weights a piece at a time, and the manifest that has their hashes. */

import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Manifest } from "../compiler/package/manifest.ts";
import type { WeightLayout } from "../compiler/package/weights.ts";
import type { PackageFiles } from "../compiler/package-files.ts";
import { writeNew } from "../runtime/node/atomic-file.ts";
import { attempt } from "../runtime/node/output-file.ts";
import type { TokenizerFile } from "./tokenizer-file.ts";
import { packagedType, type WeightSource } from "./weights/initial.ts";
import { as } from "./weights/streams.ts";
import { withProgress } from "./weights/write-tensors.ts";

export interface PackageParts {
  readonly files: PackageFiles;
  /** Beside the graphs, by path. */
  readonly texts: ReadonlyMap<string, string | Uint8Array>;
  readonly tokenizer: TokenizerFile | undefined;
  readonly weights: WeightSource | undefined;
}

/** The bytes of the package's tokenizer, where there is one. */
export function tokenizerBytes(tokenizer: TokenizerFile | undefined): Uint8Array | undefined {
  return tokenizer?.kind === "found" ? Buffer.from(tokenizer.text) : undefined;
}

/** The folder is there, and is `output` to the user. `shown` has the weights written, with a line of how far they are. Throws MvcError `disk-full`, `write-failed`, `aborted`. */
export async function writePackage(
  folder: string,
  output: string,
  parts: PackageParts,
  signal: AbortSignal,
  shown: typeof withProgress = withProgress,
): Promise<void> {
  const { files, texts, tokenizer, weights } = parts;
  const tokens = tokenizerBytes(tokenizer);
  attempt(output, () => {
    for (const path of files.graphs.keys()) mkdirSync(dirname(join(folder, path)), { recursive: true });
    const all = [...files.graphs, ...texts, ...(tokens === undefined ? [] : [["tokenizer.json", tokens] as const])];
    for (const [path, content] of all) writeFileSync(join(folder, path), content);
  });
  const write = (name: string, layout: WeightLayout, from: WeightSource) =>
    writeWeights({ file: join(folder, name), output, signal, shown }, layout, from);
  const hash = weights && (await write("weights.safetensors", files.layout, weights));
  const graphHashes = new Map<string, string>();
  for (const [name, layout] of files.graphLayouts) if (weights) graphHashes.set(name, await write(name, layout, weights));
  const manifest = withPrompts(files.manifest(sha256, { weights: hash, graphWeights: graphHashes, tokenizer: tokens }), tokenizer);
  attempt(output, () => writeFileSync(join(folder, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`));
}

function withPrompts(manifest: Manifest, file: TokenizerFile | undefined): Manifest {
  if (manifest.tokenizer === null || file?.kind !== "found" || file.prompts === undefined) return manifest;
  return { ...manifest, tokenizer: { ...manifest.tokenizer, prompts: file.prompts } };
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

interface WeightsFile {
  readonly file: string;
  readonly output: string;
  readonly signal: AbortSignal;
  readonly shown: typeof withProgress;
}

/** Writes a piece at a time, so that memory does not grow with the model. Returns the file's hash. */
async function writeWeights({ file, output, signal, shown }: WeightsFile, layout: WeightLayout, source: WeightSource): Promise<string> {
  const hash = createHash("sha256");
  function* chunks() {
    yield layout.header;
    for (const weight of layout.weights.values()) yield* as(packagedType(weight), source.of(weight)).chunks();
  }
  function* hashed() {
    for (const chunk of chunks()) {
      hash.update(chunk);
      yield chunk;
    }
  }
  await shown(layout.bytes, (written) => writeNew(file, output, hashed(), { signal, written }));
  return hash.digest("hex");
}

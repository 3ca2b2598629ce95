/** The files of a package to a checked manifest and the table of its weights, before anything is computed. */

import type { Manifest, OnnxSpec } from "../compiler/package/manifest.ts";
import { mvcError } from "./errors.ts";
import { parseManifest } from "./manifest.ts";
import { parseSafetensorsHeader, type SafetensorsHeader, safetensorsHeaderBytes } from "./safetensors.ts";
import { elements } from "./tensor.ts";

/** How a package's files are reached: a folder in Node, an address in a page. Names are relative to the package. */
export interface PackageFiles {
  /** What the user called the package, for messages. */
  readonly name: string;
  /** Bytes of a file, or undefined where there is none. */
  size(file: string): Promise<number | undefined>;
  /** The bytes from `start` to before `end`, or the whole file. */
  read(file: string, start?: number, end?: number): Promise<Uint8Array>;
  /** In lower-case hexadecimal. */
  sha256(file: string): Promise<string>;
}

export interface Package {
  readonly files: PackageFiles;
  readonly manifest: Manifest;
  /** Undefined where the package was built without weights, or opened without the file of all. */
  readonly weights: SafetensorsHeader | undefined;
}

type OwnWeights = NonNullable<OnnxSpec["weights"]>;

/** Hashing 3.6 GB takes seconds and catches what size and header do not; small files are always hashed. */
export const alwaysHashed = 64 * 2 ** 20;

export interface Opening {
  /** With "lazy", graph files are looked at when they are loaded: for a page, which downloads no graph that it does not run. */
  readonly verify?: "lazy" | "quick" | "full";
  /** Whether the file of all weights is opened; not where each graph that will run has its own. True when not given. */
  readonly allWeights?: boolean;
}

/**
 * Reads and checks a package: the manifest's form, each graph file's hash and the tokenizer's, the weight file's size and
 * header, and its hash where it is below 64 MiB or `verify` is "full".
 * @throws MvcError `not-a-package`, `manifest-invalid`, `package-newer`, `file-missing`, `hash-mismatch`, `weights-…`.
 */
export async function openPackage(files: PackageFiles, options: Opening = {}): Promise<Package> {
  if ((await files.size("manifest.json")) === undefined) throw mvcError("not-a-package", { folder: files.name });
  return checkPackage(files, parseManifest(new TextDecoder().decode(await files.read("manifest.json"))), options);
}

/** The same where the manifest has been read. */
export async function checkPackage(files: PackageFiles, manifest: Manifest, options: Opening): Promise<Package> {
  for (const [name, graph] of options.verify === "lazy" ? [] : Object.entries(manifest.graphs)) {
    for (const part of [graph.onnx, graph.webgpu?.plan, graph.webgpu?.kernels]) {
      if (part === undefined) continue;
      await sizeOf(files, part.file, `the graph "${name}"`);
      await checkHash(files, part.file, part.sha256);
    }
    const own = graph.onnx?.weights;
    if (own !== undefined) await checkGraphWeights(files, own, `the weight file of the graph "${name}"`, options.verify === "full");
  }
  if (manifest.tokenizer) {
    await sizeOf(files, manifest.tokenizer.file, "the tokenizer");
    await checkHash(files, manifest.tokenizer.file, manifest.tokenizer.sha256);
  }
  if (manifest.weights.sha256 === undefined || options.allWeights === false) return { files, manifest, weights: undefined };
  const weights = await openWeights(files, manifest.weights);
  if (options.verify === "full" || manifest.weights.bytes < alwaysHashed) {
    await checkHash(files, manifest.weights.file, manifest.weights.sha256);
  }
  return { files, manifest, weights };
}

async function checkGraphWeights(files: PackageFiles, { file, bytes, sha256 }: OwnWeights, what: string, whole: boolean): Promise<void> {
  const found = await sizeOf(files, file, what);
  if (found !== bytes) throw mvcError("weights-mismatch", { file, what: "bytes", expected: bytes, found });
  if (whole || bytes < alwaysHashed) await checkHash(files, file, sha256);
}

async function openWeights(files: PackageFiles, spec: Manifest["weights"]): Promise<SafetensorsHeader> {
  const size = await sizeOf(files, spec.file, "the weight file");
  const head = safetensorsHeaderBytes(await files.read(spec.file, 0, Math.min(8, size)), size, spec.file);
  const header = parseSafetensorsHeader(await files.read(spec.file, 0, head), size, spec.file);
  const tensors = [...header.tensors.values()];
  const parameters = tensors.reduce((sum, tensor) => sum + elements(tensor.shape), 0);
  const compared: readonly (readonly [string, number, number])[] = [
    ["bytes", spec.bytes, size],
    ["bytes in its header", spec.headerBytes, header.headerBytes],
    ["tensors", spec.tensors, tensors.length],
    ["parameters", spec.parameters, parameters],
  ];
  for (const [what, expected, found] of compared) {
    if (expected !== found) throw mvcError("weights-mismatch", { file: spec.file, what, expected, found });
  }
  return header;
}

async function sizeOf(files: PackageFiles, file: string, what: string): Promise<number> {
  const size = await files.size(file);
  if (size === undefined) throw mvcError("file-missing", { file: `${files.name}/${file}`, what, built: true });
  return size;
}

/** A graph's file, whole and as it was built. Throws MvcError `file-unreadable`, `hash-mismatch`. */
export async function readGraphFile(
  files: PackageFiles,
  { file, sha256 }: { readonly file: string; readonly sha256: string },
): Promise<Uint8Array> {
  await checkHash(files, file, sha256);
  return files.read(file);
}

async function checkHash(files: PackageFiles, file: string, expected: string): Promise<void> {
  const found = await files.sha256(file);
  if (found !== expected) throw mvcError("hash-mismatch", { file, expected, found });
}

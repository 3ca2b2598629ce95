/** The built page, packages, and ONNX Runtime where it is installed, to a folder that any static server can show. */

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { FileSpec } from "../../compiler/package/manifest.ts";
import { clipShapeOf } from "../../runtime/clips/clip-shape.ts";
import { parseManifest } from "../../runtime/manifest.ts";
import { roles } from "../../runtime/roles.ts";
import { filesToSample, neededGraphs } from "../../runtime/web/needed-files.ts";
import type { EngineEntry, ModelEntry, Site, TrainingEntry } from "../models.ts";
import { examples, type Offer } from "./catalogue.ts";

/** Of onnxruntime-web, the smallest build that runs on processors: its script, with all that is JavaScript, and its WebAssembly. */
const engineFiles = { script: "ort.wasm.bundle.min.mjs", binary: "ort-wasm-simd-threaded.wasm" } as const;

/**
 * `root` is the project's folder, built. Packages that are missing, older than their sources or of other choices are built, which takes seconds each.
 * Throws as `execFileSync` where a package is not built, which then has been said.
 */
export function makeSite(root: string, folder: string, offers: readonly Offer[]): void {
  mkdirSync(join(folder, "packages"), { recursive: true });
  // Their names hold hashes, so that those of an earlier build would stay; and sheets may be those of another study.
  for (const part of ["chunks", "training"]) rmSync(join(folder, part), { recursive: true, force: true });
  cpSync(join(root, "dist/site"), folder, { recursive: true });
  // Clips of Mini, for visitors who can sample none.
  for (const prompt of examples) {
    const clip = `${prompt.split(" ").slice(1).join("-")}.gif`;
    cpSync(join(root, "docs", clip), join(folder, "clips", clip));
  }
  const engine = copyEngine(root, folder);
  const entries = offers.map((offer) => {
    buildPackage(root, folder, offer, engine === null ? "webgpu" : "webgpu,onnx");
    return entryOf(offer, folder);
  });
  const [first, ...rest] = entries;
  if (first === undefined) throw new Error("site: nothing is offered");
  const site: Site = { models: [first, ...rest], engine };
  writeFileSync(join(folder, "models.json"), `${JSON.stringify(site, null, 2)}\n`);
}

const pathOf = (offer: Offer) => `packages/${offer.folder}`;

function buildPackage(root: string, folder: string, offer: Offer, targets: string): void {
  const [command, models, target] = [join(root, "dist/cli/mvc.js"), join(root, "models"), join(folder, pathOf(offer))];
  const [manifest, stamp] = [join(target, "manifest.json"), `${target}.sha256`];
  const words = [...offer.choices, "--weights", offer.weights, "--target", targets];
  const sources = [command, ...readdirSync(models).map((file) => join(models, file)), offer.weights];
  const newest = Math.max(...sources.map((file) => statSync(file).mtimeMs));
  // Two studies have cells of the same name. What is served tells nothing of where they lie.
  const hash = createHash("sha256").update(words.join("\n")).digest("hex");
  const same = existsSync(stamp) && readFileSync(stamp, "utf8") === hash;
  if (same && existsSync(manifest) && statSync(manifest).mtimeMs >= newest) return;
  rmSync(stamp, { force: true });
  execFileSync(process.execPath, [command, "build", join(models, "magicvideo.mv"), ...words, "-o", target], { stdio: "inherit" });
  writeFileSync(stamp, hash);
}

function copyEngine(root: string, folder: string): EngineEntry | null {
  const from = join(root, "node_modules/onnxruntime-web/dist");
  if (!existsSync(join(from, engineFiles.binary))) return null;
  for (const file of Object.values(engineFiles)) cpSync(join(from, file), join(folder, "onnxruntime", file));
  const binary = readFileSync(join(from, engineFiles.binary));
  return {
    script: `onnxruntime/${engineFiles.script}`,
    binary: `onnxruntime/${engineFiles.binary}`,
    bytes: binary.byteLength,
    sha256: createHash("sha256").update(binary).digest("hex"),
  };
}

function entryOf(offer: Offer, folder: string): ModelEntry {
  const path = pathOf(offer);
  const manifest = parseManifest(readFileSync(join(folder, path, "manifest.json"), "utf8"));
  const { sampler } = manifest;
  if (sampler === null) throw new Error(`site: ${path} cannot be sampled`);
  const { name, note, examples, vocabulary, training } = offer;
  return {
    name,
    note,
    path,
    bytes: bytesOf(filesToSample(manifest, "webgpu")),
    onnxBytes: neededGraphs(manifest).every(({ onnx }) => onnx !== undefined) ? bytesOf(filesToSample(manifest, "onnx")) : null,
    parameters: manifest.weights.parameters,
    shape: clipShapeOf(roles(manifest)),
    directed: sampler.directed,
    steps: sampler.steps,
    guidance: sampler.guidance,
    trainSteps: sampler.trainSteps,
    examples,
    vocabulary,
    training: training === null ? null : copySheets(training, folder, `training/${offer.folder}`),
  };
}

function copySheets(training: TrainingEntry, folder: string, to: string): TrainingEntry {
  const sheets = training.sheets.map(({ step, path }) => {
    const own = `${to}/${basename(path)}`;
    cpSync(path, join(folder, own));
    return { step, path: own };
  });
  return { ...training, sheets };
}

function bytesOf(files: readonly FileSpec[]): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0);
}

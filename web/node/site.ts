/** The built page, packages, and ONNX Runtime where it is installed, to a folder that any static server can show. */

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { COLOURS, MOTIONS, SHAPES } from "../../cli/data/moving-shapes.ts";
import type { FileSpec } from "../../compiler/package/manifest.ts";
import { clipShapeOf } from "../../runtime/clips/clip-shape.ts";
import { parseManifest } from "../../runtime/manifest.ts";
import { roles } from "../../runtime/roles.ts";
import { filesToSample, neededGraphs } from "../../runtime/web/needed-files.ts";
import type { EngineEntry, ModelEntry, Site } from "../models.ts";
import { type Offer, untrained } from "./catalogue.ts";

const examples = ["a red circle moves right", "a yellow heart falls left", "a cyan ring moves up", "a blue star climbs right"];

/** Of onnxruntime-web, the smallest build that runs on processors: its script, with all that is JavaScript, and its WebAssembly. */
const engineFiles = { script: "ort.wasm.bundle.min.mjs", binary: "ort-wasm-simd-threaded.wasm" } as const;

/** `root` is the project's folder, built. Packages that are missing or older than their sources are built, which takes seconds each. */
export function makeSite(root: string, folder: string, offers: readonly Offer[]): void {
  const command = join(root, "dist/cli/mvc.js");
  const models = join(root, "models");
  mkdirSync(join(folder, "packages"), { recursive: true });
  // Their names hold hashes, so that those of an earlier build would stay.
  rmSync(join(folder, "chunks"), { recursive: true, force: true });
  cpSync(join(root, "dist/site"), folder, { recursive: true });
  for (const prompt of examples) {
    const clip = `${prompt.split(" ").slice(1).join("-")}.gif`;
    cpSync(join(root, "docs", clip), join(folder, "clips", clip));
  }
  const engine = copyEngine(root, folder);
  const sources = [command, ...readdirSync(models).map((file) => join(models, file))];
  const newest = Math.max(...sources.map((file) => statSync(file).mtimeMs));
  const entries = offers.map((offer) => {
    const path = `packages/${offer.folder}`;
    const target = join(folder, path);
    const manifest = join(target, "manifest.json");
    if (!existsSync(manifest) || statSync(manifest).mtimeMs < newest) {
      const chosen = offer.ablation === undefined ? [] : ["--ablation", offer.ablation];
      const words = [
        "--preset",
        "Mini",
        ...chosen,
        "--weights",
        join(models, "mini.safetensors"),
        "--target",
        engine === null ? "webgpu" : "webgpu,onnx",
        "-o",
        target,
      ];
      execFileSync(process.execPath, [command, "build", join(models, "magicvideo.mv"), ...words], { stdio: "inherit" });
    }
    return entryOf(offer, path, target);
  });
  const [first, ...rest] = entries;
  if (first === undefined) throw new Error("site: nothing is offered");
  const site: Site = { models: [first, ...rest], engine };
  writeFileSync(join(folder, "models.json"), `${JSON.stringify(site, null, 2)}\n`);
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

function entryOf(offer: Offer, path: string, folder: string): ModelEntry {
  const manifest = parseManifest(readFileSync(join(folder, "manifest.json"), "utf8"));
  const { sampler } = manifest;
  if (sampler === null) throw new Error(`site: ${folder} cannot be sampled`);
  return {
    name: offer.name,
    note: offer.ablation === undefined ? offer.note : `${offer.note} ${untrained}`,
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
    vocabulary: [COLOURS, SHAPES, MOTIONS],
  };
}

function bytesOf(files: readonly FileSpec[]): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** The built page and a list of models to a folder that any static server can show. */

import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { COLOURS, MOTIONS, SHAPES } from "../../cli/data/moving-shapes.ts";
import { parseManifest } from "../../runtime/manifest.ts";
import { filesToSample } from "../../runtime/web/counted-files.ts";
import type { ModelEntry } from "../models.ts";
import { type Offer, untrained } from "./catalogue.ts";

const examples = ["a red circle moves right", "a yellow heart falls left", "a cyan ring moves up", "a blue star climbs right"];

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
  const sources = [command, ...readdirSync(models).map((file) => join(models, file))];
  const newest = Math.max(...sources.map((file) => statSync(file).mtimeMs));
  const entries = offers.map((offer) => {
    const path = `packages/${offer.folder}`;
    const target = join(folder, path);
    const manifest = join(target, "manifest.json");
    if (!existsSync(manifest) || statSync(manifest).mtimeMs < newest) {
      const chosen = offer.ablation === undefined ? [] : ["--ablation", offer.ablation];
      const words = ["--preset", "Mini", ...chosen, "--weights", join(models, "mini.safetensors"), "--target", "webgpu", "-o", target];
      execFileSync(process.execPath, [command, "build", join(models, "magicvideo.mv"), ...words], { stdio: "inherit" });
    }
    return entryOf(offer, path, target);
  });
  writeFileSync(join(folder, "models.json"), `${JSON.stringify(entries, null, 2)}\n`);
}

function entryOf(offer: Offer, path: string, folder: string): ModelEntry {
  const manifest = parseManifest(readFileSync(join(folder, "manifest.json"), "utf8"));
  const { sampler } = manifest;
  if (sampler === null) throw new Error(`site: ${folder} cannot be sampled`);
  return {
    name: offer.name,
    note: offer.ablation === undefined ? offer.note : `${offer.note} ${untrained}`,
    path,
    bytes: filesToSample(manifest).reduce((sum, { bytes }) => sum + bytes, 0),
    parameters: manifest.weights.parameters,
    steps: sampler.steps,
    guidance: sampler.guidance,
    trainSteps: sampler.trainSteps,
    examples,
    vocabulary: [COLOURS, SHAPES, MOTIONS],
  };
}

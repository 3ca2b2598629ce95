// The models as texts, files that exist only in memory, and trees without places: what the tests of the language share.

import { readFileSync } from "node:fs";
import { posix } from "node:path";
import { opSignatures } from "../../compiler/ops/table.ts";
import { type CheckResult, check, type Host, parse, type SourceFile } from "../../dsl/index.ts";

export const modelNames = ["layouts.mv", "video.mv", "clip.mv", "vae.mv", "training.mv", "magicvideo.mv"] as const;

export const models: ReadonlyMap<string, string> = new Map(modelNames.map((name) => [name, readFileSync(`models/${name}`, "utf8")]));

/** The text, in `hostOf`, of a file that is there and cannot be read. */
export const notText = "\0";

export function hostOf(files: ReadonlyMap<string, string>): Host {
  return {
    read: (path) =>
      files.get(path) === notText ? { unreadable: `${path} is a device, not a file`, hint: "name a file" } : files.get(path),
    resolve: (from, path) => posix.join(posix.dirname(from), path),
  };
}

/** Checks files of memory; the first is the entry. */
export function checkFiles(files: ReadonlyMap<string, string>): CheckResult {
  const [entry] = files.keys();
  return check(entry ?? "", hostOf(files), opSignatures);
}

export function checkText(text: string): CheckResult {
  return checkFiles(new Map([["test.mv", text]]));
}

export function parsed(text: string): SourceFile {
  const { source, diagnostics } = parse("test.mv", text);
  if (source === undefined) throw new Error(diagnostics.map((diagnostic) => `${diagnostic.code}: ${diagnostic.message}`).join("\n"));
  return source;
}

/** A tree without its places and texts: equal for two texts that differ only in layout. */
export function shapeOf(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(shapeOf);
  if (typeof node !== "object" || node === null) return node;
  const kept = Object.entries(node).filter(([key]) => !["span", "callSpan", "text", "comments", "path", "doc"].includes(key));
  return Object.fromEntries(kept.map(([key, value]) => [key, shapeOf(value)]));
}

/** The path where a package is to go to what stands there, and which files of it a build of ours wrote. */

import { lstatSync, readdirSync, readlinkSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { formatVersion } from "../compiler/package/manifest.ts";
import { refused, requirePath } from "../runtime/node/output-file.ts";
import { readText, textLimits } from "../runtime/node/regular-file.ts";
import { kindOf, writeError } from "../runtime/node/system-errors.ts";
import { isTemporary } from "../runtime/node/temporary.ts";

export const manifestFile = "manifest.json";
/** The folders within a package; up to format version 2 its ONNX graphs lay in one of their own. */
export const packageFolders = ["onnx", "webgpu", "graphs", "trainer"] as const;

/** What this needs of a manifest: less than a runtime does, so that a package that runs nowhere may still be replaced. */
export interface NamedFiles {
  readonly formatVersion: number;
  readonly weights?: { readonly sha256?: string | undefined };
  readonly tokenizer?: object | null;
  readonly torch?: readonly { readonly file?: unknown }[] | undefined;
  readonly graphs: { readonly [name: string]: { readonly onnx?: { readonly weights?: object }; readonly webgpu?: object } };
}

/** What the target torch may write. */
const isTorch = (file: unknown): file is string => typeof file === "string" && /^(?:(?:model|train)|trainer\/\w+)\.py$/.test(file);

/** Every file that a build with this manifest wrote. A name that would lead elsewhere is no graph's. */
export function filesOf({ formatVersion: version, weights, tokenizer, torch, graphs }: NamedFiles): readonly string[] {
  const onnxFolder = version < 3 ? "onnx/" : "";
  const named = Object.entries(graphs).filter(([name]) => /^[^./\\][^/\\]*$/.test(name));
  return [
    manifestFile,
    "bindings.ts",
    ...(weights?.sha256 === undefined ? [] : ["weights.safetensors"]),
    ...(tokenizer ? ["tokenizer.json"] : []),
    ...(Array.isArray(torch) ? torch.map((spec) => spec?.file).filter(isTorch) : []),
    ...named.flatMap(([name, { onnx, webgpu }]) => [
      `graphs/${name}.json`,
      ...(onnx === undefined ? [] : [`${onnxFolder}${name}.onnx`]),
      ...(onnx?.weights === undefined ? [] : [`${name}.weights.safetensors`]),
      ...(webgpu === undefined ? [] : [`webgpu/${name}.json`, `webgpu/${name}.wgsl`]),
    ]),
  ];
}

export type Place =
  /** Nothing; `home` is the nearest folder above that is there. */
  | { readonly kind: "free"; readonly path: string; readonly home: string }
  /** A folder that is empty or holds a package. */
  | { readonly kind: "folder"; readonly path: string; readonly ours: ReadonlySet<string> };

/** @throws MvcError `option-invalid`, `output-refused`, `write-failed` */
export function placeOf(output: string): Place {
  requirePath(output);
  // Links above it are followed; one in its place is not, and `DIR/` is DIR.
  const path = output.replace(/(?<=.)\/+$/, "");
  const found = look(path, output);
  if (found === undefined) return { kind: "free", path, home: folderAbove(path, output) };
  const elsewhere = "give -o another folder";
  if (found.isSymbolicLink())
    throw refused(output, `it is a link to ${readlinkSync(path)}`, "name the folder that it leads to, or remove the link");
  if (!found.isDirectory()) throw refused(output, `it is ${kindOf(found)}, not a folder`, elsewhere);
  const names = readNames(path, output);
  if (names.length === 0) return { kind: "folder", path, ours: new Set() };
  const foreign = (reason: string) => refused(output, `the folder ${reason}; only a package of mvc is replaced`, elsewhere);
  if (!names.includes(manifestFile))
    throw foreign(`holds ${names[0]}${names.length > 1 ? ` and ${names.length - 1} more` : ""}, but no ${manifestFile}`);
  const manifest = manifestOf(path);
  if (typeof manifest === "string") throw foreign(`holds ${manifest}`);
  return { kind: "folder", path, ours: ownFiles(path) };
}

/** The files in a folder that the package's manifest there names: those that a build wrote. None where it is no package. */
export function ownFiles(folder: string): ReadonlySet<string> {
  const manifest = manifestOf(folder);
  return new Set(typeof manifest === "string" ? [] : filesOf(manifest).filter((file) => isFileWithin(folder, file)));
}

/** The first of the files, of a package that is to go there, in whose way stands something that no build wrote. */
export function requireFree(place: Place, files: readonly string[], output: string): void {
  if (place.kind === "free") return;
  for (const file of files) {
    const inWay = [dirname(file), file].find((part) => {
      const found = part === "." ? undefined : look(join(place.path, part), output);
      return found !== undefined && !(part === file ? place.ours.has(file) : found.isDirectory());
    });
    if (inWay === undefined) continue;
    const kind = kindOf(lstatSync(join(place.path, inWay)));
    throw refused(
      output,
      `${inWay} in it is ${kind} that no build wrote, and would be replaced`,
      `move ${inWay} away, or give -o another folder`,
    );
  }
}

/** The manifest of the package in a folder, or what the folder holds instead of one. */
export function manifestOf(folder: string): NamedFiles | string {
  const file = join(folder, manifestFile);
  const found = lstatSync(file, { throwIfNoEntry: false });
  if (found?.isFile() !== true) return found === undefined ? `no ${manifestFile}` : `a ${manifestFile} that is ${kindOf(found)}`;
  let read: unknown;
  try {
    read = JSON.parse(readText(file, manifestFile, textLimits.graph));
  } catch {
    return `a ${manifestFile} that cannot be read as JSON`;
  }
  if (!isRecord(read) || read.format !== "mvc-package") return `a ${manifestFile} without \`"format": "mvc-package"\``;
  const { formatVersion: version } = read;
  // What older packages name their files is known; what a newer mvc does, is not.
  if (typeof version !== "number" || !(version <= formatVersion))
    return `a package of format version ${JSON.stringify(version)}, which this mvc does not know`;
  if (!isRecord(read.graphs) || !Object.values(read.graphs).every(isRecord)) return `a ${manifestFile} without graphs`;
  return {
    formatVersion: version,
    graphs: read.graphs as NamedFiles["graphs"],
    tokenizer: isRecord(read.tokenizer) ? read.tokenizer : null,
    torch: Array.isArray(read.torch) ? read.torch : [],
    weights: isRecord(read.weights) && typeof read.weights.sha256 === "string" ? { sha256: read.weights.sha256 } : {},
  };
}

function isRecord(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether a regular file stands there, reached by no link. */
function isFileWithin(folder: string, file: string): boolean {
  const inside = dirname(file);
  if (inside !== "." && lstatSync(join(folder, inside), { throwIfNoEntry: false })?.isDirectory() !== true) return false;
  return lstatSync(join(folder, file), { throwIfNoEntry: false })?.isFile() === true;
}

function readNames(path: string, output: string): readonly string[] {
  try {
    return readdirSync(path).filter((name) => !isTemporary(name));
  } catch (thrown) {
    throw writeError(output, thrown);
  }
}

function look(path: string, output: string) {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (thrown) {
    throw writeError(output, thrown);
  }
}

function folderAbove(path: string, output: string): string {
  const above = dirname(resolve(path));
  const found = look(above, output);
  // A link above leads where the user says, or to nothing, which then cannot be made.
  if (found !== undefined) return above;
  return basename(above) === "" ? above : folderAbove(above, output);
}

/** Every file below a folder, by its path within it, but for what is temporary. */
export function filesBelow(folder: string, within = ""): readonly string[] {
  return readdirSync(join(folder, within), { withFileTypes: true }).flatMap((entry) => {
    if (isTemporary(entry.name)) return [];
    const path = within === "" ? entry.name : `${within}/${entry.name}`;
    return entry.isDirectory() ? filesBelow(folder, path) : [path];
  });
}

// The package as it is published: packed from what is built, and laid out as an installation would have it.

import { execFileSync } from "node:child_process";
import { mkdirSync, renameSync } from "node:fs";
import { join, resolve } from "node:path";

export interface Packed {
  /** Paths within the package. */
  readonly files: readonly string[];
  readonly tarball: string;
}

interface PackReport {
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}

/** The package's name, by which it is imported. */
export const name = "@mvc-lang/mvc";

/** Types are not part of what suites are built with: they are made here. */
export function pack(folder: string): Packed {
  execFileSync(process.execPath, ["build-types.js"], { stdio: "inherit" });
  const printed = execFileSync("npm", ["pack", "--json", "--pack-destination", folder], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });
  // A list in some versions of npm, by name in others.
  const [report] = Object.values(JSON.parse(printed) as readonly PackReport[] | { readonly [name: string]: PackReport });
  if (report === undefined) throw new Error("npm packed nothing");
  return { files: report.files.map(({ path }) => path), tarball: join(folder, report.filename) };
}

/** Where the package lies below `folder` once it is there; none of its dependencies is. */
export function unpack({ tarball }: Packed, folder: string): string {
  const place = resolve(folder, "node_modules", name);
  mkdirSync(join(place, ".."), { recursive: true });
  execFileSync("tar", ["-xzf", tarball, "-C", folder]);
  renameSync(join(folder, "package"), place);
  return place;
}

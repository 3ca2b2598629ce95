// The types of the package's doors into dist/: what they reach, and nothing of other packages.

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { dirname, join, relative } from "node:path";

const { exports } = JSON.parse(readFileSync("package.json", "utf8"));

// Each file is put in its place whole, so that what reads dist/ meanwhile finds it old or new.
const made = mkdtempSync("dist/types-");
try {
  const words = ["node_modules/typescript/bin/tsc", "-p", "tsconfig.build.json", "--outDir", made];
  execFileSync(process.execPath, words, { stdio: "inherit" });
  const reached = new Set();
  const visit = (file) => {
    if (reached.has(file)) return;
    reached.add(file);
    for (const [, fixed, inline] of readFileSync(file, "utf8").matchAll(
      /^(?:import|export)\b[^;]*?from "([^"]+)"|\bimport\("([^"]+)"\)/gm,
    )) {
      const name = fixed ?? inline;
      if (!name.startsWith("."))
        throw new Error(`${file} names the package ${name}, whose types may not be there: mark what does with @internal`);
      visit(join(dirname(file), name.replace(/\.ts$/, ".d.ts")));
    }
  };
  for (const { types } of Object.values(exports)) visit(join(made, relative("dist", types)));
  for (const file of reached) {
    const place = join("dist", relative(made, file));
    mkdirSync(dirname(place), { recursive: true });
    renameSync(file, place);
  }
} finally {
  rmSync(made, { recursive: true });
}

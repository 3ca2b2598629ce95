// The types of the package's doors into dist/: what they reach, and nothing of other packages.

import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";

const { exports } = JSON.parse(readFileSync("package.json", "utf8"));

execFileSync(process.execPath, ["node_modules/typescript/bin/tsc", "-p", "tsconfig.build.json"], { stdio: "inherit" });

const reached = new Set();
const visit = (file) => {
  if (reached.has(file)) return;
  reached.add(file);
  for (const [, fixed, inline] of readFileSync(file, "utf8").matchAll(/^(?:import|export)\b[^;]*?from "([^"]+)"|\bimport\("([^"]+)"\)/gm)) {
    const name = fixed ?? inline;
    if (!name.startsWith("."))
      throw new Error(`${file} names the package ${name}, whose types may not be there: mark what does with @internal`);
    visit(join(dirname(file), name.replace(/\.ts$/, ".d.ts")));
  }
};
for (const { types } of Object.values(exports)) visit(join(types));

for (const file of readdirSync("dist", { recursive: true })) {
  const path = join("dist", file);
  if (path.endsWith(".d.ts") && !reached.has(path)) rmSync(path);
}

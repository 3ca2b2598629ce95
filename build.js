// Bundles the sources into dist/: the command line, the two doors of the package, and the measurements of bench/.

import { chmodSync, readdirSync, rmSync } from "node:fs";
import { build } from "esbuild";

rmSync("dist", { recursive: true, force: true });
await build({
  entryPoints: [
    "cli/mvc.ts",
    "dsl/index.ts",
    "compiler/index.ts",
    "runtime/index.ts",
    "runtime/web/index.ts",
    ...readdirSync("bench").flatMap((file) => (file.endsWith(".ts") ? [`bench/${file}`] : [])),
  ],
  outdir: "dist",
  outbase: ".",
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node20",
  packages: "external",
  // chevrotain's own entry is some six hundred files: read one by one they take longer than all that `mvc check` does.
  alias: { chevrotain: "./node_modules/chevrotain/lib/chevrotain.min.mjs" },
  chunkNames: "chunks/[name]-[hash]",
  logLevel: "warning",
});
chmodSync("dist/cli/mvc.js", 0o755);

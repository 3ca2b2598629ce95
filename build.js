// Bundles the sources into dist/: the command line, the doors of the package, the measurements of bench/, and the page.

import { chmodSync, cpSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { build } from "esbuild";

rmSync("dist", { recursive: true, force: true });
await build({
  entryPoints: [
    "cli/mvc.ts",
    "dsl/index.ts",
    "compiler/index.ts",
    "runtime/index.ts",
    "runtime/web/index.ts",
    "web/node/make-site.ts",
    "web/node/serve.ts",
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

const forBrowsers = { bundle: true, minify: true, format: "esm", platform: "browser", target: "es2022", logLevel: "warning" };

// The browser's door in one file, for pages without a bundler. Ours is the first of them.
await build({ ...forBrowsers, entryPoints: ["runtime/web/index.ts"], outfile: "dist/runtime/web/mvc.js" });

await build({
  ...forBrowsers,
  entryPoints: ["web/page.ts", "web/h264-worker.ts"],
  outdir: "dist/site",
  splitting: true,
  // Its main entry is for Node, and the one for browsers is a script that sets a global.
  alias: { "h264-mp4-encoder": "./node_modules/h264-mp4-encoder/embuild/dist/h264-mp4-encoder.web.js" },
  plugins: [
    {
      name: "the runtime as its one file",
      setup: (bundler) => bundler.onResolve({ filter: /\/runtime\/web\/index\.ts$/ }, () => ({ path: "./mvc.js", external: true })),
    },
    {
      name: "h264-mp4-encoder as a module",
      setup: (bundler) =>
        bundler.onLoad({ filter: /h264-mp4-encoder\.web\.js$/ }, ({ path }) => ({
          contents: `${readFileSync(path, "utf8")}\nmodule.exports = HME;`,
        })),
    },
  ],
  chunkNames: "chunks/[name]-[hash]",
});
cpSync("dist/runtime/web/mvc.js", "dist/site/mvc.js");
for (const file of ["index.html", "style.css"]) cpSync(`web/${file}`, `dist/site/${file}`);

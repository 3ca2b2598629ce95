// Bundles the sources into dist/: the command line and the doors of the package, the tools of a checkout (the measurements of bench/, the page's server), and the page.

import { chmodSync, cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

const { dependencies, optionalDependencies } = readJson("package.json");
rmSync("dist", { recursive: true, force: true });

const forNode = {
  outdir: "dist",
  outbase: ".",
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node20",
  // What is no dependency is taken in, so that the doors of language and compiler run in a browser as they are.
  external: Object.keys({ ...dependencies, ...optionalDependencies }),
  // chevrotain's own entry is some six hundred files: read one by one they take longer than all that `mvc check` does.
  alias: { chevrotain: "./node_modules/chevrotain/lib/chevrotain.min.mjs" },
  loader: { ".py": "text" },
  logLevel: "warning",
};
const { metafile } = await build({
  ...forNode,
  entryPoints: [
    "cli/mvc.ts",
    "dsl/index.ts",
    "compiler/index.ts",
    "runtime/index.ts",
    "runtime/web/index.ts",
    "training/node/onnx-worker.ts",
    "cli/eval/graph-worker.ts",
  ],
  chunkNames: "chunks/[name]-[hash]",
  metafile: true,
});
chmodSync("dist/cli/mvc.js", 0o755);

const measurements = readdirSync("bench").flatMap((file) => (file.endsWith(".ts") ? [`bench/${file}`] : []));
await build({
  ...forNode,
  entryPoints: ["web/node/make-site.ts", "web/node/serve.ts", "web/node/web.ts", ...measurements],
  chunkNames: "bench/chunks/[name]-[hash]",
});

const forBrowsers = { bundle: true, minify: true, format: "esm", platform: "browser", target: "es2022", logLevel: "warning" };

// The browser's door in one file, for pages without a bundler. Ours is the first of them.
const { metafile: oneFile } = await build({
  ...forBrowsers,
  entryPoints: ["runtime/web/index.ts"],
  outfile: "dist/runtime/web/mvc.js",
  metafile: true,
});
writeFileSync("dist/third-party.txt", licences([metafile, oneFile].flatMap(({ inputs }) => Object.keys(inputs))));

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

function readJson(path) {
  return JSON.parse(readFileSync(path, "utf8"));
}

/** The licence of each package that files were taken in of, and of those that these were made of. */
function licences(files) {
  const names = new Set(files.flatMap((file) => /(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1] ?? []));
  for (const name of names) {
    const needs = Object.keys(readJson(join("node_modules", name, "package.json")).dependencies ?? {});
    for (const need of needs) if (!need.startsWith("@types/")) names.add(need);
  }
  const texts = [...names].sort().map((name) => {
    const folder = join("node_modules", name);
    const { version, license } = readJson(join(folder, "package.json"));
    const file = readdirSync(folder).find((one) => /^licen[cs]e/i.test(one));
    return `${name} ${version} (${license})\n\n${file === undefined ? "" : readFileSync(join(folder, file), "utf8").trim()}\n`;
  });
  return `Parts of these packages are in dist/.\n\n${texts.join(`\n${"-".repeat(80)}\n\n`)}`;
}

// The tarball in an empty folder, as a user installs it: by npm from its registry, then run by each Node that is supported.

import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { temporaryFolder } from "../cli/mvc.ts";
import { readGif } from "../runtime/media/read-gif.ts";
import { name, pack } from "./packed.ts";

/** Beside the one that runs this; packages that hold nothing but the program. */
const lines = [22, 24];
const supplier = `node-${process.platform === "win32" ? "win" : process.platform}-${process.arch}`;
const program = process.platform === "win32" ? "package/bin/node.exe" : "package/bin/node";

/** Why nothing can be installed here; undefined where it can. */
const noRegistry = ((): string | undefined => {
  const { status, stderr } = spawnSync("npm", ["view", "picocolors", "version", "--fetch-retries=0", "--fetch-timeout=5000"], {
    encoding: "utf8",
  });
  return status === 0 ? undefined : `npm's registry does not answer: ${stderr.trim().split("\n", 1)[0]}`;
})();
if (noRegistry !== undefined) process.stderr.write(`the suite of installing is skipped: ${noRegistry}\n`);

/** As in a user's shell, without what npm tells the scripts of this project. */
const env = Object.fromEntries(Object.entries(process.env).filter(([key]) => !/^npm_/i.test(key)));

const { version } = JSON.parse(readFileSync("package.json", "utf8"));
const folder = temporaryFolder();
const user = join(folder, "user");
const place = join(user, "node_modules", name);

describe.skipIf(noRegistry !== undefined)("installed from the tarball", () => {
  let said = "";
  beforeAll(() => {
    mkdirSync(user);
    copyFileSync(pack(folder).tarball, join(user, "mvc.tgz"));
    const npm = (...words: string[]) => spawnSync("npm", [...words, "--prefer-offline"], { cwd: user, encoding: "utf8", env });
    const { status, stdout, stderr } = npm("install", "./mvc.tgz", "--ignore-scripts");
    said = stdout + stderr;
    expect([status, said]).toEqual([0, expect.any(String)]);
    for (const line of lines) {
      // Not installed: all but the program are three thousand files that nothing here needs.
      const packed = npm("pack", "--json", `${supplier}@${line}`);
      mkdirSync(join(user, `node${line}`));
      const [{ filename }] = Object.values(JSON.parse(packed.stdout)) as [{ readonly filename: string }];
      execFileSync("tar", ["-xzf", join(user, filename), "-C", join(user, `node${line}`), program]);
    }
  }, 240_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test("npm has nothing to warn of, and links the command", () => {
    expect(said).not.toMatch(/warn|error/i);
    expect(execFileSync(join(user, "node_modules/.bin/mvc"), ["--version"], { encoding: "utf8" }).trim()).toBe(version);
  });

  const nodes = [["this", process.execPath] as const, ...lines.map((line) => [String(line), join(user, `node${line}`, program)] as const)];
  test.each(nodes)("Node %s builds Mini, samples by the command, and imports the doors", (_, node) => {
    const run = (...words: string[]) => execFileSync(node, words, { cwd: user, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"], env });
    const command = join(place, "dist/cli/mvc.js");
    run(
      command,
      "build",
      join(place, "models/magicvideo.mv"),
      "--preset",
      "Mini",
      "--weights",
      join(place, "models/mini.safetensors"),
      "-o",
      "mini",
    );
    run(command, "sample", "mini", "a red circle moves right", "--backend", "onnx", "--steps", "1", "-o", "clip.gif");
    expect(readGif(readFileSync(join(user, "clip.gif"))).frames).toHaveLength(16);
    writeFileSync(
      join(user, "doors.mjs"),
      `import { version } from "${name}"; import { format, parse } from "${name}/dsl"; import { openPackage, packageFolder } from "${name}/runtime";
         const { manifest } = await openPackage(packageFolder("mini"));
         console.log([version, format(parse("a.mv", "dim B=1;").source), manifest.compiler].join());`,
    );
    expect(run("doors.mjs").trim()).toBe(`${version},dim B = 1;\n,${version}`);
  });

  test("without the engine, which npm leaves out where its script fails, `sample` says how it comes", () => {
    rmSync(join(user, "node_modules/onnxruntime-node"), { recursive: true });
    const { status, stderr } = spawnSync(
      join(user, "node_modules/.bin/mvc"),
      ["sample", "mini", "a red circle moves right", "--backend", "onnx", "-o", "clip.gif"],
      {
        cwd: user,
        encoding: "utf8",
        env: { ...env, NO_COLOR: "1" },
      },
    );
    expect([status, stderr]).toEqual([
      1,
      expect.stringMatching(/^error backend-missing[\s\S]*npm install onnxruntime-node --ignore-scripts/),
    ]);
  });
});

test("the engine and WebGPU are optional, and nothing that is not has a script to run", () => {
  const { packages } = JSON.parse(readFileSync("package-lock.json", "utf8")) as {
    readonly packages: { readonly [path: string]: { readonly hasInstallScript?: true; readonly optional?: true; readonly dev?: true } };
  };
  const withScripts = Object.entries(packages).filter(([, { hasInstallScript, dev }]) => hasInstallScript && !dev);
  expect(withScripts.map(([path]) => path)).toContain("node_modules/onnxruntime-node");
  expect(withScripts.filter(([, { optional }]) => !optional)).toEqual([]);
  expect(readFileSync(".npmrc", "utf8")).toMatch(/^ignore-scripts=true$/m);
});

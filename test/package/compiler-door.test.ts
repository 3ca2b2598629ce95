// The built doors of language and compiler without a file system: in Node beside what `mvc build` writes, and in Chromium beside Node.

import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { filesBelow, mvc, temporaryFolder } from "../cli/mvc.ts";
import { browse, noChromium, serve } from "../web/chromium.ts";

const sources = {
  ...Object.fromEntries(
    readdirSync("models").flatMap((name) => (name.endsWith(".mv") ? [[name, readFileSync(join("models", name), "utf8")]] : [])),
  ),
  // Its constants are made by functions that engines compute differently in the last place.
  "waves.mv": `dim B = 1;
model Waves<S = 3, C = 48> {
  graph run(t: Tensor<f32, [B]>, x: Tensor<float, [B, S, C]>, places: Tensor<i32, [S]>): { waves: Tensor<float, [B, C]>, turned: Tensor<float, [B, S, C]> } {
    return { waves: t |> sinusoid(C, shift: 0.5, maxPeriod: 700), turned: x |> rotary(view(places, [1, S])) };
  }
}`,
};
/** A device that grants more than all do: plans for it are others. */
const granted = { maxComputeWorkgroupStorageSize: 32768, maxComputeInvocationsPerWorkgroup: 1024, maxComputeWorkgroupSizeX: 1024 };

/** Of `base`, where dist/ is: the files that a build of Mini makes, each as its text or the hash of its bytes, and what a mistake and a small device are told. */
const script = `
export async function run(base, sources, granted) {
  const { check, renderAll } = await import(base + "dsl/index.js");
  const { checkSizes, compile, emitPackage, limitsFrom, opSignatures, planModel, printPlan, version } = await import(base + "compiler/index.js");
  const host = { read: (path) => sources[path], resolve: (from, path) => path.slice(2) };
  const built = (file, choices) => {
    const { program } = check(file, host, opSignatures);
    const { module } = compile(program, choices);
    const { plans } = planModel(module, limitsFrom(granted));
    return { program, module, plans, files: [...emitPackage(module, version).graphs, ...emitPackage(module, version, { onnx: false, plans }).graphs] };
  };
  const { program, module, plans, files: ofMini } = built("magicvideo.mv", { preset: "Mini", precision: "f32" });
  const files = [...ofMini, ...built("waves.mv", { precision: "f32" }).files];
  const hashes = {};
  for (const [path, bytes] of files) {
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    hashes[path] = [...hash].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  }
  const broken = { ...sources, "magicvideo.mv": sources["magicvideo.mv"].replace("kernel: 3", "kernel: three") };
  const mistaken = check("magicvideo.mv", { ...host, read: (path) => broken[path] }, opSignatures);
  const small = planModel(module, limitsFrom({ maxBufferSize: 2 ** 18 }));
  return {
    hashes,
    sizes: checkSizes(program).filter(({ severity }) => severity === "error"),
    plan: printPlan(plans.get("step").plan),
    mistake: renderAll(mistaken.diagnostics, mistaken.texts),
    small: small.diagnostics.map(({ code }) => code),
  };
}
`;

interface Ran {
  readonly hashes: { readonly [path: string]: string };
  readonly sizes: readonly unknown[];
  readonly plan: string;
  readonly mistake: string;
  readonly small: readonly string[];
}

const folder = temporaryFolder();
let inNode: Ran;
beforeAll(async () => {
  for (const part of ["chunks", "compiler", "dsl"]) cpSync(join("dist", part), join(folder, "dist", part), { recursive: true });
  writeFileSync(join(folder, "script.js"), script);
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  writeFileSync(join(folder, "index.html"), "<!doctype html><title>test</title>");
  const { run } = await import(pathToFileURL(join(folder, "script.js")).href);
  inNode = await run(`${pathToFileURL(join(folder, "dist")).href}/`, sources, granted);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("the doors of language and compiler reach nothing of Node, and no other package but where bindings are made", () => {
  const reached = new Set<string>();
  const outside = new Set<string>();
  const visit = (file: string) => {
    if (reached.has(file)) return;
    reached.add(file);
    for (const [, name = ""] of readFileSync(file, "utf8").matchAll(/(?:^(?:import|export)\b[^;"]*|\bimport\()"([^"]+)"/gm)) {
      if (name.startsWith(".")) visit(join(dirname(file), name));
      else outside.add(name);
    }
  };
  for (const door of ["dsl", "compiler"]) visit(`dist/${door}/index.js`);
  expect(reached.size).toBeGreaterThan(4);
  expect([...outside]).toEqual(["ts-morph"]);
});

test("plans, kernels and graphs are those that `mvc build` writes for the same limits", async () => {
  const [limits, output] = [join(folder, "limits.json"), join(folder, "mini")];
  writeFileSync(limits, JSON.stringify(granted));
  const words = ["--preset", "Mini", "--limits", limits, "--target", "webgpu", "-o", output];
  expect(await mvc(["build", "models/magicvideo.mv", ...words])).toMatchObject({ code: 0 });
  const written = filesBelow(output).filter((path) => /^(webgpu|graphs)\//.test(path));
  expect(written.length).toBeGreaterThan(12);
  const hashOf = async (path: string) => {
    const hash = await crypto.subtle.digest("SHA-256", readFileSync(join(output, path)));
    return Buffer.from(hash).toString("hex");
  };
  // Where an op stands in its source is part of a graph's file, and sources have other paths there.
  const placed = (path: string) => path.startsWith("graphs/");
  for (const path of written.filter((one) => !placed(one))) expect([path, inNode.hashes[path]]).toEqual([path, await hashOf(path)]);
  expect(Object.keys(inNode.hashes)).toEqual(expect.arrayContaining(written));
  const shown = await mvc(["explain", "models/magicvideo.mv", "--preset", "Mini", "--limits", limits, "--graph", "step", "--plan"]);
  expect(shown.out).toContain(inNode.plan);
});

test("mistakes and limits are told as on the command line", () => {
  expect(inNode.sizes).toEqual([]);
  expect(inNode.small).toContain("device-limit");
  expect(inNode.mistake).toContain("unknown-name  magicvideo.mv:");
});

test.skipIf(noChromium)("Chromium loads the doors without a bundler, and makes the same files", async () => {
  const { server, address } = await serve(folder);
  try {
    const inPage = await browse([], async (context) => {
      const page = await context.newPage();
      await page.goto(`${address}/index.html`);
      const call = `import("/script.js").then(({ run }) => run("${address}/dist/", ${JSON.stringify(sources)}, ${JSON.stringify(granted)}))`;
      return (await page.evaluate(call)) as Ran;
    });
    expect(inPage).toEqual(inNode);
  } finally {
    server.close();
  }
});

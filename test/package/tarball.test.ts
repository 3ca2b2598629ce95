// What is published: all that its pages link to and its doors need, none of what is the checkout's alone, and types that compile wherever they are read.

import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, extname, join, normalize, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { temporaryFolder } from "../cli/mvc.ts";
import { browse, noChromium } from "../web/chromium.ts";
import { name, type Packed, pack, unpack } from "./packed.ts";

const folder = temporaryFolder();
let packed: Packed;
let place = "";
const manifest = JSON.parse(readFileSync("package.json", "utf8"));

beforeAll(() => {
  packed = pack(folder);
  place = unpack(packed, folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const texts = () => packed.files.filter((file) => /\.(md|js|json|html|ts|mv)$/.test(file));
const text = (file: string) => readFileSync(join(place, file), "utf8");

test("it is named so that it can be published, and what starts it is still `mvc`", () => {
  expect(manifest.name).toBe(name);
  expect(manifest.publishConfig).toEqual({ access: "public" });
  expect(Object.keys(manifest.bin)).toEqual(["mvc"]);
});

test("what starts it, its doors with their types, the models with Mini's weights", () => {
  const doors = Object.values(manifest.exports as { readonly [door: string]: { readonly types: string; readonly default: string } });
  expect(doors).toHaveLength(4);
  const needed = [manifest.bin.mvc, ...doors.flatMap((door) => [door.types, door.default])].map((path: string) => normalize(path));
  const others = ["models/magicvideo.mv", "models/mini.safetensors", "models/mini.tokenizer.json", "LICENSE", "dist/third-party.txt"];
  expect(packed.files).toEqual(expect.arrayContaining([...needed, ...others]));
});

test("all that its pages link to", () => {
  const pages = packed.files.filter((file) => file.endsWith(".md"));
  expect(pages).toEqual(expect.arrayContaining(["README.md", "CHANGELOG.md", "examples/README.md"]));
  const broken = pages.flatMap((page) =>
    [...text(page).matchAll(/\]\(([^)\s#]+)[^)]*\)/g)]
      .map(([, to = ""]) => to)
      .filter((to) => !/^https?:/.test(to))
      .map((to) => normalize(join(dirname(page), to)).replace(/\/$/, ""))
      .filter((to) => !packed.files.some((file) => file === to || file.startsWith(`${to}/`)))
      .map((to) => `${page} links to ${to}`),
  );
  expect(broken).toEqual([]);
});

test("nothing of measurements, tests, goldens, the page or the sources", () => {
  const strange = /(^|\/)(bench|test|golden|web\/node|site|mini-training)\/|\.test\.|(?<!\.d)\.ts$|\.py$|\.map$/;
  const own = /^examples\/typescript\/\w+\.ts$/;
  expect(packed.files.filter((file) => strange.test(file) && !own.test(file))).toEqual([]);
});

test("nothing tells anyone to run `npx mvc`, which is another package outside a checkout", () => {
  expect(texts().filter((file) => /npx (-\S+ )*mvc\b/.test(text(file)))).toEqual([]);
});

test("its version is the one at the top of the changes", () => {
  expect(/^## (\S+)/m.exec(text("CHANGELOG.md"))?.[1]).toBe(manifest.version);
  expect(JSON.parse(readFileSync("package-lock.json", "utf8")).packages[""]).toMatchObject({
    name,
    version: manifest.version,
    dependencies: manifest.dependencies,
    optionalDependencies: manifest.optionalDependencies,
  });
});

const consumer = `
import { compile, type Module, opSignatures } from "${name}";
import { check, type Diagnostic } from "${name}/dsl";
import { MvcError, readSafetensors, writeSafetensors } from "${name}/runtime";
import { loadPipeline, type Pipeline } from "${name}/runtime/web";

export const { program, diagnostics } = check("a.mv", { read: () => "", resolve: (_, path) => path }, opSignatures);
export const found: readonly Diagnostic[] = diagnostics;
export const made: Module | undefined = program && ((result) => (result.ok ? result.module : undefined))(compile(program, { precision: "f16" }));
export const loaded: Promise<Pipeline> = loadPipeline("/mini");
export const copied: Promise<void> = readSafetensors("a.safetensors").then((tensors) => writeSafetensors("b.safetensors", tensors));
export const code = (error: unknown) => (error instanceof MvcError && error.code === "aborted" ? error.hint : "");
// What is wrong is refused: the types are there, and no \`any\`.
// @ts-expect-error
export const wrongDoor: string = loadPipeline("/mini");
// @ts-expect-error
check("a.mv");
// @ts-expect-error
writeSafetensors("b.safetensors", 7);
`;

test.each([
  ["nodenext", "nodenext"],
  ["node16", "node16"],
  ["esnext", "bundler"],
])("its types compile with no other package there, libraries checked: module %s, resolution %s", (module, moduleResolution) => {
  const user = join(folder, moduleResolution);
  cpSync("examples/typescript", user, { recursive: true });
  writeFileSync(join(user, "package.json"), '{ "type": "module" }');
  writeFileSync(join(user, "consumer.ts"), consumer);
  const compilerOptions = { target: "es2022", module, moduleResolution, strict: true, noEmit: true, skipLibCheck: false, types: [] };
  writeFileSync(join(user, "tsconfig.json"), JSON.stringify({ compilerOptions }));
  let said = "";
  try {
    execFileSync(process.execPath, [resolve("node_modules/typescript/bin/tsc"), "-p", user], { encoding: "utf8" });
  } catch (thrown) {
    said = String((thrown as { stdout: string }).stdout);
  }
  expect(said).toBe("");
});

/** As any server of files does: ours forbids scripts within pages. */
async function servePlainly(folder: string) {
  const types: { readonly [extension: string]: string } = { ".html": "text/html", ".js": "text/javascript" };
  const server = createServer((request, response) => {
    const path = join(folder, normalize(decodeURIComponent((request.url ?? "/").split("?")[0] ?? "/")));
    if (!existsSync(path)) return response.writeHead(404).end();
    return response.writeHead(200, { "content-type": types[extname(path)] ?? "application/octet-stream" }).end(readFileSync(path));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return { server, address: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

test.skipIf(noChromium)("the examples' pages open as they are: one compiles its model, the other says what is missing", async () => {
  for (const [page, module] of [
    ["compile", "../../dist/compiler/index.js"],
    ["sample", "../../dist/runtime/web/mvc.js"],
  ]) {
    expect(text(`examples/browser/${page}.html`)).toContain(`"${module}"`);
    expect(existsSync(join(place, "examples/browser", module ?? ""))).toBe(true);
  }
  const { server, address } = await servePlainly(place);
  try {
    const [kernels, told] = await browse([], async (context) => {
      const page = await context.newPage();
      await page.goto(`${address}/examples/browser/compile.html`);
      const made = page.locator("#made");
      await page.locator("#made", { hasText: /\S/ }).waitFor();
      const text = await made.textContent();
      await page.goto(`${address}/examples/browser/sample.html`);
      await page.locator("button").click();
      await page.locator("[role=status]", { hasText: /:/ }).waitFor();
      return [text, await page.locator("[role=status]").textContent()] as const;
    });
    expect(kernels).toMatch(/^plan run\n[\s\S]*@compute/);
    expect(told).toMatch(/WebGPU/);
  } finally {
    server.close();
  }
});

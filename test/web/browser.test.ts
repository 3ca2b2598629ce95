// A small MagicVideo in headless Chromium by the one file of the runtime that ships for browsers, on WebGPU and on ONNX Runtime, against the same clip in Node; and what a visitor without WebGPU is told.

import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { loadPipeline } from "../../runtime/index.ts";
import { mvc } from "../cli/mvc.ts";
import { browse, noChromium, serve, withWebGpu } from "./chromium.ts";

/** Two engines round differently, and a rounding may fall to either side: one byte step of 255. */
const byteTolerance = 1;
/** Halves carry 11 bits: what both engines round differently in each of two steps moves a byte a little further; by 1 when this was written. */
const halfByteTolerance = 2;
const engineFolder = "node_modules/onnxruntime-web/dist";
const [prompt, seed, steps] = ["a red circle moves right", 1, 2] as const;

const folder = mkdtempSync(join(tmpdir(), "mvc-web-"));
let server: Server | undefined;
let address = "";

/** Mini's parts, one of each: the page's suite has Mini itself, and each kernel takes the software adapter a fifth of a second to compile. */
const sizes = { F: 4, textLayers: 1, levels: '[{"width":32,"attends":true}]', vaeWidths: "[16,16]" };
const build = (name: string, ...options: readonly string[]) => {
  const set = Object.entries(sizes).flatMap(([dim, size]) => ["--set", `${dim}=${size}`]);
  return mvc(["build", "models/magicvideo.mv", "--preset", "Mini", ...set, "--init", "0", ...options, "-o", join(folder, name)]);
};

beforeAll(async () => {
  if (noChromium) return;
  expect((await build("mini")).code).toBe(0);
  copyFileSync("dist/runtime/web/mvc.js", join(folder, "mvc.js"));
  writeFileSync(join(folder, "index.html"), "<!doctype html><title>test</title>");
  ({ server, address } = await serve(folder));
});
afterAll(() => {
  server?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** In the page: a clip's bytes and what was heard of loading it, or the code of the error. */
const sampleInPage = `async ([prompt, seed, steps, place = "/mini", engine]) => {
  const { loadPipeline } = await import("/mvc.js");
  try {
    const heard = [];
    const hear = ({ phase, step, steps }) => heard.push([phase, step, steps]);
    const onnxRuntime = engine && (() => import(engine));
    const pipeline = await loadPipeline(place, { onProgress: hear, ...(engine && { onnxRuntime }) });
    await pipeline.load();
    const known = heard.length;
    const clip = await pipeline.sample(prompt, { seed, steps });
    await pipeline.dispose();
    return { frames: [...clip.frames], heard, late: heard.length - known };
  } catch (error) {
    return { code: error.code, message: error.message };
  }
}`;

test.skipIf(noChromium)(
  "a clip in Chromium is the clip in Node",
  async () => {
    const found = await browse(withWebGpu, async (context) => {
      const page = await context.newPage();
      await page.goto(`${address}/index.html`);
      return page.evaluate(`(${sampleInPage})(${JSON.stringify([prompt, seed, steps])})`) as Promise<{
        frames?: number[];
        message?: string;
        heard: readonly [string, number, number][];
        late: number;
      }>;
    });
    expect(found.message).toBeUndefined();
    expect(found.late, "after load() nothing is left to load").toBe(0);
    const downloads = found.heard.filter(([phase]) => phase === "load");
    const { bytes } = JSON.parse(readFileSync(join(folder, "mini/manifest.json"), "utf8")).weights as { readonly bytes: number };
    expect(downloads[0]?.[2], "known before the first byte").toBeGreaterThan(bytes);
    expect(downloads.at(-1)?.slice(1)).toEqual([downloads[0]?.[2], downloads[0]?.[2]]);
    expect(downloads.length).toBeLessThanOrEqual(101);
    const kernels = found.heard.filter(([phase]) => phase === "compile").map(([, step]) => step);
    expect(kernels).toEqual(Array.from({ length: kernels.length }, (_, i) => i));
    expect(kernels.length).toBeGreaterThan(20);
    const pipeline = await loadPipeline(join(folder, "mini"), { backend: "onnx" });
    const expected = (await pipeline.sample(prompt, { seed, steps })).frames;
    await pipeline.dispose();
    expect(found.frames?.length).toBe(expected.length);
    expect(new Set(expected).size, "a clip of many shades").toBeGreaterThan(50);
    const worst = found.frames?.reduce((most, value, i) => Math.max(most, Math.abs(value - (expected[i] ?? 0))), 0);
    expect(worst).toBeLessThanOrEqual(byteTolerance);
  },
  180_000,
);

test.skipIf(noChromium)(
  "without WebGPU ONNX Runtime makes Node's clip, in halves, of the weights that each graph has for itself",
  async () => {
    const words = ["--precision", "f16", "--weights-per-graph", "--target", "onnx"];
    expect((await build("halves", ...words)).code).toBe(0);
    for (const file of ["ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"])
      copyFileSync(join(engineFolder, file), join(folder, file));
    const asked: string[] = [];
    server?.prependListener("request", ({ url }) => asked.push(url ?? ""));
    const { found, fault } = await browse(["--disable-features=WebGPU"], async (context) => {
      const page = await context.newPage();
      await page.addInitScript("delete Navigator.prototype.gpu");
      // No page, and so without our policy: it may compile WebAssembly itself, as most pages may.
      await page.goto(`${address}/mini/manifest.json`);
      const run = (...given: readonly unknown[]) =>
        page.evaluate<{ readonly frames?: readonly number[]; readonly message?: string }>(`(${sampleInPage})(${JSON.stringify(given)})`);
      return {
        found: await run(prompt, seed, steps, "/halves", "/ort.wasm.bundle.min.mjs"),
        fault: await run(prompt, seed, steps, "/halves", "/none.mjs"),
      };
    });
    expect(found.message).toBeUndefined();
    const pipeline = await loadPipeline(join(folder, "halves"), { backend: "onnx" });
    const expected = (await pipeline.sample(prompt, { seed, steps })).frames;
    await pipeline.dispose();
    const worst = found.frames?.reduce((most, value, i) => Math.max(most, Math.abs(value - (expected[i] ?? 0))), 0);
    expect(worst).toBeLessThanOrEqual(halfByteTolerance);
    expect(asked.filter((url) => url.startsWith("/halves/weights"))).toEqual([]);
    expect(fault).toMatchObject({ code: "backend-missing", message: expect.stringContaining("/none.mjs") });
  },
  120_000,
);

test.skipIf(noChromium)("without WebGPU one error says so", async () => {
  const found = await browse(["--disable-features=WebGPU", "--disable-gpu"], async (context) => {
    const page = await context.newPage();
    await page.addInitScript("Object.defineProperty(Navigator.prototype, 'gpu', { get: () => ({ requestAdapter: async () => null }) })");
    await page.goto(`${address}/index.html`);
    const codeWith = (options: object) =>
      page.evaluate(`import("/mvc.js").then((door) => door.loadPipeline("/mini", ${JSON.stringify(options)})).catch(({ code }) => code)`);
    return {
      plain: await page.evaluate(`(${sampleInPage})(${JSON.stringify([prompt, seed, steps])})`),
      noEngine: await codeWith({ backend: "onnx" }),
      misspelt: await codeWith({ backend: "wasm" }),
    };
  });
  expect(found.plain).toMatchObject({ code: "adapter-absent", message: "WebGPU finds no graphics adapter in this browser" });
  expect([found.noEngine, found.misspelt]).toEqual(["backend-missing", "option-invalid"]);
});

// Mini in headless Chromium by the browser's door of the runtime, against the same clip in Node; and what a visitor without WebGPU is told.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, test } from "vitest";
import { loadPipeline } from "../../runtime/index.ts";
import { mvc } from "../cli/mvc.ts";
import { browse, noChromium, serve, withWebGpu } from "./chromium.ts";

/** Two engines round differently, and a rounding may fall to either side: one byte step of 255. */
const byteTolerance = 1;
const [prompt, seed, steps] = ["a red circle moves right", 1, 2] as const;

const folder = mkdtempSync(join(tmpdir(), "mvc-web-"));
let server: Server | undefined;
let address = "";

beforeAll(async () => {
  if (noChromium) return;
  const built = await mvc([
    "build",
    "models/magicvideo.mv",
    "--preset",
    "Mini",
    "--weights",
    "models/mini.safetensors",
    "-o",
    join(folder, "mini"),
  ]);
  expect(built.code).toBe(0);
  await build({ entryPoints: ["runtime/web/index.ts"], bundle: true, minify: true, format: "esm", outfile: join(folder, "mvc.js") });
  writeFileSync(join(folder, "index.html"), "<!doctype html><title>test</title>");
  ({ server, address } = await serve(folder));
});
afterAll(() => {
  server?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** In the page: a clip's bytes, or the code of the error. */
const sampleInPage = `async ([prompt, seed, steps]) => {
  const { loadPipeline } = await import("/mvc.js");
  try {
    const started = performance.now();
    let first = 0;
    const onProgress = ({ phase, step }) => { if (phase === "step" && step === 1) first = performance.now() - started; };
    const pipeline = await loadPipeline("/mini");
    const clip = await pipeline.sample(prompt, { seed, steps, onProgress });
    await pipeline.dispose();
    return { frames: [...clip.frames], first };
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
        first: number;
      }>;
    });
    expect(found.message).toBeUndefined();
    const pipeline = await loadPipeline(join(folder, "mini"), { backend: "onnx" });
    const expected = (await pipeline.sample(prompt, { seed, steps })).frames;
    await pipeline.dispose();
    expect(found.frames?.length).toBe(expected.length);
    const worst = found.frames?.reduce((most, value, i) => Math.max(most, Math.abs(value - (expected[i] ?? 0))), 0);
    expect(worst).toBeLessThanOrEqual(byteTolerance);
    process.stdout.write(`Chromium: ${(found.first / 1000).toFixed(1)} s from nothing to the first step's end\n`);
  },
  180_000,
);

test.skipIf(noChromium)("without WebGPU one error says so", async () => {
  const found = await browse(["--disable-features=WebGPU", "--disable-gpu"], async (context) => {
    const page = await context.newPage();
    await page.addInitScript("Object.defineProperty(Navigator.prototype, 'gpu', { get: () => ({ requestAdapter: async () => null }) })");
    await page.goto(`${address}/index.html`);
    return page.evaluate(`(${sampleInPage})(${JSON.stringify([prompt, seed, steps])})`);
  });
  expect(found).toMatchObject({ code: "adapter-absent", message: "WebGPU finds no graphics adapter in this browser" });
});

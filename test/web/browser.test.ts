// Mini in headless Chromium by the browser's door of the runtime, against the same clip in Node; and what a visitor without WebGPU is told.

import { once } from "node:events";
import { createReadStream, existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, normalize } from "node:path";
import { build } from "esbuild";
import { type BrowserContext, chromium } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { loadPipeline } from "../../runtime/index.ts";
import { mvc } from "../cli/mvc.ts";

const executablePath = "/usr/bin/chromium";
const absent = !existsSync(executablePath) && process.env.MVC_REQUIRE_GPU !== "1";
if (absent) process.stderr.write(`the suite of Chromium is skipped: there is no ${executablePath}; install Debian's package chromium\n`);

/** Two engines round differently, and a rounding may fall to either side: one byte step of 255. */
const byteTolerance = 1;
const [prompt, seed, steps] = ["a red circle moves right", 1, 2] as const;

const folder = mkdtempSync(join(tmpdir(), "mvc-web-"));
let server: Server;
let address = "";

/** Whole files and ranges of them, from the folder. */
function serve(): Server {
  return createServer((request, response) => {
    const path = join(folder, normalize(new URL(request.url ?? "/", "http://localhost").pathname));
    if (!existsSync(path) || !statSync(path).isFile()) {
      response.writeHead(404).end();
      return;
    }
    const { size } = statSync(path);
    const type = path.endsWith(".html") ? "text/html" : path.endsWith(".js") ? "text/javascript" : "application/octet-stream";
    const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "");
    const [start, end] = range === null ? [0, size - 1] : [Number(range[1]), range[2] === "" ? size - 1 : Number(range[2])];
    response.writeHead(range === null ? 200 : 206, { "content-type": type, "content-length": end - start + 1 });
    if (request.method === "HEAD") response.end();
    else createReadStream(path, { start, end }).pipe(response);
  });
}

async function browse<T>(flags: readonly string[], act: (context: BrowserContext) => Promise<T>): Promise<T> {
  const quiet = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ];
  const profile = mkdtempSync(join(tmpdir(), "mvc-profile-"));
  const context = await chromium.launchPersistentContext(profile, { executablePath, headless: true, args: [...quiet, ...flags] });
  try {
    return await act(context);
  } finally {
    await context.close();
    rmSync(profile, { recursive: true, force: true });
  }
}

beforeAll(async () => {
  if (absent) return;
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
  server = serve().listen(0, "127.0.0.1");
  await once(server, "listening");
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
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

test.skipIf(absent)(
  "a clip in Chromium is the clip in Node",
  async () => {
    const found = await browse(["--enable-unsafe-webgpu"], async (context) => {
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

test.skipIf(absent)("without WebGPU one error says so", async () => {
  const found = await browse(["--disable-features=WebGPU", "--disable-gpu"], async (context) => {
    const page = await context.newPage();
    await page.addInitScript("Object.defineProperty(Navigator.prototype, 'gpu', { get: () => ({ requestAdapter: async () => null }) })");
    await page.goto(`${address}/index.html`);
    return page.evaluate(`(${sampleInPage})(${JSON.stringify([prompt, seed, steps])})`);
  });
  expect(found).toMatchObject({ code: "adapter-absent", message: "WebGPU finds no graphics adapter in this browser" });
});

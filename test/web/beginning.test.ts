// Clips of the page that begin with more than noise, beside Node's, in headless Chromium on the processor.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encode } from "fast-png";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Clip, frameOf, loadPipeline, type Pipeline } from "../../runtime/index.ts";
import { catalogue } from "../../web/node/catalogue.ts";
import { makeSite } from "../../web/node/site.ts";
import { readGif } from "../runtime/media/read-gif.ts";
import { browse, noChromium, serve } from "./chromium.ts";

/** Two engines round differently, and a rounding may fall to either side: one byte step of 255. */
const byteTolerance = 1;
const [prompt, seed, steps] = ["a yellow heart falls left", 1, 2] as const;

const folder = mkdtempSync(join(tmpdir(), "mvc-beginning-"));
let server: Server | undefined;
let address = "";
let node: Pipeline | undefined;
beforeAll(async () => {
  if (noChromium) return;
  makeSite(process.cwd(), join(folder, "site"), catalogue.slice(0, 1));
  ({ server, address } = await serve(join(folder, "site")));
  node = await loadPipeline(join(folder, "site/packages/mini"), { backend: "onnx" });
}, 120_000);
afterAll(async () => {
  await node?.dispose();
  server?.close();
  rmSync(folder, { recursive: true, force: true });
});

async function expectShown(page: Page, clip: Clip): Promise<void> {
  const last = clip.frameCount - 1;
  for (const frame of [0, 1, last]) {
    await page.evaluate(
      `{ const frame = document.getElementById("frame"); frame.value = ${frame}; frame.dispatchEvent(new Event("input")); }`,
    );
    const found = await page.evaluate<number[]>(`[...document.getElementById("clip").getContext("2d").getImageData(0, 0, 64, 64).data]`);
    const wanted = frameOf(clip, frame);
    const worst = found.reduce((most, value, i) => Math.max(most, Math.abs(value - (wanted[i] ?? Number.NaN))), 0);
    expect(worst, `frame ${frame}`).toBeLessThanOrEqual(byteTolerance);
  }
  expect(await page.getAttribute("#frame", "max")).toBe(String(last));
}

test.skipIf(noChromium)(
  "from the clip that is shown, going on from it, and from a picture: each is Node's clip, and says what it began with",
  () =>
    browse(["--disable-features=WebGPU"], async (context) => {
      const page = await context.newPage();
      page.on("pageerror", (error) => expect.fail(`the page threw ${error.message}`));
      await page.addInitScript("delete Navigator.prototype.gpu");
      await page.emulateMedia({ reducedMotion: "reduce" });
      await page.goto(`${address}/`);
      await page.waitForSelector("#go:enabled");
      await page.getByText("Begin with more than noise").click();
      const start = page.getByLabel("Begin with", { exact: true });
      const offered = () => page.evaluate(`[...document.getElementById("start").options].map((one) => !one.disabled)`);
      expect(await offered()).toEqual([true, false, false, true]);
      await page.getByLabel("Prompt", { exact: true }).fill(prompt);
      await page.getByLabel("Steps", { exact: true }).fill(String(steps));
      const make = async (words: string) => {
        await page.locator("#go").click();
        await expect.poll(() => page.locator("#caption").innerText(), { timeout: 60_000 }).toContain(words);
        await page.waitForSelector("#go:not([hidden])");
      };
      await make("guidance 2 · made in");
      const pipeline = node as Pipeline;
      const first = await pipeline.sample(prompt, { seed, steps });
      expect(await offered()).toEqual([true, true, true, true]);

      await start.selectOption("clip");
      await page.getByLabel("How far it is noised, 0 to 1").fill("0.5");
      await page.getByLabel("A loop: the last frame leads to the first").check();
      await make("from the clip before, strength 0.5 · loop");
      const second = await pipeline.sample(prompt, { seed, steps, from: first.latent, strength: 0.5, loop: true });
      await expectShown(page, second);

      // What goes on is no loop.
      await start.selectOption("end");
      await page.getByLabel("Steps", { exact: true }).fill("1");
      await make("goes on from the clip before");
      await expectShown(page, await pipeline.sample(prompt, { seed, steps: 1, continues: second.latent }));

      // A picture of 128x64 of which the middle is one colour.
      await start.selectOption("picture");
      await page.locator("#go").click();
      await page.waitForSelector("#problem:not([hidden])");
      expect(await page.locator("#problem-what").innerText()).toBe(
        'The model needs "picture", the clip\'s first frame or its last, which was not given.',
      );
      const data = Uint8Array.from({ length: 128 * 64 * 3 }, (_, i) => [200, 40, 40][i % 3] ?? 0);
      await page.setInputFiles("#picture", {
        name: "red.png",
        mimeType: "image/png",
        buffer: Buffer.from(encode({ width: 128, height: 64, data, channels: 3 })),
      });
      const last = Uint8Array.from({ length: 64 * 64 * 3 }, (_, i) => [40, 40, 200][i % 3] ?? 0);
      const blue = encode({ width: 64, height: 64, data: last, channels: 3 });
      await page.setInputFiles("#last-picture", { name: "blue.png", mimeType: "image/png", buffer: Buffer.from(blue) });
      await page.getByLabel("A loop: the last frame leads to the first").uncheck();
      await page.getByLabel("Frames", { exact: true }).fill("3");
      await make("from a first and a last picture · 3 frames");
      const plain = (...colour: readonly number[]) => ({
        width: 64,
        height: 64,
        data: Uint8ClampedArray.from({ length: 64 * 64 * 4 }, (_, i) => [...colour, 255][i % 4] ?? 0),
      });
      const given = { firstFrame: plain(200, 40, 40), lastFrame: plain(40, 40, 200), length: 3 };
      await expectShown(page, await pipeline.sample(prompt, { seed, steps: 1, ...given }));
      const coming = page.waitForEvent("download");
      await page.locator("#gif").click();
      const about = JSON.parse(readGif(readFileSync(await (await coming).path())).comment);
      expect(about).toMatchObject({ prompt, seed: "1", begins: "from a first and a last picture, 3 frames" });
    }),
  120_000,
);

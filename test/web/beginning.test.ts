// Clips of the page that begin with more than noise, beside Node's, in headless Chromium on the processor.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encode } from "fast-png";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readGif as fromGif } from "../../cli/media/read-gif.ts";
import { type Clip, frameOf, loadPipeline, type Pipeline } from "../../runtime/index.ts";
import { fitPicture } from "../../runtime/media/fit.ts";
import { catalogue } from "../../web/node/catalogue.ts";
import { makeSite } from "../../web/node/site.ts";
import { readGif } from "../runtime/media/read-gif.ts";
import { browse, noChromium, serve } from "./chromium.ts";

/** Two engines round differently, and a rounding may fall to either side: one byte step of 255. */
const byteTolerance = 1;
const [prompt, later, seed, steps] = ["a yellow heart falls left", "a blue star moves up", 1, 2] as const;

const folder = mkdtempSync(join(tmpdir(), "mvc-beginning-"));
let server: Server | undefined;
let address = "";
let node: Pipeline | undefined;
beforeAll(async () => {
  if (noChromium) return;
  makeSite(process.cwd(), join(folder, "site"), catalogue(process.cwd()).slice(0, 1));
  ({ server, address } = await serve(join(folder, "site")));
  node = await loadPipeline(join(folder, "site/packages/mini"), { backend: "onnx" });
}, 120_000);
afterAll(async () => {
  await node?.dispose();
  server?.close();
  rmSync(folder, { recursive: true, force: true });
});

async function expectShown(page: Page, clip: Clip, more: readonly number[] = [0, 1]): Promise<void> {
  const last = clip.frameCount - 1;
  for (const frame of [...more, last]) {
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
  "from the clip that is shown, going on from it, from pictures, under prompts over time, and with a part made anew: each is Node's clip, and says what it began with",
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
      const offered = () => page.evaluate(`[...document.getElementById("source").options].map((one) => !one.disabled)`);
      expect(await offered()).toEqual([false, false, true]);
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
      expect(await offered()).toEqual([true, false, true]);

      await start.selectOption("clip");
      await page.getByLabel("How far it is noised, 0 to 1").fill("0.5");
      await page.getByLabel("A loop: the last frame leads to the first").check();
      await make("from the clip before, strength 0.5 · loop");
      const second = await pipeline.sample(prompt, { seed, steps, from: first.latent, strength: 0.5, loop: true });
      await expectShown(page, second);

      // What goes on is no loop.
      await start.selectOption("end");
      await page.getByLabel("Steps", { exact: true }).fill("1");
      await page.getByText("Prompts over time").click();
      await page.getByRole("button", { name: "Add a prompt" }).click();
      await page.getByLabel("New prompt").fill(later);
      expect(await page.getByLabel("At frame").inputValue(), "the last of half a window more").toBe("24");
      await make("goes on from the clip before");
      expect(await page.locator("#caption").innerText()).toContain(`“${prompt}”, at frame 24 “${later}” · `);
      const prompts = [
        { frame: 0, prompt },
        { frame: 23, prompt: later },
      ];
      await expectShown(page, await pipeline.sample({ prompts, seed }, { steps: 1, continues: second.latent }), [0, 16]);
      await page.getByRole("button", { name: "Remove this prompt" }).click();

      // A picture of 128x64 of which the middle is one colour.
      await start.selectOption("pictures");
      await page.locator("#go").click();
      await page.waitForSelector("#problem:not([hidden])");
      expect(await page.locator("#problem-what").innerText()).toBe(
        'The model needs "picture", the clip\'s first frame or its last, which was not given.',
      );
      const data = Uint8Array.from({ length: 128 * 64 * 3 }, (_, i) => [200, 40, 40][i % 3] ?? 0);
      await page.setInputFiles("#first-picture", {
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
      const third = await pipeline.sample(prompt, { seed, steps: 1, ...given });
      await expectShown(page, third);
      const coming = page.waitForEvent("download");
      await page.locator("#gif").click();
      const saved = readFileSync(await (await coming).path());
      const about = JSON.parse(readGif(saved).comment);
      expect(about).toMatchObject({ prompt, seed: "1", begins: "from a first and a last picture, 3 frames" });

      // A box that is drawn over the clip that is shown: from the middle of one of the model's blocks of 8 to that of another.
      await start.selectOption("part");
      await page.getByLabel("From frame").fill("2");
      await page.getByLabel("To frame").fill("2");
      const canvas = page.locator("#part");
      await canvas.scrollIntoViewIfNeeded();
      const { x, y, width } = (await canvas.boundingBox()) ?? { x: 0, y: 0, width: 0 };
      const at = (across: number, down: number) => [x + (across / 64) * width, y + (down / 64) * width] as const;
      await page.mouse.move(...at(44, 52));
      await page.mouse.down();
      await page.mouse.move(...at(20, 36));
      await page.mouse.up();
      expect(await page.locator("#part-words").innerText()).toBe(
        "Hatched is what is made anew: 32×24 pixels at (16, 32), frame 2. All else is kept.",
      );
      const inBox = (row: number, column: number) => row >= 4 && row < 7 && column >= 2 && column < 6;
      expect(await hatched(page, third, 1)).toEqual(blocks(inBox));
      await page.locator("#part-frame").fill("3");
      // Only the outline of the box shows in a frame that is kept.
      expect(await hatched(page, third, 2)).toEqual(blocks(() => false));
      await make("of the clip before made anew: 32×24 pixels at (16, 32), frame 2");
      const mask = [0, 1, 2].map((i) => grey((row, column) => i === 1 && inBox(row >> 3, column >> 3)));
      const known = { clip: third.latent, mask };
      await expectShown(page, await pipeline.sample(prompt, { seed, steps: 1, known, length: 3 }));
      // Another try is one at the same clip.
      expect(await page.getByLabel("Which clip").inputValue()).toBe("origin");

      // The GIF that was saved, under a mask of its lower half.
      await page.getByLabel("Which clip").selectOption("file");
      await page.setInputFiles("#source-file", { name: "saved.gif", mimeType: "image/gif", buffer: saved });
      await page.getByLabel("To frame").fill("");
      await page.getByLabel("Made anew", { exact: true }).selectOption("mask");
      const lower = grey((row) => row >= 32);
      await page.setInputFiles("#mask", {
        name: "lower.png",
        mimeType: "image/png",
        buffer: Buffer.from(encode({ ...lower, channels: 4 })),
      });
      await page.getByLabel("From frame").fill("2");
      await make("of a clip of one's own made anew: what is white in the mask, frames 2 to 3");
      const clip = fromGif(saved, "saved.gif").map((picture) => fitPicture(picture, 64, 64));
      const below = { clip, mask: [grey(() => false), lower, lower] };
      await expectShown(page, await pipeline.sample(prompt, { seed, steps: 1, known: below, length: 3 }));

      // A link has all but the files, and whoever opens it is asked for them.
      await page.locator("#link").click();
      expect(await page.locator("#copied").innerText()).toContain(
        "all that is set here but the clip and the mask: whoever opens it is asked for them.",
      );
      const visitor = await context.newPage();
      await visitor.addInitScript("delete Navigator.prototype.gpu");
      await visitor.goto(page.url());
      await visitor.waitForSelector("#go:enabled");
      const asked = visitor.locator("#asked");
      expect(await asked.innerText()).toBe("The link cannot carry the clip and the mask that it was made with: choose them here.");
      const held = `["start", "where", "part-first", "steps"].map((id) => document.getElementById(id).value)`;
      expect(await visitor.evaluate(held)).toEqual(["part", "mask", "2", "1"]);
      await visitor.setInputFiles("#source-file", { name: "saved.gif", mimeType: "image/gif", buffer: saved });
      expect(await asked.innerText()).toBe("The link cannot carry the mask that it was made with: choose one here.");
      await visitor.locator("#go").click();
      await visitor.waitForSelector("#problem:not([hidden])");
      expect(await visitor.locator("#problem-what").innerText()).toContain('needs "mask"');
    }),
  120_000,
);

/** A picture of 64x64, white where `white` says. */
function grey(white: (row: number, column: number) => boolean) {
  const data = Uint8ClampedArray.from({ length: 64 * 64 * 4 }, (_, i) =>
    i % 4 === 3 || white(Math.floor(i / 256), Math.floor((i % 256) / 4)) ? 255 : 0,
  );
  return { width: 64, height: 64, data };
}

/** Rows of eight blocks, # where one is. */
const blocks = (holds: (row: number, column: number) => boolean) =>
  Array.from({ length: 8 }, (_, row) => Array.from({ length: 8 }, (_, column) => (holds(row, column) ? "#" : ".")).join(""));

/** In which blocks the picture that is drawn on has other colours in its middle than the clip's frame. */
async function hatched(page: Page, clip: Clip, frame: number): Promise<readonly string[]> {
  const middles = await page.evaluate<number[]>(`(() => {
    const canvas = document.getElementById("part");
    const context = canvas.getContext("2d");
    const block = canvas.width / 8;
    return Array.from({ length: 64 }, (_, i) => [...context.getImageData((i % 8 + 0.5) * block, (Math.floor(i / 8) + 0.5) * block, 1, 1).data]).flat();
  })()`);
  const pixels = frameOf(clip, frame);
  return blocks((row, column) => {
    const [found, wanted] = [(row * 8 + column) * 4, ((row * 8 + 4) * 64 + column * 8 + 4) * 4];
    return [0, 1, 2].some((c) => Math.abs((middles[found + c] ?? 0) - (pixels[wanted + c] ?? 0)) > byteTolerance);
  });
}

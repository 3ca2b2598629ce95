// Clips of models as they were trained, in headless Chromium: sheets of flat colours that say model, step, prompt and frame, so that a pixel tells which one is shown.

import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { gif } from "../../runtime/node/gif.ts";
import type { ModelEntry } from "../../web/models.ts";
import { browse, noChromium, serve } from "./chromium.ts";
import { text, until } from "./reading.ts";

const prompts = ["a red circle moves up", "a blue star moves down"];
const frames = 4;
const steps = { First: [500, 1500, 5742], Second: [1500], Late: [2000, 5742] } as const;

/** Colours lie 30 or more apart, the palette's cells 8. */
const colourOf = (model: number, step: number, row: number, column: number) => [
  40 + 60 * model,
  30 + 60 * step + 30 * row,
  20 + 60 * column,
];
const paletteTolerance = 8;

function sheet(model: number, step: number): Uint8Array {
  const [width, height] = [8 * frames, 8 * prompts.length];
  const pixels = Array.from({ length: width * height }, (_, i) => {
    const [x, y] = [i % width, Math.floor(i / width)];
    return [...colourOf(model, step, Math.floor(y / 8), Math.floor(x / 8)), 255];
  });
  return gif({ width, height, frameCount: 1, frames: Uint8ClampedArray.from(pixels.flat()) }, { scale: 1 });
}

const entry = (name: string, training: ModelEntry["training"]): ModelEntry => ({
  ...{ name, note: `${name}.`, path: `packages/${name}`, bytes: 1, onnxBytes: 1, parameters: 1, directed: true },
  shape: {
    frames: 8,
    frame: [4, 8, 8],
    latent: { height: 8, width: 8 },
    picture: { height: 8, width: 8 },
    pace: { per: 1, firstAlone: false },
  },
  ...{ steps: 6, guidance: 2, trainSteps: 1000, examples: ["a red circle"], vocabulary: [], training },
});

const folder = mkdtempSync(join(tmpdir(), "mvc-training-"));
let server: Server | undefined;
let address = "";
beforeAll(async () => {
  cpSync("dist/site", folder, { recursive: true });
  mkdirSync(join(folder, "training"));
  const sheetsOf = (name: string, own: readonly number[]) => own.map((step) => ({ step, path: `training/${name}-${step}.gif` }));
  const trained = Object.entries(steps).map(([name, own], model) => {
    for (const [i, { path }] of sheetsOf(name, own).entries()) writeFileSync(join(folder, path), sheet(model, i));
    return entry(name, { prompts, frames, sheets: sheetsOf(name, own) });
  });
  writeFileSync(join(folder, "training/text.gif"), "no picture");
  writeFileSync(
    join(folder, "training/small.gif"),
    gif({ width: 3, height: 4, frameCount: 1, frames: new Uint8ClampedArray(48) }, { scale: 1 }),
  );
  const broken = ["absent", "text", "small"].map((name, i) => ({ step: steps.First[i] ?? 0, path: `training/${name}.gif` }));
  const models = [...trained, entry("Broken", { prompts, frames, sheets: broken }), entry("Untrained", null)];
  // What is never asked for lets the page sample without WebGPU, so that it has its form.
  const engine = { script: "none.mjs", binary: "none.wasm", bytes: 1, sha256: "00" };
  writeFileSync(join(folder, "models.json"), JSON.stringify({ models, engine }));
  ({ server, address } = await serve(folder));
});
afterAll(() => {
  server?.close();
  rmSync(folder, { recursive: true, force: true });
});

async function visit(context: BrowserContext, reducedMotion: "reduce" | "no-preference") {
  const page = await context.newPage();
  const asked: string[] = [];
  page.on("pageerror", (error) => expect.fail(`the page threw ${error.message}`));
  page.on("request", (request) => asked.push(new URL(request.url()).pathname));
  await page.emulateMedia({ reducedMotion });
  await page.goto(`${address}/`);
  await page.waitForSelector("#go:enabled");
  return { page, sheets: () => asked.filter((path) => path.startsWith("/training/")) };
}

/** What is seen of each clip, in one moment. */
const colours = async (page: Page): Promise<readonly (readonly number[])[]> =>
  page.evaluate(`[...document.querySelectorAll("#training-clips canvas")].filter((one) => !one.hidden)
    .map((one) => [...one.getContext("2d").getImageData(4, 4, 1, 1).data].slice(0, 3))`);

async function expectColours(page: Page, expected: readonly (readonly number[])[]): Promise<void> {
  const far = async () => {
    const found = await colours(page);
    if (found.length !== expected.length) return 255;
    return Math.max(...found.flatMap((one, i) => one.map((value, c) => Math.abs(value - (expected[i]?.[c] ?? Number.NaN)))));
  };
  await expect.poll(far, { interval: 20 }).toBeLessThanOrEqual(paletteTolerance);
}

const captions = (page: Page) => page.locator("#training-clips figcaption").allTextContents();

test.skipIf(noChromium)(
  "the slider shows each model at that step of its training, or at its nearest before, from what is downloaded then",
  () =>
    browse(["--disable-features=WebGPU"], async (context) => {
      const { page, sheets } = await visit(context, "reduce");
      await page.setViewportSize({ width: 1280, height: 900 });
      await page.getByText("Side by side with other models").click();
      await page.getByLabel("Second", { exact: true }).check();
      expect(sheets(), "closed").toEqual([]);
      await page.locator("#training summary").focus();
      await page.keyboard.press("Enter");
      await expectColours(page, [colourOf(0, 2, 0, 0), colourOf(1, 0, 0, 0)]);
      expect(await captions(page)).toEqual(["First step 5,742", "Second step 1,500"]);
      expect(sheets()).toEqual(["/training/First-5742.gif", "/training/Second-1500.gif"]);
      expect(await text(page, "training-play"), "little motion is wanted").toBe("Play");

      const slider = page.getByLabel("Training step", { exact: true });
      await slider.focus();
      await page.keyboard.press("ArrowLeft");
      await expectColours(page, [colourOf(0, 1, 0, 0), colourOf(1, 0, 0, 0)]);
      expect(await captions(page)).toEqual(["First step 1,500", "Second step 1,500"]);
      expect([await text(page, "training-at"), await slider.getAttribute("aria-valuetext")]).toEqual([
        "Training step 1,500 of 5,742",
        "step 1,500 of 5,742",
      ]);
      await page.keyboard.press("Home");
      await page.getByLabel("Prompt of these clips").selectOption(prompts[1] ?? "");
      await expectColours(page, [colourOf(0, 0, 1, 0), colourOf(1, 0, 1, 0)]);
      expect(await captions(page), "it has none before").toEqual(["First step 500", "Second step 1,500"]);
      expect(await page.locator("#training-clips canvas").first().getAttribute("aria-label")).toBe(
        `Clip of “${prompts[1]}”, by First at step 500 of its training`,
      );

      // Step and prompt stay where a model joins; where it has steps of its own, they are on the slider.
      await page.getByLabel("Late", { exact: true }).check();
      await expectColours(page, [colourOf(0, 0, 1, 0), colourOf(1, 0, 1, 0), colourOf(2, 0, 1, 0)]);
      expect(await slider.getAttribute("max")).toBe("3");

      // The clip above stays beside its form, however far the page is scrolled.
      await page.evaluate("scrollTo(0, document.body.scrollHeight)");
      expect(
        await page.evaluate(
          `document.getElementById("stage").getBoundingClientRect().bottom <= document.getElementById("training").getBoundingClientRect().top`,
        ),
      ).toBe(true);

      for (const one of ["Second", "Late"]) await page.getByLabel(one, { exact: true }).uncheck();
      await page.getByLabel("Broken", { exact: true }).check();
      for (const [i, step] of ["500", "1,500", "5,742"].entries()) {
        await slider.fill(String(i));
        await until(
          page,
          `document.querySelector("#training-clips .fault:not([hidden])")?.textContent.startsWith("The clips of step ${step} cannot be shown")`,
        );
        await expectColours(page, [colourOf(0, i, 1, 0)]);
      }
      await page.getByLabel("Untrained", { exact: true }).check();
      expect(await text(page, "training-without")).toBe(" None were kept of Untrained.");
      await page.getByLabel("Broken", { exact: true }).uncheck();
      await page.getByLabel("Model", { exact: true }).selectOption("Untrained");
      expect(await page.locator("#training").isVisible()).toBe(false);
    }),
);

test.skipIf(noChromium)("clips play as they are opened, at the same frame, and no longer than they are open", () =>
  browse(["--disable-features=WebGPU"], async (context) => {
    const { page } = await visit(context, "no-preference");
    await page.getByText("Side by side with other models").click();
    await page.getByLabel("Second", { exact: true }).check();
    await page.getByText("How it was trained").click();
    await expect.poll(() => text(page, "training-play")).toBe("Pause");
    const seen = new Set<number>();
    const columns = async () => (await colours(page)).map(([, , blue = 0]) => Math.round((blue - 20) / 60));
    await until(page, `[...document.querySelectorAll("#training-clips canvas")].every((one) => one.width === 8)`);
    await expect
      .poll(
        async () => {
          const [first = -1, second = -2] = await columns();
          expect(second, "in step").toBe(first);
          return seen.add(first).size;
        },
        { interval: 50, timeout: 10_000 },
      )
      .toBe(frames);
    await page.locator("#training-play").click();
    const stopped = await columns();
    // Longer than a frame of them, a quarter of a second.
    await page.waitForTimeout(400);
    expect(await columns()).toEqual(stopped);
    await page.locator("#training-play").click();
    await page.getByText("How it was trained").click();
    await expect.poll(() => page.locator("#training-play").textContent()).toBe("Play");
  }),
);

// A study's page in Chromium, from disk: nothing is asked of a network, nothing is wider than a phone, all clips show the same frame, and what names hold stays text.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { fitting } from "../../study/page/clips.ts";
import { page as pageOf } from "../../study/page/page.ts";
import { madeStudy } from "../study/made-study.ts";
import { browse, noChromium } from "./chromium.ts";

const { report, clips } = madeStudy();
const named = { ...report, variants: report.variants.map((one, i) => (i === 3 ? { ...one, name: '<img src="http://x/y">&' } : one)) };
const text = pageOf(named, clips);

test("a page of eight variants, of sheets that nothing packs, is under 3 MB, and says what it leaves out", () => {
  expect(Buffer.byteLength(text)).toBeLessThan(3_000_000);
  const stepsOf = ({ sheets }: typeof clips) => [...new Set(sheets.map(({ step }) => step))];
  expect(stepsOf(clips)).toHaveLength(4);
  expect(stepsOf(fitting(clips))).not.toContain(500);
  expect(stepsOf(fitting(clips))).toContain(2000);
  expect(text).toContain("Earlier steps are left out");
  const few = { ...clips, sheets: clips.sheets.map((sheet) => ({ ...sheet, data: "R0lGODlh" })) };
  expect(fitting(few).sheets).toHaveLength(clips.sheets.length);
});

/** Where each clip's shown sheet has been moved to, in parts of its own size. */
const placesOf = (page: Page) =>
  page.$$eval(".screen", (screens) =>
    screens.map((screen) => {
      const [shown, ...others] = [...screen.querySelectorAll("img")].filter((image) => image.getClientRects().length > 0);
      if (shown === undefined || others.length > 0) return "no one sheet";
      const [box, own] = [screen.getBoundingClientRect(), shown.getBoundingClientRect()];
      return [
        Math.round((8 * (box.left - own.left)) / own.width),
        Math.round((2 * (box.top - own.top)) / own.height),
        shown.dataset.step,
      ].join(" ");
    }),
  );

test.skipIf(noChromium)("opened from disk it plays in step, at any width", async () => {
  const folder = mkdtempSync(join(tmpdir(), "mvc-study-"));
  writeFileSync(join(folder, "report.html"), text);
  try {
    await browse([], async (context) => {
      const page = await context.newPage();
      const [asked, errors]: [string[], string[]] = [[], []];
      page.on("request", (request) => asked.push(request.url()));
      page.on("pageerror", (error) => errors.push(error.message));
      for (const width of [1280, 390]) {
        await page.setViewportSize({ width, height: 900 });
        await page.goto(`file://${folder}/report.html`);
        expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width);
      }
      await page.locator("#frame").fill("5");
      expect(new Set(await placesOf(page))).toEqual(new Set(["5 0 2000"]));
      await page.locator("#prompt").selectOption("1");
      await page.locator("#step").fill("0");
      const [first, ...rest] = await placesOf(page);
      expect(first).toMatch(/^5 1 1[05]00$/);
      // ImageVae took its denoiser from another variant: it has the end alone.
      expect(new Set(rest)).toEqual(new Set([first, "5 1 2000"]));
      await page.locator("#play").click();
      await page.waitForFunction(() => (document.getElementById("frame") as HTMLInputElement).value !== "5");
      expect(new Set((await placesOf(page)).map((place) => place.split(" ")[0])).size).toBe(1);
      expect(await page.locator("img[src^=http]").count()).toBe(0);
      expect(asked.filter((url) => !/^(data|file):/.test(url))).toEqual([]);
      expect(errors).toEqual([]);
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

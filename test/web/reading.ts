// What a test reads of a page that is open: its words, its focus, the pixels of a canvas, and what was written as it was written.

import type { Page } from "playwright-core";
import { expect } from "vitest";

/** Playwright's own waiting for an expression evaluates text in the page, which the page's policy forbids. */
export const until = (page: Page, expression: string, timeout = 30_000) =>
  expect.poll(() => page.evaluate<boolean>(expression), { timeout, interval: 20 }).toBe(true);

export const text = (page: Page, id: string) => page.locator(`#${id}`).innerText();
export const focused = (page: Page) => page.evaluate<string>("document.activeElement.id || document.activeElement.textContent");

export function largestDifference(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(found.length).toBe(expected.length);
  return Array.from(expected).reduce((most, value, i) => Math.max(most, Math.abs(value - (found[i] ?? Number.NaN))), 0);
}

export const pixels = (page: Page, canvas = "#clip") =>
  page.evaluate<number[]>(`(() => {
    const canvas = document.querySelector("${canvas}");
    return [...canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data];
  })()`);

/** Collects what is written into an element, as it is written. */
export const listen = (page: Page, id: string) =>
  page.evaluate(`{
    const heard = (window.heard ??= {});
    heard["${id}"] = [];
    const element = document.getElementById("${id}");
    new MutationObserver(() => heard["${id}"].push(element.textContent)).observe(element, { childList: true });
  }`);
export const heard = (page: Page, id: string) => page.evaluate<string[]>(`window.heard["${id}"]`);

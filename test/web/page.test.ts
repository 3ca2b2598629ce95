// The page as a visitor meets it, in headless Chromium: by keyboard, on a narrow screen, without WebGPU, and when something fails.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { Server } from "node:http";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Clip, frameOf, loadPipeline } from "../../runtime/index.ts";
import { type EngineEntry, parseSite } from "../../web/models.ts";
import { catalogue } from "../../web/node/catalogue.ts";
import { makeSite } from "../../web/node/site.ts";
import { readGif } from "../runtime/media/read-gif.ts";
import { browse, idleKernels, noChromium, serve, withWebGpu } from "./chromium.ts";
import { focused, heard, largestDifference, listen, pixels, text, until } from "./reading.ts";

/** Two engines round differently, and a rounding may fall to either side: one byte step of 255. */
const byteTolerance = 1;
/** A GIF has 256 colours for the whole clip: cells of 5, 6 and 5 bits are 8 wide, and neighbours may share one. */
const gifTolerance = 16;
const [prompt, seed, steps] = ["a yellow heart falls left", 1, 2] as const;

const folder = mkdtempSync(join(tmpdir(), "mvc-page-"));
let server: Server | undefined;
let address = "";
let engine: EngineEntry | null = null;
const sockets: Socket[] = [];
/** Bytes over the wire from the server so far, heads of answers included. */
const sent = () => sockets.reduce((sum, { bytesWritten }) => sum + bytesWritten, 0);

beforeAll(async () => {
  if (noChromium) return;
  makeSite(process.cwd(), join(folder, "site"), catalogue(process.cwd()).slice(0, 2));
  ({ engine } = parseSite(readFileSync(list, "utf8")));
  // Without it the software adapter computes, as a graphics card does elsewhere.
  offer(null);
  ({ server, address } = await serve(join(folder, "site")));
  server.on("connection", (socket) => sockets.push(socket));
}, 120_000);
afterAll(() => {
  server?.close();
  rmSync(folder, { recursive: true, force: true });
});

const list = join(folder, "site/models.json");
/** What runs packages on the processor, as if the site had been made with it or without. */
const offer = (one: EngineEntry | null) => writeFileSync(list, JSON.stringify({ ...JSON.parse(readFileSync(list, "utf8")), engine: one }));

/** Waits for the page to know whether it can sample. What it throws unheard fails the test. */
async function visit(context: BrowserContext, script = ""): Promise<Page> {
  const page = await context.newPage();
  page.on("pageerror", (error) => expect.fail(`the page threw ${error.message}`));
  if (script !== "") await page.addInitScript(script);
  await page.emulateMedia({ reducedMotion: "reduce" });
  await page.goto(`${address}/`);
  await page.waitForSelector("#go:enabled, #missing:not([hidden]), #problem:not([hidden])");
  return page;
}

const made = new Map<string, Clip>();
async function nodesClip(name: string): Promise<Clip> {
  const known = made.get(name);
  if (known !== undefined) return known;
  const pipeline = await loadPipeline(join(folder, "site/packages", name), { backend: "onnx" });
  const clip = await pipeline.sample(prompt, { seed, steps });
  made.set(name, clip);
  await pipeline.dispose();
  return clip;
}

/** The page's clip, frame by frame, is Node's. */
async function expectNodesClip(page: Page): Promise<Clip> {
  const clip = await nodesClip("mini");
  await page.getByLabel("Frame", { exact: true }).focus();
  for (let i = 0; i < clip.frameCount; i++) {
    expect(largestDifference(await pixels(page), frameOf(clip, i)), `frame ${i}`).toBeLessThanOrEqual(byteTolerance);
    await page.keyboard.press("ArrowRight");
  }
  return clip;
}

test.skipIf(noChromium)(
  "by keyboard alone: a prompt, a clip that is Node's clip, its frames, its file, and a stop",
  () =>
    browse(withWebGpu, async (context) => {
      const page = await visit(context);
      await listen(page, "stage-text");
      await listen(page, "status");
      const order: string[] = [];
      for (let i = 0; i < 18; i++) {
        await page.keyboard.press("Tab");
        order.push(await focused(page));
        expect(await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")).toBe("solid");
      }
      expect(order.slice(0, 3)).toEqual(["prompt", "a red circle moves right", prompt]);
      const figures = ["model", "Side by side with other models, from the same noise", "seed", "steps", "guidance", "frames", "loop"];
      expect(order.slice(-12)).toEqual(["Prompts over time", ...figures, "Begin with more than noise", "go", "reseed", "link"]);
      await page.keyboard.press("Tab");
      expect(order, "the last control lets go of the focus").not.toContain(await focused(page));

      await page.getByRole("button", { name: prompt }).focus();
      await page.keyboard.press("Enter");
      expect(await page.inputValue("#prompt")).toBe(prompt);
      await page.getByLabel("Steps", { exact: true }).focus();
      await page.keyboard.press("Control+A");
      await page.keyboard.type(String(steps));
      await page.locator("#go").focus();
      await page.keyboard.press("Space");
      expect(await focused(page), "the way out takes the focus").toBe("cancel");
      await page.waitForSelector("#controls:not([hidden])", { timeout: 120_000 });
      expect(await focused(page)).toBe("go");

      const stages = await heard(page, "stage-text");
      expect(stages.some((line) => /^Downloading the model: (\d+\.\d) of \1 MB$/.test(line))).toBe(true);
      const kernels = stages.flatMap(
        (line) => /^Preparing the graphics card: (\d+) of (\d+) kernels$/.exec(line)?.slice(1).map(Number) ?? [],
      );
      expect(kernels[0]).toBe(0);
      expect(kernels.at(-2), "all are there before the first step").toBe(kernels.at(-1));
      expect(stages.filter((line) => line.startsWith("Step")).map((line) => line.split(",")[0])).toEqual(["Step 1 of 2", "Step 2 of 2"]);
      expect((await heard(page, "status")).at(-1)).toBe("The clip is ready: 16 frames.");
      const caption = await text(page, "caption");
      expect(caption).toContain(`“${prompt}” · Mini, as trained · seed 1 · 2 steps · guidance 2 · made in`);
      process.stdout.write(`Chromium, the first clip: ${caption}\n`);
      expect(await page.getByRole("img").getAttribute("aria-label")).toBe(`Clip of “${prompt}”, 16 frames`);

      expect(await text(page, "play"), "little motion is wanted, so it does not start by itself").toBe("Play");
      const clip = await expectNodesClip(page);
      await page.keyboard.press("Home");
      await page.locator("#play").focus();
      await page.keyboard.press("Enter");
      await until(page, "document.getElementById('frame').valueAsNumber > 2");
      await page.keyboard.press("Enter");
      expect(await text(page, "play")).toBe("Play");

      const encoders: string[] = [];
      page.on("request", (request) => encoders.push(request.url()));
      const saved = await download(page, "gif", "a-yellow-heart-falls-left-1.gif");
      expect(saved.includes(`"prompt":"${prompt}","seed":"1","steps":"2"`), "the file says what it was made of").toBe(true);
      const gif = readGif(saved);
      expect([gif.frames.length, gif.width, gif.height, gif.repeats]).toEqual([16, 256, 256, true]);
      const corner = (i: number) => Array.from({ length: 256 * 256 }, (_, at) => gif.frames[i]?.pixels[at * 3] ?? Number.NaN);
      const enlarged = (i: number) =>
        Array.from({ length: 256 * 256 }, (_, at) => frameOf(clip, i)[(Math.floor(at / 1024) * 64 + Math.floor((at % 256) / 4)) * 4] ?? 0);
      for (const i of [0, 15]) expect(largestDifference(corner(i), enlarged(i))).toBeLessThanOrEqual(gifTolerance);
      expect(encoders.filter((url) => url.includes("h264"))).toEqual([]);
      const mp4 = await download(page, "mp4", "a-yellow-heart-falls-left-1.mp4");
      expect(mp4.subarray(4, 8).toString("latin1")).toBe("ftyp");
      expect(mp4.includes("avc1")).toBe(true);
      expect(mp4.includes(prompt)).toBe(true);
      expect(encoders.filter((url) => url.includes("h264")).length).toBe(1);

      // Again on the loaded model, with more steps than anybody waits for, and a word more than it takes: 14 and two marks.
      expect(await page.locator("#cut").isVisible()).toBe(false);
      await page.getByLabel("Prompt", { exact: true }).fill(`${prompt} ${prompt} ${prompt}`);
      await page.getByLabel("Steps", { exact: true }).fill("1000");
      await page.getByLabel("Prompt", { exact: true }).focus();
      await page.keyboard.press("Enter");
      await until(page, "document.getElementById('stage-text').textContent.startsWith('Step 2 of 1000')", 30_000);
      expect(await page.locator("#clip").isVisible(), "the last clip stays").toBe(true);
      expect(await text(page, "cut")).toBe("The prompt is longer than the model takes, and its end was left out: “left”.");
      await page.keyboard.press("Escape");
      await page.waitForSelector("#go:not([hidden])", { timeout: 30_000 });
      expect((await heard(page, "status")).at(-1)).toBe("Stopped.");
      expect(await page.locator("#problem").isVisible()).toBe(false);
      await page.close();

      // A second visit, to the first step: all that was downloaded is still there.
      const before = sent();
      const again = await visit(context, idleKernels);
      await again.getByLabel("Prompt", { exact: true }).press("Enter");
      await until(again, "document.getElementById('stage-text').textContent.startsWith('Step 1')", 60_000);
      const bytes = sent() - before;
      process.stdout.write(`second visit: ${bytes} bytes over the wire\n`);
      expect(bytes).toBeLessThan(5000);
      expect(before, "the first visit downloaded the weights").toBeGreaterThan(15e6);
    }),
  180_000,
);

async function download(page: Page, button: string, name: string): Promise<Buffer> {
  const coming = page.waitForEvent("download");
  await page.locator(`#${button}`).focus();
  await page.keyboard.press("Enter");
  const file = await coming;
  expect(file.suggestedFilename()).toBe(name);
  return readFileSync(await file.path());
}

test.skipIf(noChromium)(
  "what goes wrong is one sentence and a way out, and the next try works",
  () =>
    browse(withWebGpu, async (context) => {
      const page = await visit(context, idleKernels);
      const submit = async (words: string) => {
        await page.getByLabel("Prompt", { exact: true }).fill(words);
        await page.keyboard.press("Enter");
        await page.waitForSelector("#problem:not([hidden])", { timeout: 30_000 });
      };
      await submit("a purple dog");
      expect(await text(page, "problem-what")).toBe('The model does not know the words "purple", "dog".');
      expect(await text(page, "problem-hint")).toMatch(/^Its prompts go "a {colour} {shape} {motion}"; the colour is one of "red", /);

      await page.getByLabel("Model", { exact: true }).selectOption("Undirected");
      expect(await text(page, "note")).toMatch(
        /later frames too.*not what a model trained without it would do\. 3\.9 million parameters, 1[67]\.\d MB to download\.$/,
      );
      await page.route("**/weights.safetensors?*", (route) => route.fulfill({ status: 503 }));
      await submit(prompt);
      expect(await text(page, "problem-what")).toMatch(/^packages\/undirected\/weights\.safetensors cannot be read: .*503\.$/);
      await context.setOffline(true);
      await submit(prompt);
      expect(await text(page, "problem-what")).toBe("This computer is offline, and what is needed has not been downloaded yet.");
      await context.setOffline(false);
      await page.unroute("**/weights.safetensors?*");
      await page.keyboard.press("Enter");
      await page.waitForSelector("#problem", { state: "hidden" });
      await until(page, "document.getElementById('stage-text').textContent !== ''");
      await page.locator("#cancel").click();
      await page.waitForSelector("#go:not([hidden])", { timeout: 60_000 });
      expect(await page.locator("#problem").isVisible()).toBe(false);

      // The browser's own check of the fields keeps these from being sent.
      await page.getByLabel("Steps", { exact: true }).fill("0");
      await page.keyboard.press("Enter");
      expect(await page.locator("#form:invalid").count()).toBe(1);
      expect(await page.locator("#work").isVisible()).toBe(false);
      await page.getByLabel("Steps", { exact: true }).fill("1");

      // A field that is wrong and folded away is shown.
      const time = page.getByText("Prompts over time");
      await time.click();
      await page.getByRole("button", { name: "Add a prompt" }).click();
      expect(await page.inputValue("#frames"), "room for a second prompt").toBe("32");
      expect(await page.getByLabel("At frame").inputValue()).toBe("32");
      await time.click();
      await page.locator("#go").click();
      expect(await page.getByLabel("New prompt").isVisible()).toBe(true);
      expect(await page.evaluate("document.activeElement.validity.valueMissing")).toBe(true);
      await page.keyboard.type(prompt);
      await page.getByLabel("Frames", { exact: true }).fill("16");
      expect(await text(page, "later-hint")).toContain("16 frames have one prompt: ask for more frames, or for a loop.");
      await page.locator("#go").click();
      expect(await page.locator("#work").isVisible()).toBe(false);
      await page.getByRole("button", { name: "Remove this prompt" }).click();
      expect(await page.locator("#form:invalid").count()).toBe(0);
    }),
  120_000,
);

test.skipIf(noChromium)("at 360 pixels nothing lies beyond the edge, in either scheme", () =>
  browse(withWebGpu, async (context) => {
    const page = await visit(context);
    await page.setViewportSize({ width: 360, height: 740 });
    // What a clip adds, and the longest of what is told.
    await page.evaluate(`for (const id of ["controls", "work", "problem", "cancel"]) document.getElementById(id).hidden = false`);
    await page.evaluate(`document.getElementById("problem-what").textContent = "x".repeat(200)`);
    await page.getByText("All the words it knows").click();
    await page.getByText("Begin with more than noise").click();
    await page.getByText("Side by side with other models").click();
    await page.getByText("Prompts over time").click();
    await page.getByText("Add a prompt").click();
    await page.getByText("How it was trained").click();
    await page.evaluate(
      `for (const one of document.querySelectorAll("#beginning [hidden]:not(option)")) { one.hidden = false; if (one.matches("p")) one.textContent = "x".repeat(200); }`,
    );
    const nameless = `[...document.querySelectorAll("main input, main select, main canvas[role]")].filter((one) => !one.labels?.length && !one.ariaLabel).map((one) => one.id)`;
    expect(await page.evaluate(nameless)).toEqual([]);
    const small = `[...document.querySelectorAll("button, input, select, summary")].filter((one) => one.getBoundingClientRect().height < 44).map((one) => one.id)`;
    expect(await page.evaluate(small), "as high as a finger").toEqual([]);
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(360);
      const beyond = `[...document.body.querySelectorAll("*")].filter((one) => one.getBoundingClientRect().right > 360).map((one) => one.id)`;
      expect(await page.evaluate(beyond)).toEqual([]);
    }
  }),
);

test.skipIf(noChromium)("the address carries prompt, seed and settings over a reload and to another tab", () =>
  browse(withWebGpu, async (context) => {
    await context.grantPermissions(["clipboard-read", "clipboard-write"]);
    const page = await visit(context);
    await page.getByLabel("Model", { exact: true }).selectOption("Undirected");
    await page.getByLabel("Prompt", { exact: true }).fill("a green square & more");
    await page.getByLabel("Seed", { exact: true }).fill("17");
    await page.getByLabel("Steps", { exact: true }).fill("9");
    await until(page, "location.hash.includes('steps=9')");
    const values = (from: Page) =>
      from.evaluate(`["model", "prompt", "seed", "steps", "guidance"].map((id) => document.getElementById(id).value)`);
    const wished = ["Undirected", "a green square & more", "17", "9", "2"];
    await page.reload();
    await page.waitForSelector("#go:enabled");
    expect(await values(page)).toEqual(wished);
    await page.locator("#link").click();
    await page.waitForSelector("#copied:not([hidden])");
    const link = await page.evaluate<string>("navigator.clipboard.readText()");
    expect(link).toBe(`${address}/#prompt=a+green+square+%26+more&seed=17&steps=9&guidance=2&model=undirected`);
    const other = await context.newPage();
    await other.goto(link);
    await other.waitForSelector("#go:enabled");
    expect(await values(other)).toEqual(wished);
    await other.evaluate("location.hash = 'seed=5&steps=many'");
    await other.waitForSelector("#problem:not([hidden])");
    expect(await text(other, "problem-what")).toBe("The link says steps=many, which this page cannot do.");
    expect(await other.inputValue("#seed")).toBe("5");
  }),
);

test.skipIf(noChromium)("without WebGPU the page says what is missing and what to do, and shows clips", () =>
  browse(["--disable-features=WebGPU", "--disable-gpu"], async (context) => {
    const none = "Object.defineProperty(Navigator.prototype, 'gpu', { get: () => ({ requestAdapter: async () => null }) })";
    const page = await visit(context, none);
    const notice = page.getByRole("alert");
    expect(await notice.getByRole("heading").innerText()).toBe("WebGPU finds no graphics card");
    expect(await notice.getByRole("listitem").allInnerTexts()).toContainEqual(expect.stringContaining("graphics acceleration"));
    expect(await notice.innerText()).toContain("the command “npm run demo” makes such a clip");
    expect(await page.locator("#form").isVisible()).toBe(false);
    const clips = page.locator("#gallery img");
    expect(await clips.count()).toBe(4);
    await until(page, "[...document.querySelectorAll('#gallery img')].every((one) => one.naturalWidth === 256)");

    const older = await visit(context, "delete Navigator.prototype.gpu");
    expect(await older.getByRole("alert").getByRole("heading").innerText()).toBe("This browser has no WebGPU");
    expect(await older.locator("#form").isVisible()).toBe(false);
  }),
);

test.skipIf(noChromium)(
  "without WebGPU, where the site has ONNX Runtime, the processor makes Node's clip, and says that it is slower",
  () => {
    offer(engine);
    return browse(["--disable-features=WebGPU"], async (context) => {
      const page = await visit(context, "delete Navigator.prototype.gpu");
      expect(await text(page, "slow")).toMatch(
        /^This browser has no WebGPU, so your processor makes the clips, slower than a graphics card/,
      );
      expect(await text(page, "note")).toMatch(/30\.\d MB to download\.$/);
      await listen(page, "stage-text");
      const before = sent();
      await page.getByLabel("Prompt", { exact: true }).fill(prompt);
      await page.getByLabel("Steps", { exact: true }).fill(String(steps));
      await page.keyboard.press("Enter");
      await page.waitForSelector("#controls:not([hidden])", { timeout: 60_000 });
      const stages = await heard(page, "stage-text");
      const downloads = stages.flatMap((stage) => /^Downloading the model: ([\d.]+) of (30\.\d) MB$/.exec(stage)?.slice(1) ?? []);
      expect(downloads.at(-2), "all that was announced").toBe(downloads.at(-1));
      expect(downloads.length).toBeGreaterThan(20);
      expect(stages.filter((stage) => stage.startsWith("Preparing"))).toContain("Preparing the processor: 3 of 4 graphs");
      expect(stages.slice(-4)).toEqual(["Reading the prompt", "Step 1 of 2", "Step 2 of 2", "Decoding the frames"]);
      expect((sent() - before) / 1e6, "megabytes that came").toBeCloseTo(Number(downloads.at(-1)), 0);
      await expectNodesClip(page);

      // Another model from the same noise, in step with the first.
      await page.getByText("Side by side with other models").click();
      await page.getByLabel("Undirected", { exact: true }).check();
      await page.keyboard.press("Enter");
      await page.waitForSelector("#others:not([hidden])", { timeout: 60_000 });
      expect(await page.locator("#others figcaption").allInnerTexts()).toEqual(["Undirected"]);
      expect(await page.locator("#others canvas").getAttribute("aria-label")).toBe(`Clip of “${prompt}”, 16 frames, by Undirected`);
      const undirected = await nodesClip("undirected");
      await page.getByLabel("Frame", { exact: true }).fill("9");
      for (const [id, own] of [
        ["#clip", await nodesClip("mini")],
        ["#others canvas", undirected],
      ] as const)
        expect(largestDifference(await pixels(page, id), frameOf(own, 9)), id).toBeLessThanOrEqual(byteTolerance);
      expect(await heard(page, "stage-text")).toContain("Undirected: Step 1 of 2");
      await page.getByLabel("Undirected", { exact: true }).uncheck();

      // At guidance 1 another graph is looped; and the worker is stopped between two steps.
      await page.getByLabel("Guidance", { exact: true }).fill("1");
      await page.getByLabel("Steps", { exact: true }).fill("1000");
      await page.keyboard.press("Enter");
      await until(page, "document.getElementById('stage-text').textContent.startsWith('Step 2 of 1000')", 30_000);
      await page.keyboard.press("Escape");
      await page.waitForSelector("#go:not([hidden])", { timeout: 30_000 });
      expect(await page.locator("#problem").isVisible()).toBe(false);
      await page.close();

      const again = sent();
      const second = await visit(context, "delete Navigator.prototype.gpu");
      await second.getByLabel("Prompt", { exact: true }).press("Enter");
      await until(second, "document.getElementById('stage-text').textContent.startsWith('Step 1')", 60_000);
      expect(sent() - again, "bytes of a second visit").toBeLessThan(5000);
    });
  },
  120_000,
);

// The command that serves the page, as it ships: what it says when it starts, and when it cannot.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, afterEach, expect, test } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "mvc-serve-"));
writeFileSync(join(folder, "index.html"), "the page");
const running: ChildProcess[] = [];
afterEach(() => {
  for (const child of running.splice(0)) child.kill();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function start(...words: string[]) {
  const child = spawn(process.execPath, [resolve("dist/web/node/serve.js"), ...words]);
  running.push(child);
  const told = { text: "" };
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk) => {
      told.text += chunk;
    });
  }
  return { child, told };
}

async function started(...words: string[]): Promise<string> {
  const { child, told } = start(...words);
  await once(child.stdout, "data");
  return /http:\/\/127\.0\.0\.1:\d+\//.exec(told.text)?.[0] ?? told.text;
}

async function refused(...words: string[]): Promise<string> {
  const { child, told } = start(...words);
  const [code] = await once(child, "close");
  expect(code).toBe(1);
  return told.text;
}

test("it says where the page is, and the page is there", async () => {
  expect(await (await fetch(await started(folder, "--port", "0"))).text()).toBe("the page");
});

test("one sentence says why it does not start", async () => {
  const { port } = new URL(await started(folder, "--port", "0"));
  expect(await refused(folder, "--port", port)).toBe(`error: port ${port} is taken: give another with --port\n`);
  expect(await refused(folder, "--port", "http")).toBe("error: --port must be a whole number from 0 to 65535, found http\n");
  expect(await refused(join(folder, "none"))).toMatch(/^error: .*none holds no index.html: put the page there with/);
  expect(await refused(folder, "--host", "0.0.0.0")).toMatch(
    /^error: Unknown option '--host'.*; what is understood is FOLDER and --port N\n$/,
  );
});

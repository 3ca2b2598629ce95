// The static server against RFC 9110: ranges, conditions, methods, and addresses that try to leave the folder.

import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import type { Server } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { serve } from "../chromium.ts";

const base = mkdtempSync(join(tmpdir(), "mvc-static-"));
const folder = join(base, "site");
let server: Server;
let address: string;

beforeAll(async () => {
  mkdirSync(join(folder, "packages"), { recursive: true });
  writeFileSync(join(base, "secret.txt"), "secret");
  writeFileSync(join(folder, "index.html"), "<!doctype html>");
  writeFileSync(join(folder, "packages", "index.html"), "<!doctype html><p>packages");
  writeFileSync(join(folder, "a b.json"), "{}");
  writeFileSync(join(folder, "empty.css"), "");
  writeFileSync(join(folder, "ten.wgsl"), "0123456789");
  writeFileSync(join(folder, "a-worker.js"), "");
  writeFileSync(join(folder, "ort.wasm.min.mjs"), "");
  writeFileSync(join(folder, ".env"), "secret");
  mkdirSync(join(folder, ".git"));
  writeFileSync(join(folder, ".git", "config"), "secret");
  symlinkSync(join(base, "secret.txt"), join(folder, "link.txt"));
  ({ server, address } = await serve(folder));
});
afterAll(() => {
  server.close();
  rmSync(base, { recursive: true, force: true });
});

const ask = (path: string, headers: Record<string, string> = {}, method = "GET") =>
  fetch(`${address}${path}`, { headers, method, redirect: "manual" });

test("whole files, with their type and length", async () => {
  const whole = await ask("/ten.wgsl");
  expect(whole.status).toBe(200);
  expect(await whole.text()).toBe("0123456789");
  expect(Object.fromEntries(whole.headers)).toMatchObject({
    "accept-ranges": "bytes",
    "content-length": "10",
    "content-type": "text/plain; charset=utf-8",
    "x-content-type-options": "nosniff",
  });
  expect((await ask("/")).headers.get("content-type")).toBe("text/html; charset=utf-8");
  expect((await ask("/a%20b.json?x=1")).headers.get("content-type")).toBe("application/json; charset=utf-8");
  expect(await (await ask("/empty.css")).text()).toBe("");
  const head = await ask("/ten.wgsl", {}, "HEAD");
  expect([head.status, head.headers.get("content-length"), await head.text()]).toEqual([200, "10", ""]);
});

test.each([
  ["bytes=2-4", 206, "bytes 2-4/10", "234"],
  ["bytes=7-", 206, "bytes 7-9/10", "789"],
  ["bytes=-3", 206, "bytes 7-9/10", "789"],
  ["bytes=0-99", 206, "bytes 0-9/10", "0123456789"],
  ["bytes=-99", 206, "bytes 0-9/10", "0123456789"],
  ["bytes=9-9", 206, "bytes 9-9/10", "9"],
  ["bytes=10-", 416, "bytes */10", "416\n"],
  ["bytes=-0", 416, "bytes */10", "416\n"],
  // What RFC 9110 has a server ignore: ranges that make no sense, several at once, other units.
  ["bytes=4-2", 200, null, "0123456789"],
  ["bytes=0-1,4-5", 200, null, "0123456789"],
  ["lines=0-1", 200, null, "0123456789"],
  ["bytes=-", 200, null, "0123456789"],
])("%s is answered with %i", async (range, status, contentRange, text) => {
  const answer = await ask("/ten.wgsl", { range });
  expect([answer.status, answer.headers.get("content-range"), await answer.text()]).toEqual([status, contentRange, text]);
});

test("what the browser still has is not sent again", async () => {
  const tag = (await ask("/ten.wgsl")).headers.get("etag") ?? "";
  expect((await ask("/ten.wgsl", { "if-none-match": tag })).status).toBe(304);
  expect((await ask("/ten.wgsl", { "if-none-match": `"other", W/${tag}` })).status).toBe(304);
  expect((await ask("/ten.wgsl", { "if-none-match": '"other"' })).status).toBe(200);
  expect((await ask("/ten.wgsl", { range: "bytes=0-1", "if-range": tag })).status).toBe(206);
  expect((await ask("/ten.wgsl", { range: "bytes=0-1", "if-range": '"other"' })).status).toBe(200);
});

test("a condition that is all spaces takes no time", async () => {
  const times: number[] = [];
  for (let i = 0; i < 5; i++) {
    const started = performance.now();
    expect((await ask("/ten.wgsl", { "if-none-match": `a${" ".repeat(15_000)}b` })).status).toBe(200);
    times.push(performance.now() - started);
  }
  // A pattern that goes through the spaces from each of them takes over 100 ms each time; the request itself a few.
  expect(Math.min(...times)).toBeLessThan(50);
});

test("what an address names by its hash is kept for ever, all else is asked for again", async () => {
  const kept = async (path: string) => (await ask(path)).headers.get("cache-control");
  expect(await kept("/ten.wgsl?sha256=0123")).toBe("public, max-age=31536000, immutable");
  expect(await kept("/ten.wgsl?x=0123")).toBe("no-cache");
  expect(await kept("/?sha256=0123")).toBe("no-cache");
});

test("pages are isolated and load nothing from elsewhere", async () => {
  const { headers } = await ask("/");
  expect(headers.get("content-security-policy")).toMatch(/^default-src 'none'; script-src 'self';/);
  expect(headers.get("cross-origin-opener-policy")).toBe("same-origin");
  expect(headers.get("cross-origin-embedder-policy")).toBe("require-corp");
  expect((await ask("/ten.wgsl")).headers.get("cross-origin-resource-policy")).toBe("same-origin");
  const worker = await ask("/a-worker.js");
  expect(worker.headers.get("content-security-policy")).toBe("default-src 'none'; script-src 'self' 'unsafe-eval'");
  expect(worker.headers.get("cross-origin-embedder-policy")).toBe("require-corp");
  const engine = await ask("/ort.wasm.min.mjs");
  expect(engine.headers.get("content-type")).toMatch(/^text\/javascript/);
  expect(engine.headers.get("content-security-policy")).toContain("script-src 'self' 'wasm-unsafe-eval';");
  expect(engine.headers.get("cross-origin-embedder-policy")).toBe("require-corp");
});

test("a folder's address gets its slash, and no other host", async () => {
  const moved = await ask("/packages?a=1");
  expect([moved.status, moved.headers.get("location")]).toEqual([308, "/packages/?a=1"]);
  expect(await (await ask("/packages/")).text()).toContain("packages");
  expect((await raw("GET //packages HTTP/1.1")).toLowerCase()).toContain("location: /packages/\r\n");
});

test("other methods are refused", async () => {
  const refused = await ask("/ten.wgsl", {}, "POST");
  expect([refused.status, refused.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
});

/** `fetch` resolves `..` itself: these are sent as they stand. */
test.each([
  "/../secret.txt",
  "/packages/../../secret.txt",
  "/%2e%2e/secret.txt",
  "/..%2fsecret.txt",
  "/link.txt",
  "/.env",
  "/%2eenv",
  "/.git/config",
  "/packages/../.git/config",
  "/.git\\config",
  "/ten.wgsl/",
  "/nothing",
])("%s is not found", async (path) => {
  const answer = await raw(`GET ${path} HTTP/1.1`);
  expect(answer).toMatch(/^HTTP\/1.1 404/);
  expect(answer).not.toContain("secret");
});

test.each(["/%", "/a%00b"])("%s is a bad request", async (path) => {
  expect(await raw(`GET ${path} HTTP/1.1`)).toMatch(/^HTTP\/1.1 400/);
});

function raw(line: string): Promise<string> {
  return new Promise((done, fail) => {
    const socket = connect(Number(new URL(address).port), "127.0.0.1", () => {
      socket.write(`${line}\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`);
    });
    let text = "";
    socket.on("data", (chunk) => {
      text += chunk;
    });
    socket.on("end", () => done(text));
    socket.on("error", fail);
  });
}

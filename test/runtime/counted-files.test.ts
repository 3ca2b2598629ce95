// The bytes that a page counts while it downloads a package, against the sizes of the files on the disk.

import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openPackage } from "../../runtime/package.ts";
import { countedFiles } from "../../runtime/web/counted-files.ts";
import { serve } from "../web/chromium.ts";
import { tinyPackage } from "./tiny-package.ts";

test("every byte of a package is counted once, and what was read whole is not asked for again", async () => {
  const tiny = await tinyPackage();
  const { server, address } = await serve(tiny.folder);
  const asked: string[] = [];
  server.prependListener("request", ({ method, url }) => method === "GET" && asked.push(url ?? ""));
  const sums: number[] = [];
  try {
    const files = countedFiles(address, new AbortController().signal, (sum) => sums.push(sum));
    const pack = await openPackage(files);
    await files.read("tokenizer.json");
    const all = readdirSync(tiny.folder, { recursive: true, encoding: "utf8" }).map((file) => statSync(join(tiny.folder, file)));
    expect(sums.at(-1)).toBe(all.reduce((sum, stats) => sum + (stats.isFile() ? stats.size : 0), 0));
    expect(sums).toEqual([...sums].sort((a, b) => a - b));

    const before = asked.length;
    const { file, bytes } = pack.manifest.weights;
    const [part, whole] = [await files.read(file, 8, 20), await files.read(file)];
    expect(part).toEqual(whole.subarray(8, 20));
    expect(whole.byteLength).toBe(bytes);
    expect(asked.length).toBe(before);
    files.release();
    expect(await files.read(file, 8, 20)).toEqual(part);
    expect(asked.length).toBe(before + 1);
  } finally {
    server.close();
    await tiny.remove();
  }
});

test("an abort and a missing file are told in our words", async () => {
  const tiny = await tinyPackage();
  const { server, address } = await serve(tiny.folder);
  const controller = new AbortController();
  const files = countedFiles(address, controller.signal, () => {});
  try {
    await expect(files.sha256("none.json")).rejects.toMatchObject({ code: "file-unreadable", message: expect.stringContaining("404") });
    controller.abort();
    await expect(files.sha256("manifest.json")).rejects.toMatchObject({ code: "aborted" });
  } finally {
    server.close();
    await tiny.remove();
  }
});

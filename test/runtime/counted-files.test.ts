// The bytes that a page counts while it downloads a package, against the sizes of the files on the disk; and what it asks for.

import { createHash } from "node:crypto";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Manifest } from "../../compiler/package/manifest.ts";
import { parseManifest } from "../../runtime/manifest.ts";
import { checkPackage } from "../../runtime/package.ts";
import { countedFiles, type Download, fetchManifest } from "../../runtime/web/counted-files.ts";
import { serve } from "../web/chromium.ts";
import { type TinyPackage, tinyPackage } from "./tiny-package.ts";

/** The tiny package with a graph's files for WebGPU, whatever is in them, behind an address. */
async function served() {
  const tiny = await tinyPackage();
  const file = (name: string, text: string) => {
    writeFileSync(join(tiny.folder, name), text);
    return { file: name, bytes: text.length, sha256: createHash("sha256").update(text).digest("hex") };
  };
  const webgpu = { plan: file("decode.json", "{}"), kernels: file("decode.wgsl", "// kernel a\n") };
  await tiny.change({ graphs: { ...tiny.manifest.graphs, decode: { ...tiny.manifest.graphs.decode, webgpu } } });
  const { server, address } = await serve(tiny.folder);
  const asked: string[] = [];
  server.prependListener("request", ({ method, url }) => asked.push(`${method} ${url}`));
  const manifest = parseManifest(await fetchManifest(address, undefined));
  const end = async () => {
    server.close();
    await tiny.remove();
  };
  return { tiny, address, asked, manifest, end };
}

const sizeOf = ({ folder }: TinyPackage, file: string) => statSync(join(folder, file)).size;
const hashOf = ({ weights }: Manifest) => weights.sha256?.slice(0, 16);

test("what a clip needs is known before its first byte, counted once, and asked for once", async () => {
  const { tiny, address, asked, manifest, end } = await served();
  try {
    const heard: Download[] = [];
    const files = countedFiles(address, manifest, { onBytes: (download) => heard.push(download) });
    const wanted = ["weights.safetensors", "tokenizer.json", "decode.json", "decode.wgsl"];
    const total = wanted.reduce((sum, file) => sum + sizeOf(tiny, file), 0);
    expect(heard).toEqual([{ loaded: 0, total }]);
    const pack = await checkPackage(files, manifest, { verify: "lazy" });
    for (const file of wanted) await files.read(file);
    expect(heard.at(-1)).toEqual({ loaded: total, total });
    expect(heard.length).toBeLessThanOrEqual(101);
    const sums = heard.map(({ loaded }) => loaded);
    expect(sums).toEqual([...new Set(sums)].sort((a, b) => a - b));

    expect(asked.filter((one) => one.startsWith("HEAD"))).toEqual([]);
    expect(asked.length, "the manifest, and each file").toBe(1 + wanted.length);
    expect(asked).toContain(`GET /weights.safetensors?sha256=${hashOf(manifest)}`);
    const { file, bytes } = pack.manifest.weights;
    const [part, whole] = [await files.read(file, 8, 20), await files.read(file)];
    expect(part).toEqual(whole.subarray(8, 20));
    expect(whole.byteLength).toBe(bytes);
    expect(asked.length).toBe(1 + wanted.length);
    files.release();
    expect(await files.read(file, 8, 20)).toEqual(part);
    expect(asked.length).toBe(2 + wanted.length);
    // What another loop needs besides joins what is counted.
    const other = manifest.graphs.decode?.onnx?.file ?? "";
    await files.read(other);
    const more = total + sizeOf(tiny, other);
    expect(heard.at(-1)).toEqual({ loaded: more, total: more });
  } finally {
    await end();
  }
});

test("of large weights, what is read is asked for, and no more", async () => {
  const { tiny, address, asked, manifest, end } = await served();
  try {
    const weights = { ...manifest.weights, bytes: 2 ** 30 };
    const heard: Download[] = [];
    const files = countedFiles(address, { ...manifest, weights }, { onBytes: (download) => heard.push(download) });
    const part = await files.read("weights.safetensors", 8, 20);
    expect(part).toEqual(new Uint8Array(readFileSync(join(tiny.folder, "weights.safetensors")).subarray(8, 20)));
    expect(asked.filter((one) => one.includes("weights"))).toEqual([`GET /weights.safetensors?sha256=${hashOf(manifest)}`]);
    expect(heard.at(-1)?.total).toBeGreaterThan(2 ** 30);
  } finally {
    await end();
  }
});

test("a changed file is asked for once more, past the caches, and then told", async () => {
  const { tiny, address, asked, manifest, end } = await served();
  try {
    writeFileSync(join(tiny.folder, "tokenizer.json"), "{}");
    const files = countedFiles(address, manifest);
    await expect(checkPackage(files, manifest, { verify: "lazy" })).rejects.toMatchObject({ code: "hash-mismatch" });
    expect(asked.filter((one) => one.includes("tokenizer")).length).toBe(2);
  } finally {
    await end();
  }
});

test("an abort, a missing file and a missing package are told in our words", async () => {
  const { address, manifest, end } = await served();
  const controller = new AbortController();
  const files = countedFiles(address, manifest, { signal: controller.signal });
  try {
    await expect(files.sha256("none.json")).rejects.toMatchObject({ code: "file-unreadable", message: expect.stringContaining("404") });
    await expect(fetchManifest(`${address}/none`, undefined)).rejects.toMatchObject({ code: "not-a-package" });
    controller.abort();
    await expect(files.sha256("other.json")).rejects.toMatchObject({ code: "aborted" });
    await expect(fetchManifest(address, controller.signal)).rejects.toMatchObject({ code: "aborted" });
  } finally {
    await end();
  }
});

// `mvc check --watch` as an editor meets it: files written over, replaced, taken away and put back, imports among them.

import { spawn } from "node:child_process";
import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, expect, test } from "vitest";
import { temporaryFolder } from "./mvc.ts";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true }));

const model = `import { Mix } from "./mix.mv";
model Tiny<H = 8> { graph run(x: Tensor<float, [1, H]>): Tensor<float, [1, H]> { return x |> Mix() as mix; } }
`;
const mix = (width: string) =>
  `block Mix<B, H>(x: Tensor<float, [B, H]>): Tensor<float, [B, H]> { return x |> linear(${width}) as mix; }\n`;

test("checks at every change of a file that was read, until it is interrupted", async () => {
  mkdirSync(at("aside"));
  writeFileSync(at("tiny.mv"), model);
  writeFileSync(at("mix.mv"), mix("H"));
  const child = spawn(process.execPath, [resolve("dist/cli/mvc.js"), "check", "--watch", at("tiny.mv")], {
    env: { ...process.env, NO_COLOR: "1" },
  });
  let seen = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk) => {
      seen += chunk;
    });
  }
  const rounds = () => seen.split("Ctrl-C ends it").length - 1;
  /** What the next round says, after a change. */
  const after = async (change: () => void): Promise<string> => {
    const [said, before] = [seen.length, rounds()];
    change();
    await expect.poll(rounds, { timeout: 20_000 }).toBe(before + 1);
    return seen.slice(said);
  };
  try {
    const first = await after(() => {});
    expect(first).toContain(`ok ${at("tiny.mv")}`);
    expect(first).toContain("watching 2 files");
    // As editors replace a file, which is never half there; then the file itself is gone for a moment.
    writeFileSync(at("aside/mix.mv"), mix("H + 1"));
    expect(await after(() => renameSync(at("aside/mix.mv"), at("mix.mv")))).toContain("error result-shape");
    writeFileSync(at("aside/mix.mv"), mix("H"));
    expect(await after(() => renameSync(at("aside/mix.mv"), at("mix.mv")))).toContain(`ok ${at("tiny.mv")}`);
    expect(await after(() => renameSync(at("tiny.mv"), at("aside/tiny.mv")))).toContain("error file-missing");
    expect(await after(() => renameSync(at("aside/tiny.mv"), at("tiny.mv")))).toContain(`ok ${at("tiny.mv")}`);
  } finally {
    child.kill("SIGINT");
  }
  expect(await new Promise((done) => child.on("close", done))).toBe(130);
}, 120_000);

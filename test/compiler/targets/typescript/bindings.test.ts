// The typed bindings of a package: that an application with them compiles, and that wrong names and shapes do not.

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { emitBindings } from "../../../../compiler/targets/typescript/bindings.ts";
import { compileFile } from "../../../golden/cases.ts";

const tokens = (length: number) => `{ tokens: { dtype: "i32", shape: [1, ${length}], data: new Int32Array(${length}) } }`;

/** The bodies of applications, which have a `pipeline` of the package, by what they ask of it. */
const bodies = {
  right: `const { text } = await pipeline.run("encodeText", ${tokens(16)}); const width: 96 = text.shape[2]; return width;`,
  graph: `return pipeline.run("encodetext", ${tokens(16)});`,
  shape: `return pipeline.run("encodeText", ${tokens(17)});`,
  type: `return pipeline.run("encodeText", ${tokens(16).replace("i32", "f32")});`,
};

// Within the project, so that the applications find its packages.
let folder = "";
/** The compiler's complaints, each with the lines that explain it. */
let complaints: readonly string[] = [];
beforeAll(async () => {
  folder = mkdtempSync(resolve("node_modules/.bindings-"));
  const options = { rootDir: "../..", noEmit: true };
  writeFileSync(
    join(folder, "tsconfig.json"),
    JSON.stringify({ extends: "../../tsconfig.json", compilerOptions: options, include: ["*.ts"] }),
  );
  writeFileSync(join(folder, "bindings.ts"), await emitBindings(compileFile("models/magicvideo.mv", { preset: "Mini" })));
  for (const [name, body] of Object.entries(bodies)) {
    writeFileSync(
      join(folder, `${name}.ts`),
      `import { loadPipeline } from "../../runtime/index.ts";
     import type { Graphs } from "./bindings.ts";
     export async function application() { const pipeline = await loadPipeline<Graphs>("out/mini"); ${body} }`,
    );
  }
  const { stdout } = spawnSync(process.execPath, [resolve("node_modules/typescript/bin/tsc"), "-p", folder], { encoding: "utf8" });
  complaints = stdout.split(/\n(?=\S)/);
});
afterAll(() => rmSync(folder, { recursive: true }));

const about = (name: keyof typeof bodies) => complaints.filter((complaint) => complaint.includes(`/${name}.ts(`)).join("\n");

test("the right graph, tensors and result", () => {
  expect(about("right")).toBe("");
});

test("a graph, a shape or an element type that the package has not", () => {
  expect(about("graph")).toContain("encodetext");
  expect(about("shape")).toContain("17");
  expect(about("type")).toContain("f32");
});

test("nothing else", () => {
  const wrong = ["graph", "shape", "type"] as const;
  expect(complaints.filter((complaint) => !wrong.some((name) => complaint.includes(`/${name}.ts(`)))).toEqual([]);
});

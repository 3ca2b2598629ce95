// The typed bindings of a package: that an application with them compiles, and that wrong names and shapes do not.

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { emitBindings } from "../../../../compiler/targets/typescript/bindings.ts";
import { compileFile } from "../../../golden/cases.ts";

// Within the project, so that the application finds its packages.
let folder = "";
beforeAll(() => {
  folder = mkdtempSync(resolve("node_modules/.bindings-"));
  const options = { rootDir: "../..", noEmit: true };
  writeFileSync(
    join(folder, "tsconfig.json"),
    JSON.stringify({ extends: "../../tsconfig.json", compilerOptions: options, include: ["*.ts"] }),
  );
  writeFileSync(join(folder, "bindings.ts"), await emitBindings(compileFile("models/magicvideo.mv", { preset: "Mini" })));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** The compiler's complaints about an application's body, which has a `pipeline` of the package. */
function complaints(body: string): string {
  const file = join(folder, "application.ts");
  writeFileSync(
    file,
    `import { loadPipeline } from "../../runtime/index.ts";
     import type { Graphs } from "./bindings.ts";
     export async function application() { const pipeline = await loadPipeline<Graphs>("out/mini"); ${body} }`,
  );
  try {
    execFileSync(process.execPath, [resolve("node_modules/typescript/bin/tsc"), "-p", folder], { encoding: "utf8" });
    return "";
  } catch (thrown) {
    return String((thrown as { stdout: string }).stdout);
  }
}

const tokens = (length: number) => `{ tokens: { dtype: "i32", shape: [1, ${length}], data: new Int32Array(${length}) } }`;

test("the right graph, tensors and result", () => {
  expect(
    complaints(`const { text } = await pipeline.run("encodeText", ${tokens(16)}); const width: 96 = text.shape[2]; return width;`),
  ).toBe("");
});

test("a graph, a shape or an element type that the package has not", () => {
  expect(complaints(`return pipeline.run("encodetext", ${tokens(16)});`)).toContain("encodetext");
  expect(complaints(`return pipeline.run("encodeText", ${tokens(17)});`)).toContain("17");
  expect(complaints(`return pipeline.run("encodeText", ${tokens(16).replace("i32", "f32")});`)).toContain("f32");
});

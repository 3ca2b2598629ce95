// `mvc ops` and docs/ops.md: the op table as a person reads it.

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { markdown } from "../../cli/ops-page.ts";
import { opSignatures } from "../../compiler/ops/table.ts";
import { mvc } from "./mvc.ts";

test("docs/ops.md is the table's: after a change to a row, `mvc ops --markdown > docs/ops.md`", () => {
  expect(readFileSync("docs/ops.md", "utf8")).toBe(markdown());
});

test("all ops, one of them, and none", async () => {
  const all = await mvc(["ops"]);
  expect([all.code, all.err]).toEqual([0, ""]);
  for (const { name } of opSignatures) expect(`\n${all.out}`).toContain(`\n${name}(`);
  const { code, out } = await mvc(["ops", "linear"]);
  expect(code).toBe(0);
  expect(out).toContain('linear(x, out: int, bias: bool = true, init: "default" | "zeros"');
  expect(out).toContain("weight  [out, C], starts uniform within ±1 / √C");
  expect(out).toContain("x |> linear(4 * C) as widen");
  expect((await mvc(["ops", "--markdown"])).out).toBe(markdown());
  expect(await mvc(["ops", "liner"])).toMatchObject({ code: 1, out: "", err: expect.stringContaining("such as linear, found liner") });
  expect(await mvc(["ops", "linear", "--markdown"])).toMatchObject({ code: 1, out: "", err: expect.stringContaining("given alone") });
});

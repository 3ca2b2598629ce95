// Every code of every table of messages, as a user reads it: rendered and compared with golden/diagnostics (recorded with UPDATE_GOLDENS=1).

import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { checkSizes } from "../../compiler/check-sizes.ts";
import { compile } from "../../compiler/compile.ts";
import { expandMessages } from "../../compiler/expand/messages.ts";
import { webgpuMessages } from "../../compiler/targets/webgpu/messages.ts";
import { defaultLimits } from "../../compiler/targets/webgpu/plan/limits.ts";
import { planModel } from "../../compiler/targets/webgpu/plan-model.ts";
import { checkMessages } from "../../dsl/check/messages.ts";
import { type Diagnostic, renderAll } from "../../dsl/index.ts";
import { syntaxMessages } from "../../dsl/syntax-messages.ts";
import { checkCases } from "./check-cases.ts";
import { type Case, choicesOf, filesOf } from "./diagnostic-cases.ts";
import { expandCases } from "./expand-cases.ts";
import { checkFiles } from "./sources.ts";
import { syntaxCases } from "./syntax-cases.ts";
import { trainChecks, trainSizes } from "./train-cases.ts";

const folder = "golden/diagnostics";
const cases = { ...syntaxCases, ...checkCases, ...expandCases, ...trainChecks, ...trainSizes };
/** Check finds this before expansion can: the row stands for programs that were never checked. */
const unreachable = ["unnamed-weight"];
/** A build refuses what check only warns of, as it knows no target; and looks at no stage of training. */
const saidByCheck = ["beyond-devices", "unused-layout", "unused-layouts", "unmatched-path", "unread-layouts", ...Object.keys(trainSizes)];

function diagnosticsOf(found: Case, code: string): { diagnostics: readonly Diagnostic[]; texts: ReadonlyMap<string, string> } {
  const checked = checkFiles(filesOf(found));
  if (checked.program === undefined) return checked;
  const said = (later: readonly Diagnostic[]) => ({ diagnostics: [...checked.diagnostics, ...later], texts: checked.texts });
  if (saidByCheck.includes(code)) return said(checkSizes(checked.program));
  const compiled = compile(checked.program, choicesOf(found));
  if (!compiled.ok) return said(compiled.diagnostics);
  const planned = planModel(compiled.module, defaultLimits);
  return said(planned.ok ? [] : planned.diagnostics);
}

test("every code has a case, and every case a code", () => {
  const codes = Object.keys({ ...syntaxMessages, ...checkMessages, ...expandMessages, ...webgpuMessages });
  expect(Object.keys(cases).sort()).toEqual(codes.sort());
  const empty = Object.entries(cases).filter(([, list]) => list.length === 0);
  expect(empty.map(([code]) => code)).toEqual(unreachable);
});

for (const [code, list] of Object.entries(cases)) {
  if (list.length === 0) continue;
  test(code, () => {
    const rendered = list.map((found) => {
      const { diagnostics, texts } = diagnosticsOf(found, code);
      expect(
        diagnostics.map((diagnostic) => diagnostic.code),
        JSON.stringify(found),
      ).toContain(code);
      return renderAll(diagnostics, texts);
    });
    const text = `${rendered.join("\n\n")}\n`;
    const path = `${folder}/${code}.txt`;
    if (process.env.UPDATE_GOLDENS === "1") {
      mkdirSync(folder, { recursive: true });
      writeFileSync(path, text);
    }
    expect(existsSync(path), `${path} is missing: record it with UPDATE_GOLDENS=1`).toBe(true);
    expect(text).toBe(readFileSync(path, "utf8"));
  });
}

test("no golden is left of a code that is gone", () => {
  const known = new Set(Object.keys(cases).map((code) => `${code}.txt`));
  expect(readdirSync(folder).filter((file) => !known.has(file))).toEqual([]);
});

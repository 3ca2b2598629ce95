// A seed to a program and the choices to build it with, and the promises that no such program may break.

import { readdirSync, readFileSync } from "node:fs";
import { compile, shapeErrors } from "../../compiler/compile.ts";
import { compileTraining } from "../../compiler/compile-training.ts";
import type { Choices, Setting } from "../../compiler/expand/configure.ts";
import { emitPackage } from "../../compiler/package-files.ts";
import { defaultLimits } from "../../compiler/targets/webgpu/plan/limits.ts";
import { planModel } from "../../compiler/targets/webgpu/plan-model.ts";
import { renderAll } from "../../dsl/index.ts";
import { checkCases } from "../dsl/check-cases.ts";
import { filesOf } from "../dsl/diagnostic-cases.ts";
import { expandCases } from "../dsl/expand-cases.ts";
import { meanings, mutations, tokensOf } from "../dsl/mutations.ts";
import { Random } from "../dsl/random.ts";
import { checkFiles, models } from "../dsl/sources.ts";
import { trainChecks, trainSizes } from "../dsl/train-cases.ts";
import { randomSource } from "./random-source.ts";

export interface FuzzCase {
  readonly files: ReadonlyMap<string, string>;
  readonly choices: Choices;
}

const folder = "test/compiler/cases";
const written = readdirSync(folder).map((name) => readFileSync(`${folder}/${name}`, "utf8"));
/** Long sources say what budgets are for, in their own tests. */
const snippets = [
  ...written,
  ...Object.values({ ...checkCases, ...expandCases, ...trainChecks, ...trainSizes }).flatMap((cases) =>
    cases.map((found) => [...filesOf(found).values()][0] ?? ""),
  ),
].filter((text) => text.length < 4000);

/** The whole of MagicVideo at sizes that expand in milliseconds. */
const tiny: { readonly [name: string]: Setting } = {
  F: 2, H: 2, W: 2, L: 2, D: 4, units: 1, heads: 2, groups: 2, vocabulary: 8, textLayers: 1, textHeads: 2,
  levels: [{ width: 4, attends: true }], vaeWidths: [2],
}; // biome-ignore format: a list of sizes reads best as lines

const values: readonly Setting[] = [
  0, -0, 1, -1, 2, 3, 1.5, -2.5, 1e308, 1e-320, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 53, 2 ** 53 - 1, 100_000,
  true, false, "", "full", "__proto__", [], [1], [[1]], [1, "a"], {}, { width: 1, attends: true }, [{ width: 2 ** 31, attends: false }], null as unknown as Setting,
]; // biome-ignore format: a list of values reads best as lines

const names = [
  "B",
  "F",
  "H",
  "W",
  "L",
  "D",
  "Z",
  "units",
  "heads",
  "groups",
  "levels",
  "vaeWidths",
  "steps",
  "width",
  "mode",
  "adaptor",
  "vocabulary",
  "time",
];

export function fuzzCase(seed: number): FuzzCase {
  const random = new Random(seed);
  const large = seed % 100 === 0;
  const base = large ? (models.get("magicvideo.mv") ?? "") : random.below(3) > 0 ? randomSource(random) : random.pick(snippets);
  let text = base;
  // Half of the cases are changed in meaning only, some not at all.
  for (let round = random.below(3); round > 0; round--) {
    const kinds = random.below(6) > 0 ? meanings : mutations;
    text = kinds[random.pick(Object.keys(kinds))]?.(tokensOf(text), random, tokensOf(random.pick(snippets))) ?? text;
  }
  const settings: { [name: string]: Setting } = large ? { ...tiny } : {};
  for (let count = random.below(3) === 0 ? 1 + random.below(2) : 0; count > 0; count--) settings[random.pick(names)] = random.pick(values);
  const presets = [...text.matchAll(/\bpreset (\w+) of/g)].map(([, name]) => name ?? "");
  const preset = presets.length > 0 && random.below(4) === 0 && !large ? { preset: random.pick(presets) } : {};
  const ablations = [...text.matchAll(/\bablation (\w+) of/g)].map(([, name]) => name ?? "");
  const ablated = ablations.length > 0 && random.below(3) === 0 ? { ablations: [random.pick(ablations)] } : {};
  const precision = random.below(3) === 0 ? "f16" : "f32";
  const files = new Map([
    [large ? "magicvideo.mv" : "a.mv", text],
    ...(large ? [...models].filter(([name]) => name !== "magicvideo.mv") : []),
  ]);
  return { files, choices: { ...preset, ...ablated, settings, precision } };
}

/** Found only once a graph is whole. */
const foundByBuilds = ["no-text-graph", "nothing-invariant"];

/** How far a case came. Throws where a stage throws, takes seconds, or finds what an earlier one should have found. */
export function runCase({ files, choices }: FuzzCase): "refused" | "unbuildable" | "compiled" | "planned" {
  const start = process.cpuUsage();
  const within = <T>(stage: string, outcome: T): T => {
    const { user, system } = process.cpuUsage(start);
    if (user + system > 5_000_000) throw new Error(`${stage} took ${Math.round((user + system) / 1000)} ms`);
    return outcome;
  };
  const { program, diagnostics, texts } = checkFiles(files);
  renderAll(diagnostics, texts);
  if (program === undefined) {
    if (diagnostics.length === 0) throw new Error("nothing is said of a program that is refused");
    return within("check", "refused");
  }
  const shapes = shapeErrors(program, choices);
  const compiled = compile(program, choices);
  const stages = choices.precision === "f32" && [...files.values()].some((text) => /\btrain\b/.test(text));
  const trained = stages && compiled.ok ? compileTraining(program, choices, 2) : undefined;
  const unbuilt = compiled.ok ? [] : compiled.diagnostics;
  const built = trained?.ok === false ? trained.diagnostics : unbuilt;
  for (const { message, span } of [...shapes, ...built]) {
    if (/undefined|NaN|\[object/.test(message.replace(/`[^`]*`|"[^"]*"/g, "")) && !/the float|set to/.test(message))
      throw new Error(`a sentence with a hole: ${message}`);
    if (!(span.start <= span.end && span.end <= (texts.get(span.file)?.length ?? -1))) throw new Error(`a place that is none: ${message}`);
  }
  renderAll([...shapes, ...built], texts);
  const missed = built.filter(({ code }) => shapes.length === 0 && !foundByBuilds.includes(code));
  if (missed[0] !== undefined) throw new Error(`check is silent, but a build or its training says ${missed[0].code}: ${missed[0].message}`);
  if (!compiled.ok) return within("compile", "unbuildable");
  if (shapes[0] !== undefined && trained?.ok !== false)
    throw new Error(`a build and its training succeed, but check says ${shapes[0].code}: ${shapes[0].message}`);
  const count = [...compiled.module.graphs.values()].reduce((sum, graph) => sum + graph.values.length, 0);
  if (count > 400) return within("compile", "compiled");
  const planned = planModel(compiled.module, defaultLimits);
  if (planned.ok) emitPackage(compiled.module, "fuzz", { onnx: true, plans: planned.plans });
  return within("plan", "planned");
}

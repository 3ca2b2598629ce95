// A study's folder, written by hand, to what the page offers of it; and a site of such offers, built.

import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { parseSite } from "../../../web/models.ts";
import { makeSite } from "../../../web/node/site.ts";
import { studyOffers } from "../../../web/node/study.ts";

const folder = mkdtempSync(join(tmpdir(), "mvc-study-offers-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Files = { readonly [path: string]: unknown };

/** Texts as they are, all else as JSON. */
function studyOf(name: string, files: Files): string {
  for (const [path, content] of Object.entries(files)) {
    const file = join(folder, name, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content));
  }
  return join(folder, name);
}

const identity = { model: "MagicVideo", preset: "Mini", settings: {}, data: "moving-shapes", weights: null };
const state = (more: object = {}) => ({ format: "mvc-study", identity: { ...identity, ...more }, steps: null });
const prompts = ["a red circle moves up"];

function resultOf(variant: string, seed: number, sheets: readonly (readonly [stage: string, step: number])[]) {
  return {
    ...{ format: "mvc-cell", variant, seed, prompts, frames: 8, aspect: 1, measured: [] },
    stages: [
      { name: "autoencoder", steps: 1385 },
      { name: "latents", steps: 0 },
      { name: "denoiser", steps: 20 },
    ],
    sheets: sheets.map(([stage, step]) => ({ stage, step, file: `samples/${stage}-${step}.gif` })),
  };
}

const report = {
  format: "mvc-study-report",
  variants: [
    { name: "baseline", doc: null, change: null },
    { name: "Undirected", doc: "Frames see later ones.", change: { settings: [{ name: "time", from: '"directed"', to: '"full"' }] } },
    { name: "Series", doc: null, change: { settings: [{ name: "order", from: null, to: '"series"' }] } },
  ],
};

test("each variant is offered with the weights of its first seed that has them, its change, and the sheets of its last stage that are there", () => {
  const both = [
    ["denoiser", 20],
    ["denoiser", 7],
    ["autoencoder", 3],
    ["denoiser", 11],
  ] as const;
  const study = studyOf("whole", {
    "study.json": state({ settings: { F: 8, order: "series", levels: [{ width: 8 }] } }),
    "report.json": report,
    "cells/Undirected-0/result.json": resultOf("Undirected", 0, []),
    "cells/Undirected-10/result.json": resultOf("Undirected", 10, []),
    "cells/Undirected-10/weights.safetensors": "",
    "cells/Undirected-9/result.json": resultOf("Undirected", 9, both),
    "cells/Undirected-9/checkpoint.safetensors": "",
    "cells/Undirected-9/samples/denoiser-20.gif": "",
    "cells/Undirected-9/samples/denoiser-7.gif": "",
    "cells/Undirected-9/samples/autoencoder-3.gif": "",
    "cells/baseline-1/result.json": resultOf("baseline", 1, []),
    "cells/baseline-1/weights.safetensors": "",
    "cells/baseline-1/checkpoint.safetensors": "",
    "cells/Series-0/result.json": resultOf("Series", 0, []),
    "cells/NoAdaptor-0/weights.safetensors": "not done",
  });
  const { offers, notes } = studyOffers(study);
  const set = ["--set", "F=8", "--set", "order=series", "--set", 'levels=[{"width":8}]'];
  const steps = "1,385 steps of autoencoder, 20 of denoiser.";
  const cell = join(study, "cells/Undirected-9");
  expect(offers.map(({ examples, vocabulary, ...one }) => one)).toEqual([
    {
      ...{ name: "baseline", folder: "baseline-1", choices: ["--preset", "Mini", ...set], training: null },
      weights: join(study, "cells/baseline-1/weights.safetensors"),
      note: `The study's baseline. Trained from seed 1: ${steps}`,
    },
    {
      ...{ name: "Undirected", folder: "Undirected-9", choices: ["--preset", "Mini", "--ablation", "Undirected", ...set] },
      weights: join(cell, "checkpoint.safetensors"),
      note: `Frames see later ones. The ablation Undirected: time is "full" instead of "directed". Trained from seed 9: ${steps}`,
      training: {
        ...{ prompts, frames: 8 },
        sheets: [7, 20].map((step) => ({ step, path: join(cell, `samples/denoiser-${step}.gif`) })),
      },
    },
  ]);
  expect(offers[0]?.examples).toContain("a red circle moves right");
  expect(notes).toEqual(["Series is not offered: the weights of its cells are gone"]);
});

test("of other data the prompts are the study's; what was trained upon weights says so; without a report the ablation has its name", () => {
  const study = studyOf("films", {
    "study.json": state({ preset: null, data: "films", weights: "00" }),
    "cells/Series-0/result.json": resultOf("Series", 0, []),
    "cells/Series-0/weights.safetensors": "",
  });
  expect(studyOffers(study).offers).toMatchObject([
    {
      ...{ choices: ["--ablation", "Series"], examples: prompts, vocabulary: [] },
      note: "The ablation Series. Trained from seed 0, upon weights that were there: 1,385 steps of autoencoder, 20 of denoiser.",
    },
  ]);
});

test("what no site can be made of is one sentence", () => {
  const done = { "cells/baseline-0/result.json": resultOf("baseline", 0, []) };
  const refusals: readonly (readonly [study: string, sentence: string])[] = [
    [join(folder, "none"), "the folder of a study that `mvc ablate` made, found .*none, which has no study.json"],
    [
      studyOf("other", { "study.json": state({ model: "Tiny" }), ...done }),
      "a study of MagicVideo in models/magicvideo.mv, found one of Tiny",
    ],
    [studyOf("begun", { "study.json": state() }), "a study of which something is done, found .*begun, whose cells have no result yet"],
    [studyOf("committed", { "study.json": state(), ...done }), "a study whose weights are there, found .*committed, whose cells have none"],
    [studyOf("broken", { "study.json": "{" }), "broken/study.json is not what `mvc ablate` writes"],
    [studyOf("cell", { "study.json": state(), "cells/baseline-0/result.json": "{}" }), "result.json is not what `mvc ablate` writes"],
    [
      studyOf("promptless", { "study.json": state(), "cells/baseline-0/result.json": { ...resultOf("baseline", 0, []), prompts: "none" } }),
      "result.json is not what `mvc ablate` writes",
    ],
    [studyOf("report", { "study.json": state(), ...done, "report.json": "{}" }), "report.json is not what `mvc ablate` writes"],
  ];
  for (const [study, sentence] of refusals) expect(() => studyOffers(study)).toThrow(new RegExp(sentence));
  const run = (...words: readonly string[]) => {
    const { status, stderr } = spawnSync(process.execPath, ["dist/web/node/web.js", ...words], { encoding: "utf8" });
    return `${status} ${stderr}`;
  };
  const site = join(folder, "refused");
  expect(run(site, "--study", join(folder, "none"))).toMatch(/^1 error: --study must be the folder of a study [^\n]*\n$/);
  expect(existsSync(site), "nothing is begun").toBe(false);
  expect(run(site, "--studies", "x")).toMatch(
    /^1 error: Unknown option '--studies'.*; what is understood is FOLDER and --study FOLDER and --port N\n$/,
  );
});

test("its site has its sheets, and packages that are kept while they are of the same weights", () => {
  const study = studyOf("built", {
    "study.json": state(),
    "cells/Undirected-0/result.json": resultOf("Undirected", 0, [["denoiser", 20]]),
    "cells/Undirected-0/samples/denoiser-20.gif": "the sheet",
  });
  cpSync("models/mini.safetensors", join(study, "cells/Undirected-0/weights.safetensors"));
  const site = join(folder, "site");
  mkdirSync(join(site, "training/Gone-0"), { recursive: true });
  const { offers } = studyOffers(study);
  makeSite(process.cwd(), site, offers);
  const { models } = parseSite(readFileSync(join(site, "models.json"), "utf8"));
  expect(models).toHaveLength(1);
  expect(models[0]).toMatchObject({ name: "Undirected", path: "packages/Undirected-0", directed: false, shape: { frames: 16 } });
  expect(models[0].training).toEqual({ prompts, frames: 8, sheets: [{ step: 20, path: "training/Undirected-0/denoiser-20.gif" }] });
  expect(readFileSync(join(site, "training/Undirected-0/denoiser-20.gif"), "utf8")).toBe("the sheet");
  expect(existsSync(join(site, "training/Gone-0"))).toBe(false);
  const told = ["models.json", "packages/Undirected-0.sha256"].map((file) => readFileSync(join(site, file), "utf8")).join("");
  expect(told, "where the study lies is nobody's business").not.toContain(folder);

  const manifest = join(site, "packages/Undirected-0/manifest.json");
  const { mtimeMs } = statSync(manifest);
  makeSite(process.cwd(), site, offers);
  expect(statSync(manifest).mtimeMs, "it is there").toBe(mtimeMs);
  // A cell of the same name in another study, older than the package.
  const weights = join(folder, "other.safetensors");
  writeFileSync(weights, "no weights");
  utimesSync(weights, 0, 0);
  expect(() =>
    makeSite(
      process.cwd(),
      site,
      offers.map((one) => ({ ...one, weights })),
    ),
  ).toThrow("Command failed");
});

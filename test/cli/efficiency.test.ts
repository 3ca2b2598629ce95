// The figures of docs/efficiency.md against what the commands that stand beside them print.

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { loadProgram } from "../../cli/program.ts";
import { shownCount, shownGiga, shownMebi, shownRatio } from "../../cli/report/figures.ts";
import { callOf, sideOf } from "../../cli/report/side.ts";
import type { Choices, Setting } from "../../compiler/expand/configure.ts";
import { mvc } from "./mvc.ts";

const page = readFileSync("docs/efficiency.md", "utf8");
/** Each is a command and what it prints, `…` for lines left out. */
const blocks = [...page.matchAll(/^```\n\$ mvc (.*)\n([^`]*)^```$/gm)].map(([, command = "", shown = ""]) => [command, shown] as const);
/** Rows whose second cell is what `mvc report` is given. */
const rows = [...page.matchAll(/^\|[^|`]*\| `(models\/[^`]*)` \|(.*)\|$/gm)].map(([, args = "", cells = ""]) => [args, cells] as const);

/** As a shell splits it; single quotes keep words together. */
function words(command: string): string[] {
  return [...command.matchAll(/'([^']*)'|[^\s']+/g)].map(([word, quoted]) => quoted ?? word);
}

async function printed(args: readonly string[]): Promise<string> {
  const { code, out, err } = await mvc(args);
  expect([code, err]).toEqual([0, ""]);
  return out;
}

test("the page has what is tested", () => {
  expect(blocks.length).toBe(page.match(/^\$ /gm)?.length);
  expect(rows.length).toBe(page.match(/^\|.*`models\/\w/gm)?.length);
  expect([blocks.length, rows.length].every((count) => count >= 4)).toBe(true);
});

test.each(blocks)("mvc %s prints what is shown, in its order", async (command, shown) => {
  const lines = (await printed(words(command))).split("\n");
  let from = 0;
  for (const line of shown.split("\n").filter((line) => line !== "" && line !== "…")) {
    const at = lines.indexOf(line, from);
    expect(at < 0 ? `not printed in its place: ${line}` : line).toBe(line);
    from = at + 1;
  }
});

/** A file and the options `--preset`, `--ablation` and `--set`, in this process: the commands above have come by the real way. */
function counted(args: readonly string[]): NonNullable<ReturnType<typeof callOf>> {
  const [file = "", ...options] = args;
  const given = (name: string) => options.flatMap((option, i) => (option === `--${name}` ? [options[i + 1] ?? ""] : []));
  expect(options.length).toBe(2 * ["preset", "ablation", "set"].flatMap(given).length);
  const settings = given("set").map((text) => [text.slice(0, text.indexOf("=")), JSON.parse(text.slice(text.indexOf("=") + 1)) as Setting]);
  const choices: Choices = {
    preset: given("preset")[0],
    ablations: given("ablation"),
    settings: Object.fromEntries(settings),
    precision: "f32",
  };
  const { program } = loadProgram(file);
  const found = program && sideOf(program, choices, 0);
  const cost = found?.ok ? callOf(found.side) : undefined;
  if (cost === undefined) throw new Error(`${args.join(" ")} is refused`);
  return cost;
}

const magicVideo = counted(["models/magicvideo.mv"]);

test.each(rows)("mvc report %s counts what its row says", (args, cells) => {
  const call = counted(words(args));
  const ratio = shownRatio(call.flops / magicVideo.flops);
  const figures = [shownCount(call.parameters), shownGiga(call.flops), ratio, shownMebi(call.activationBytes)];
  expect(cells.split("|").map((cell) => cell.trim())).toEqual(figures);
});

/** As the project's notes on the paper give them: millions of parameters and GFLOP of a call, in the order of the page's rows; undefined where they give none. */
const noted = [
  [859.5, 180],
  [859.5, 803],
  undefined,
  [911, 3089],
  [911, 688_572],
  undefined,
  undefined,
  [295, 1763],
  [249, 1475],
  [1145, 6850],
  [963, 5736],
  [1148, 4637],
  [965, 3895],
  [1134, 25_623],
  [1145, 156_752],
  undefined,
  [1092, 96_215],
  undefined,
] as const;

test("the rows agree with the notes on the paper", () => {
  expect(rows.length).toBe(noted.length);
  for (const [i, expected] of noted.entries()) {
    if (expected === undefined) continue;
    const [args, cells] = rows[i] ?? ["", ""];
    const [parameters = 0, gigaflops = 0] = cells.split("|").map((cell) => Number(cell.replaceAll(",", "")));
    // In whole numbers; the notes' VDM leaves out the relative positions: 0.15 % of the small model's operations, less of the others', and 0.2 % of its parameters.
    const more = args.startsWith("models/video-diffusion") ? 0.002 : 0;
    for (const [found, given] of [
      [parameters / 1e6, expected[0]],
      [gigaflops, expected[1]],
    ] as const) {
      expect(found, args).toBeGreaterThan(given - 0.51);
      expect(found, args).toBeLessThan(given * (1 + more) + 0.51);
    }
  }
});

test("counts in sentences stand in a table or under a command too", () => {
  const sourced = [...blocks, ...rows].map(([, text]) => text).join("\n");
  const sentences = page
    .replace(/^```[^`]*^```$/gm, "")
    .replace(/^\|.*$/gm, "")
    .replace(/arXiv:[\d.]+/g, "");
  const figures = new Set(sentences.match(/\d+(,\d{3})+(\.\d+)?|\d+\.\d+/g));
  // Stable Diffusion's guidance.
  figures.delete("7.5");
  expect([...figures].filter((figure) => !sourced.includes(figure))).toEqual([]);
  expect(figures.size).toBeGreaterThan(3);
});

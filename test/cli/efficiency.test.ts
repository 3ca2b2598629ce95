// The figures of docs/efficiency.md against what the commands that stand beside them print.

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { shownCount, shownGiga, shownMebi, shownRatio } from "../../cli/report/figures.ts";
import { mvc } from "./mvc.ts";

const page = readFileSync("docs/efficiency.md", "utf8");
/** Each is a command and what it prints, `…` for lines left out. */
const blocks = [...page.matchAll(/^```\n\$ npx mvc (.*)\n([^`]*)^```$/gm)].map(([, command = "", shown = ""]) => [command, shown] as const);
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

test.each(rows)("mvc report %s counts what its row says", async (args, cells) => {
  const { a, ratios } = JSON.parse(await printed(["report", ...words(args), "--against", "models/magicvideo.mv", "--json"]));
  const call = a.graphs[a.call];
  const counted = [shownCount(call.parameters), shownGiga(call.flops), shownRatio(ratios.call.flops), shownMebi(call.activationBytes)];
  expect(cells.split("|").map((cell) => cell.trim())).toEqual(counted);
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

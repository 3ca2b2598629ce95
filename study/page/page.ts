/** A study's report and its clips to one page that needs nothing else: no file beside it, no network. */

import type { Judgement } from "../judgement.ts";
import type { StudyReport, VariantReport } from "../report.ts";
import type { GraphChange, SourceLine } from "../variant.ts";
import {
  digits,
  findingsOf,
  limitsOf,
  setupOf,
  shownCount,
  shownGiga,
  shownMebi,
  shownSeeds,
  shownTime,
  titleOf,
  withHalf,
} from "../words.ts";
import { fitting, player, type ShownClips } from "./clips.ts";
import { differencePanels, sameInAll } from "./differences.ts";
import { lossPanels } from "./losses.ts";
import { colourOf, escaped } from "./markup.ts";
import { script } from "./script.ts";
import { style } from "./style.ts";

export function page(report: StudyReport, clips: ShownClips): string {
  const title = titleOf(report);
  const shown = fitting(clips);
  const left = new Set(clips.sheets.map(({ step }) => step)).size - new Set(shown.sheets.map(({ step }) => step)).size;
  const held = panels(report, "held-out");
  const sections = [
    `<h1>${escaped(title)}</h1><p class="quiet">${escaped(setupOf(report))}</p>`,
    `<h2>What is different</h2>${found(report)}`,
    section(
      "Clips from the same noise",
      player(report, shown),
      `The same prompt and the same noise for each, of the first seed.${left > 0 ? " Earlier steps are left out, to keep this page small." : ""}`,
    ),
    section(
      "Differences from the baseline",
      panels(report, "seen"),
      "Combinations seen in training. Dots are mean differences over the same prompts and seeds, bars their 95 % intervals; filled and coloured where the difference is real, corrected for all comparisons; dashed where a variant was trained from one seed.",
    ),
    held === "" ? "" : section("Held-out combinations", held, "Combinations that no training has seen."),
    section("All figures", figures(report), "± is half of a 95 % interval over seeds and clips."),
    section(
      "Loss",
      `${legend(report)}<div class="panels">${lossPanels(report)}</div>`,
      "Of training, the mean over seeds; all variants see the same clips, noises and levels at the same step.",
    ),
    section(
      "What they cost",
      costs(report),
      "A step is one of the last stage, at its batch; its time is the least of the cells, on the machine and at the load that it happened to have.",
    ),
    `<h2>What each changes</h2>${report.variants.map(change).join("\n")}`,
    `<h2>What this study cannot say</h2><ul>${limitsOf(report)
      .map((limit) => `<li>${escaped(limit)}</li>`)
      .join("")}</ul>`,
  ];
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${escaped(title)}</title><style>${style}</style></head>
<body><main>
${sections.filter((text) => text !== "").join("\n")}
</main><script>${script}</script></body></html>
`;
}

function panels(report: StudyReport, set: Judgement["set"]): string {
  const [drawn, same] = [differencePanels(report, set), sameInAll(report, set)];
  if (drawn.trim() === "") return "";
  return `<div class="panels">${drawn}</div>${same.length === 0 ? "" : `<p class="quiet">The same in all variants: ${same.map(escaped).join(", ")}.</p>`}`;
}

function section(title: string, content: string, note: string): string {
  return content === "" ? "" : `<section><h2>${title}</h2><p class="quiet">${note}</p>${content}</section>`;
}

function found(report: StudyReport): string {
  const [baseline, ...others] = report.variants;
  const list = (items: readonly string[]) => (items.length === 0 ? "" : `<ul class="findings">${items.join("")}</ul>`);
  const failed = others.flatMap(({ name, failures }) =>
    failures.map(
      ({ seed, reason }) => `<li><b>${escaped(name)}</b> <span class="worse">failed</span> from seed ${seed}: ${escaped(reason)}.</li>`,
    ),
  );
  const lines = others.flatMap((variant) => {
    const own = baseline === undefined ? [] : findingsOf(variant, baseline);
    const told = own.map(({ verdict, texts }) => {
      const more = texts.length > mostFindings ? ` and ${texts.length - mostFindings} more` : "";
      return `<span class="${verdict}">${verdict}</span> in ${escaped(texts.slice(0, mostFindings).join(", "))}${more}`;
    });
    return told.length === 0 ? [] : [`<li><b>${escaped(variant.name)}</b> is ${told.join("; ")}.</li>`];
  });
  return list(failed) + (lines.length > 0 ? list(lines) : nothingFound(report));
}

function nothingFound(report: StudyReport): string {
  const isSingle = report.variants.every(({ cells }) => cells.length <= 1);
  if (report.variants.length === 1) return "<p>Only the baseline is trained yet: there is nothing to compare.</p>";
  return isSingle
    ? "<p>Each variant was trained from one seed: no difference can be called real. Train from three (<code>--seeds 3</code>).</p>"
    : "<p>No difference can be told from chance. How large each may be say the intervals below.</p>";
}

/** Of one variant that are told first. */
const mostFindings = 5;

function legend({ variants }: StudyReport): string {
  return `<ul class="legend">${variants.map(({ name }, i) => `<li><i style="background:${colourOf(i)}"></i>${escaped(name)}</li>`).join("")}</ul>`;
}

function table(head: readonly string[], rows: readonly { readonly cells: readonly string[]; readonly isReference?: boolean }[]): string {
  const body = rows.map(
    ({ cells, isReference }) => `<tr${isReference ? ' class="reference"' : ""}>${cells.map((cell) => `<td>${cell}</td>`).join("")}</tr>`,
  );
  return `<div class="scroll"><table><thead><tr>${head.map((cell) => `<th>${cell}</th>`).join("")}</tr></thead><tbody>${body.join("\n")}</tbody></table></div>`;
}

const references = [
  { set: "real", head: "real clips" },
  { set: "shuffled", head: "chance" },
] as const;

/** A row a measure, a column a variant, a table a set; beside it what real clips and shuffled captions give. */
function figures({ variants }: StudyReport): string {
  const measures = variants[0]?.measures ?? [];
  return (["seen", "held-out"] as const)
    .map((set) => {
      const own = measures.filter((one) => one.set === set);
      if (own.length === 0) return "";
      const reference = (name: string, which: Judgement["set"], unit: Judgement["unit"]) => {
        const one = measures.find((measure) => measure.set === which && measure.measure === name);
        return one === undefined ? "" : `<small>${digits(one.own.mean, unit)}</small>`;
      };
      const beside = set === "seen" ? references.filter((one) => measures.some((measure) => measure.set === one.set)) : [];
      const rows = own.map(({ measure, unit }) => ({
        cells: [
          `${escaped(measure)}${unit === "" ? "" : ` <small>${unit}</small>`}`,
          ...variants.map((variant) => figure(variant, set, measure)),
          ...beside.map((one) => reference(measure, one.set, unit)),
        ],
      }));
      const head = [set, ...variants.map(({ name }) => escaped(name)), ...beside.map(({ head: title }) => title)];
      return table(head, rows);
    })
    .join("\n");
}

function figure({ measures, cells }: VariantReport, set: Judgement["set"], name: string): string {
  if (cells.length === 0) return "failed";
  const one = measures.find((measure) => measure.set === set && measure.measure === name);
  if (one === undefined) return "";
  const { own, unit, difference } = one;
  const verdict = difference?.verdict;
  const [value, half] = withHalf(own, unit);
  const shown =
    verdict === "better" || verdict === "worse" ? `<span class="${verdict}">${value} ${verdict === "better" ? "▲" : "▼"}</span>` : value;
  return `${shown} <small>${half}</small>`;
}

function costs({ variants }: StudyReport): string {
  const head = ["", "seeds", "parameters", "GFLOP a clip", "MiB a clip", "GFLOP a step", "MiB a step", "time a step", "training", "loss"];
  return table(
    head,
    variants.map(({ name, cells, failures, costs: own, secondsPerStep, loss }) => ({
      cells: [
        escaped(name),
        shownSeeds({ cells, failures }),
        shownCount(own.parameters),
        shownGiga(own.clipFlops),
        shownMebi(own.clipBytes),
        own.stepFlops === null ? "" : shownGiga(own.stepFlops),
        own.stepBytes === null ? "" : shownMebi(own.stepBytes),
        secondsPerStep === null ? "" : shownTime(secondsPerStep),
        cells.length === 0 ? "" : shownTime(cells.reduce((sum, { seconds }) => sum + seconds, 0) / cells.length),
        loss === null
          ? ""
          : `${Number(loss.mean.toPrecision(3))}${cells.length > 1 ? ` <small>${Number(loss.least.toPrecision(3))} to ${Number(loss.most.toPrecision(3))}</small>` : ""}`,
      ],
    })),
  );
}

const mostLines = 12;
const mostRows = 10;

function change({ name, doc, change: own, cells }: VariantReport): string {
  if (own === null) return "";
  const settings = own.settings.map(
    ({ name: setting, from, to }) => `<code>${escaped(setting)}</code>: <code>${escaped(from ?? "")}</code> → <code>${escaped(to)}</code>`,
  );
  const taken = (cells[0]?.stages ?? []).filter(({ by }) => by !== `${name}-${cells[0]?.seed}`).map(({ name: stage }) => stage);
  const read = own.readBy.slice(0, mostLines);
  const more = own.readBy.length - read.length;
  const graphs = own.graphs.map((graph) => graphChange(name, graph));
  return `<h3>${escaped(name)}</h3>${doc === null ? "" : `<p>${escaped(doc)}</p>`}
<p>${settings.join("; ")}${taken.length > 0 ? ` <span class="quiet">· trains as another variant does, and takes from it: ${taken.map(escaped).join(", ")}</span>` : ""}</p>
${source(own.declared)}
${read.length === 0 ? "" : `<details><summary>${own.readBy.length} ${own.readBy.length === 1 ? "line reads" : "lines read"} it</summary>${source(read)}${more > 0 ? `<p class="quiet">and ${more} more</p>` : ""}</details>`}
${graphs.length === 0 ? "" : `<details><summary>nodes that differ, in ${own.graphs.map(({ graph }) => escaped(graph)).join(", ")}</summary>${graphs.join("\n")}</details>`}`;
}

function graphChange(name: string, { graph, nodes, ops, told, rewired, parts }: GraphChange): string {
  const code = (text: string) => `<code>${escaped(text)}</code>`;
  const counted = ops.map(({ op, baseline, variant }) => `${code(op)} ${baseline} → ${variant}`);
  const changed = told.map(
    ({ op, attribute, from, to, count }) => `${code(attribute)} of ${count} ${code(op)}: ${code(from)} → ${code(to)}`,
  );
  const rows = parts.slice(0, mostRows).map(({ name: part, baseline, variant }) => {
    const cost = (share: typeof baseline) => (share === null ? "–" : `${shownCount(share.parameters)}, ${shownGiga(share.flops)} GFLOP`);
    return { cells: [code(part), cost(baseline), cost(variant)] };
  });
  const rest = parts.length > rows.length ? `<p class="quiet">and ${parts.length - rows.length} more parts</p>` : "";
  const other = rewired.length === 0 ? [] : [`${rewired.length} read other values, such as ${code(rewired[0] ?? "")}`];
  return `<p>${code(graph)}: ${nodes.baseline} nodes, here ${nodes.variant}${[...changed, ...counted, ...other].map((text) => `; ${text}`).join("")}</p>
${rows.length === 0 ? "" : table(["part", "baseline", escaped(name)], rows)}${rest}`;
}

function source(lines: readonly SourceLine[]): string {
  return `<pre>${lines.map(({ file, line, text }) => `<b>${escaped(file.replace(/^.*\//, ""))}:${line}</b>  ${escaped(text)}`).join("\n")}</pre>`;
}

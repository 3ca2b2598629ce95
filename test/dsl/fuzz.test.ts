// Seven thousand broken models through parse, check and format: nothing throws, nothing hangs, every complaint has a place and words of its own.

import { expect, test } from "vitest";
import { expandModel, layoutsOf } from "../../compiler/compile.ts";
import { format, parse, renderAll } from "../../dsl/index.ts";
import { syntaxMessages } from "../../dsl/syntax-messages.ts";
import { mutations, tokensOf } from "./mutations.ts";
import { Random } from "./random.ts";
import { checkFiles, modelNames, models, shapeOf } from "./sources.ts";

function attempt(text: string, name: string, seed: number, tally: Map<string, number>): void {
  const count = (what: string) => tally.set(what, (tally.get(what) ?? 0) + 1);
  const start = process.cpuUsage();
  const files = new Map([[name, text], ...[...models].filter(([other]) => other !== name)]);
  const checked = checkFiles(files);
  const broken = checked.diagnostics.some(({ code, span }) => span.file === name && Object.hasOwn(syntaxMessages, code));
  const source = broken ? undefined : (checked.program?.files.get(name)?.source ?? parse(name, text).source);
  renderAll(checked.diagnostics, checked.texts);
  for (const { span, message } of checked.diagnostics) {
    const length = checked.texts.get(span.file)?.length ?? 0;
    const placed = Number.isInteger(span.start) && span.start >= 0 && span.start <= span.end && span.end <= length;
    if (!placed || /undefined|NaN|\[object/.test(message)) throw new Error(`${message} at ${span.start}..${span.end}`);
  }
  if (source !== undefined) {
    count("parsed");
    const once = format(source);
    const again = parse(name, once);
    if (again.source === undefined) throw new Error(`the formatted text has a syntax error: ${again.diagnostics[0]?.message}`);
    // Compared as text: the matcher's walk over a tree takes longer than all the rest.
    if (JSON.stringify(shapeOf(again.source)) !== JSON.stringify(shapeOf(source))) throw new Error("formatting changes the tree");
    const texts = (comments: typeof source.comments) =>
      comments
        .map((comment) => comment.text.trimEnd())
        .sort()
        .join("\n");
    if (texts(again.source.comments) !== texts(source.comments)) throw new Error("formatting loses a comment");
    if (format(again.source) !== once) throw new Error("formatting twice gives another text");
  } else if (!broken) throw new Error("a syntax error is not said");
  if (checked.program !== undefined) {
    count("checked");
    if (name === "magicvideo.mv" && seed % 3 === 0) {
      const expanded = expandModel(checked.program, { preset: "Mini", precision: "f32" });
      count(expanded.ok ? "expanded" : "refused");
    }
    if (name === "layouts.mv" && seed % 3 === 0) {
      const { program } = checkFiles(new Map([["magicvideo.mv", models.get("magicvideo.mv") ?? ""], ...files]));
      const read = program && layoutsOf(program, { preset: "Mini", precision: "f32" });
      count(read?.ok ? "laid out" : "refused");
    }
  }
  // Time of this process alone: a busy machine is no hang.
  const { user, system } = process.cpuUsage(start);
  if (user + system > 1_000_000) throw new Error(`it took ${Math.round((user + system) / 1000)} ms`);
}

const programs = 7000;

test("mutated models never throw, hang, or come out of the formatter changed", { timeout: 120_000 }, () => {
  const tally = new Map<string, number>();
  const names = Object.keys(mutations);
  // Small files stand for large ones in most rounds: they hold the same forms and take a fraction of the time.
  const small = [...Array(24).fill("clip.mv"), ...Array(12).fill("video.mv")] as string[];
  const entries = [...small, "vae.mv", "vae.mv", "magicvideo.mv", "layouts.mv"];
  for (let seed = 0; seed < programs; seed++) {
    const random = new Random(seed);
    const name = entries[seed % entries.length] ?? "clip.mv";
    let text = models.get(name) ?? "";
    for (let round = random.below(4) === 0 ? random.below(4) : 0; round >= 0; round--)
      text = mutations[random.pick(names)]?.(tokensOf(text), random, tokensOf(models.get(random.pick(modelNames)) ?? "")) ?? text;
    try {
      attempt(text, name, seed, tally);
    } catch (thrown) {
      throw new Error(`seed ${seed} (${name}): ${thrown instanceof Error ? thrown.message : thrown}`, { cause: thrown });
    }
  }
  // The mutations are neither all harmless nor all fatal, so every stage was reached.
  expect((tally.get("parsed") ?? 0) / programs).toBeGreaterThan(0.15);
  expect((tally.get("checked") ?? 0) / programs).toBeGreaterThan(0.03);
  expect(tally.get("expanded") ?? 0).toBeGreaterThan(3);
  expect(tally.get("laid out") ?? 0).toBeGreaterThan(3);
});

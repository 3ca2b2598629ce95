/** What `--inputs`, `--random` and `--prompt` give to the tensors that one graph takes. */

import { split, stack } from "../runtime/batch.ts";
import { clipFeeds, conditionFeeds } from "../runtime/conditions.ts";
import { mvcError } from "../runtime/errors.ts";
import { graphSpec } from "../runtime/feeds.ts";
import { conditionOf } from "../runtime/graph-rows.ts";
import { type Package, readSafetensors } from "../runtime/index.ts";
import { promptReader } from "../runtime/prompt.ts";
import { type Roles, roles } from "../runtime/roles.ts";
import type { GraphRunner } from "../runtime/session.ts";
import type { Tensors } from "../runtime/tensor.ts";
import { loadTokenizer, type PromptTokenizer } from "../runtime/tokenizer.ts";
import { randomFeeds } from "./random-feeds.ts";

export interface GraphInputOptions {
  /** A file of tensors by name. */
  readonly inputs?: string;
  /** Seeds what nothing else gives. */
  readonly random?: number;
  /** A text for the graphs of a sampler that read one, encoded for those that take it so. */
  readonly prompt?: string;
}

/**
 * The file's tensors, before those of the prompt, before random ones. `runner` runs the encoder, and what is prepared, of a prompt.
 * Throws MvcError `graph-unknown`, `option-invalid`, `file-…`, `word-unknown`, `prompt-too-long` and the runner's.
 */
export async function graphInputs(
  pack: Package,
  graph: string,
  { inputs, random, prompt }: GraphInputOptions,
  runner: Pick<GraphRunner, "run">,
): Promise<Tensors> {
  const spec = graphSpec(pack.manifest, graph);
  if (spec.inputs.length > 0 && inputs === undefined && random === undefined && prompt === undefined) {
    const expected = "given, or `--random SEED`, or `--prompt TEXT`";
    throw mvcError("option-invalid", {
      option: "--inputs",
      expected,
      found: `nothing for ${spec.inputs.map(({ name }) => name).join(", ")}`,
    });
  }
  const own = inputs === undefined ? {} : await readSafetensors(inputs);
  const fill = (name: string) => (random === undefined ? {} : randomFeeds(graphSpec(pack.manifest, name), random, pack.manifest.sampler));
  const said = prompt === undefined ? {} : await promptTensors(pack, graph, prompt, fill, runner);
  return { ...fill(graph), ...said, ...own };
}

async function promptTensors(
  pack: Package,
  graph: string,
  prompt: string,
  fill: (graph: string) => Tensors,
  runner: Pick<GraphRunner, "run">,
): Promise<Tensors> {
  const { sampler } = pack.manifest;
  const texts = sampler?.conditions.filter(({ from }) => from === "text") ?? [];
  const taking = [...texts.map(({ encoder }) => encoder), sampler?.graph, sampler?.prepare, sampler?.step];
  const known = texts.length === 0 ? [] : taking.filter((name) => typeof name === "string");
  if (sampler === null || !known.includes(graph)) {
    const expected =
      known.length === 0 ? "left out: the package takes no text" : `given for a graph that reads a text: ${known.join(", ")}`;
    throw mvcError("option-invalid", { option: "--prompt", expected, found: `one for ${graph}` });
  }
  const read = promptReader(await tokenizerOf(pack));
  // The loop that has this graph: the looped one is the source's own, at the plain batch.
  const parts = textOnly(roles(pack.manifest, graph === sampler.graph ? "alone" : "guided"));
  const fed = clipFeeds(parts, { prompt }, read);
  const encoder = parts.conditions.findIndex((role) => role.encoder?.graph === graph);
  if (encoder >= 0) {
    const { input, batch } = parts.conditions[encoder]?.encoder ?? { input: undefined, batch: 1 };
    const row = fed[encoder]?.guided.tensor;
    const [piece] = row === undefined ? [] : split(row, 1);
    return input && piece ? { [input.name]: stack(Array.from({ length: batch }, () => piece)) } : {};
  }
  const conditions: [string, Tensors[string]][] = [];
  for (const feed of conditionFeeds(
    parts,
    Array.from({ length: parts.batch }, () => fed),
  )) {
    conditions.push([feed.role.name, await conditionOf(runner, feed, parts.halves)]);
  }
  const takenBy = (name: string) => {
    const inputs = graphSpec(pack.manifest, name).inputs.map((input) => input.name);
    return Object.fromEntries(conditions.filter(([condition]) => inputs.includes(condition)));
  };
  if (graph !== sampler.step || sampler.prepare === null) return takenBy(graph);
  const prepared = await runner.run(sampler.prepare, { ...fill(sampler.prepare), ...takenBy(sampler.prepare) });
  return { ...prepared, ...takenBy(graph) };
}

function textOnly(parts: Roles): Roles {
  return { ...parts, conditions: parts.conditions.filter(({ from }) => from === "text") };
}

async function tokenizerOf(pack: Package): Promise<PromptTokenizer> {
  const { tokenizer, model } = pack.manifest;
  if (tokenizer === null) throw mvcError("not-samplable", { model, reason: "the package has no tokenizer" });
  return loadTokenizer(new TextDecoder().decode(await pack.files.read(tokenizer.file)), tokenizer);
}

/** The tokenizer of a configured model to what its file must agree with: the tensors that prompts are fed to, each with where the source decides it. */

import { idTables } from "../analysis/id-bounds.ts";
import type { Graph } from "../graph/graph.ts";
import type { Prompt, Tokenizer } from "../module/module.ts";
import type { Configuration } from "./configure.ts";
import { evaluateFields, samplerOf, tokenizerOf } from "./expand.ts";
import type { Attempt } from "./failure.ts";
import type { Recipe } from "./recipe.ts";
import { inputsOf } from "./signatures.ts";
import { sourceOfArgument, sourceOfValue } from "./source-of-value.ts";

/** Graphs that did not expand are passed over. */
export function readTokenizer(
  configuration: Configuration,
  graphs: ReadonlyMap<string, Graph>,
  recipe: Recipe | undefined,
): Attempt<Tokenizer | null> {
  const declaration = tokenizerOf(configuration);
  if (declaration === undefined) return { ok: true, value: null };
  const fields = evaluateFields(configuration, declaration.fields);
  if (!fields.ok) return fields;
  const text = (name: string): string => {
    const value = fields.value.get(name);
    if (value?.kind !== "string") throw new Error(`tokenizer: no ${name}, which check should have found`);
    return value.value;
  };
  const spanOf = (name: string) => {
    const field = declaration.fields.find((one) => one.name.name === name);
    return field === undefined ? declaration.span : sourceOfValue(configuration, field.value);
  };
  const spans = { file: spanOf("file"), pad: spanOf("pad") };
  return { ok: true, value: { file: text("file"), pad: text("pad"), spans, prompts: promptsOf(configuration, graphs, recipe) } };
}

function promptsOf(configuration: Configuration, graphs: ReadonlyMap<string, Graph>, recipe: Recipe | undefined): readonly Prompt[] {
  return (recipe?.conditions ?? []).flatMap(({ name, from, encoder, unguided }): Prompt[] => {
    const graph = graphs.get(encoder ?? recipe?.graph ?? "");
    if (from !== "text" || graph === undefined) return [];
    const tensor = inputsOf(graph).find((input) => encoder !== null || input.name === name);
    if (tensor === undefined) throw new Error(`tokenizer: ${graph.name} takes no tokens, which the recipe should have found`);
    const table = idTables(graph).get(tensor.name);
    const ids = table && { rows: table.rows, span: sourceOfArgument(configuration, table.origin, { name: "vocabulary", index: 1 }) };
    const text = typeof unguided === "string" ? { text: unguided, span: unguidedSpan(configuration, name) } : undefined;
    return [{ tensor: tensor.name, length: tensor.type.shape[1] ?? 0, ids, unguided: text }];
  });
}

/** Where a condition says what the unguided half is told. */
function unguidedSpan(configuration: Configuration, condition: string) {
  const sampler = samplerOf(configuration);
  let value = sampler?.fields.find((field) => field.name.name === "conditions")?.value;
  for (const name of [condition, "unguided"]) {
    value = value?.kind === "record" ? value.fields.find((field) => field.name.name === name)?.value : undefined;
  }
  if (value === undefined) throw new Error(`tokenizer: ${condition} says nothing of the unguided half`);
  return sourceOfValue(configuration, value);
}

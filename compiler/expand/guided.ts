/** A sampled graph at the batch of two that guidance runs, a prompt's and the empty prompt's, with the weights that it has for one. */

import type { Diagnostic, GraphDeclaration } from "../../dsl/index.ts";
import type { Graph } from "../graph/graph.ts";
import type { Configuration } from "./configure.ts";
import { expandGraph, graphsOf, samplerOf, withBatch } from "./expand.ts";
import type { Attempt } from "./failure.ts";
import type { KnownCalls } from "./known-calls.ts";
import { unmixed } from "./rows.ts";
import { type WeightShapes, weightShapes } from "./weight-shapes.ts";

/** `once` is the graph as the source has it, whole. Its clips do not mix. */
export function expandGuided(configuration: Configuration, once: Graph, latent: string): Attempt<Graph> {
  const looped = graphsOf(configuration).find((graph) => graph.name.name === once.name);
  if (looped === undefined) throw new Error(`expand: no graph ${once.name} to loop, which check should have found`);
  const batched = { ...withBatch(configuration, looped, latent, (batch) => 2 * batch), weights: weightShapes(once, "none") };
  const guided = expandGraph(batched, looped);
  return guided.ok ? unmixed(batched, looped, guided.value.graph) : guided;
}

/** `known` serves this graph first. What a build would find in the looped graph, of which `graphs` may know only shapes, at the guided batch; what is wrong at one batch is said of the graph itself. */
export function guidedErrors(configuration: Configuration, graphs: ReadonlyMap<string, Graph>, known: KnownCalls): readonly Diagnostic[] {
  const sampler = samplerOf(configuration);
  const looped = graphsOf(configuration).find((graph) => graph.name.name === sampler?.graph.name);
  const once = graphs.get(looped?.name.name ?? "");
  const [latent] = sampler?.inputs ?? [];
  if (looped === undefined || once === undefined || latent === undefined) return [];
  const guided = expandAsGuided(configuration, looped, weightShapes(once, "repeated calls"), { latent: latent.name, known });
  return guided.ok ? [] : guided.diagnostics;
}

/** Weights by shapes alone, as long as both batches make the same calls. */
function expandAsGuided(
  configuration: Configuration,
  looped: GraphDeclaration,
  weights: WeightShapes,
  { latent, known }: { readonly latent: string; readonly known: KnownCalls },
): Attempt<unknown> {
  // What it reads is asked for by those that `known` serves later.
  const batched = { ...withBatch(configuration, looped, latent, (batch) => 2 * batch), weights, reads: new Set<string>() };
  const twice = expandGraph(batched, looped, known);
  if (!twice.ok) return twice;
  if ([...weightShapes(twice.value.graph, "repeated calls").shapes.keys()].every((path) => weights.shapes.has(path)))
    return unmixed(batched, looped, twice.value.graph, known);
  const whole = expandGraph(configuration, looped);
  return whole.ok ? expandGuided(configuration, whole.value.graph, latent) : { ok: true, value: undefined };
}

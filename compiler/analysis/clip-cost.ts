/** The graphs of a sampled model and its sampler's figures to what a whole clip costs: encoders, every step, decoding. */

import { bytesOf, type Graph, sizeOf, type Value, type WeightValue } from "../graph/graph.ts";
import { costOf } from "./cost.ts";

/** What a clip's cost needs to know of a sampler, as its recipe has it. */
export interface Sampling {
  /** The looped graph, and which of its inputs is the latent. */
  readonly graph: string;
  readonly latent: string;
  readonly steps: number;
  /** How often the loop runs its graph: of some methods several times a step. */
  readonly runs: number;
  readonly guidance: number;
  readonly conditions: readonly { readonly name: string; readonly encoder: string | null; readonly unguided: unknown }[];
  /** The graph that makes pictures of the latent. */
  readonly frames: string | null;
}

export interface ClipCost {
  readonly steps: number;
  readonly runs: number;
  /** Of the looped graph a run: two where guidance weighs the prompt's result against an unguided one. */
  readonly evaluations: number;
  /** Parameters and tensors of all graphs that run, each once. */
  readonly parameters: number;
  readonly tensors: number;
  readonly weightBytes: number;
  /** Of one clip, where the graphs take several at once: every evaluation of every step, each encoder once, the frames once. */
  readonly flops: number;
  readonly flopsOf: { readonly encoders: number; readonly steps: number; readonly frames: number };
  /** The most that any of the graphs has alive at once; both evaluations of a step run as one batch. */
  readonly activationBytes: number;
}

/** `guided` is the looped graph at the batch that holds both evaluations. An encoder counts once: what the unguided half takes is the same for every clip. */
export function clipCostOf(graphs: ReadonlyMap<string, Graph>, guided: Graph, sampling: Sampling): ClipCost {
  const named = (name: string): Graph => {
    const graph = graphs.get(name);
    if (graph === undefined) throw new Error(`clip cost: there is no graph ${name}, which the recipe names`);
    return graph;
  };
  const looped = named(sampling.graph);
  const clips = rowsOf(looped, sampling.latent);
  const evaluations = sampling.guidance !== 1 && sampling.conditions.some(({ unguided }) => unguided !== null) ? 2 : 1;
  const encoders = sampling.conditions.flatMap(({ name, encoder }) =>
    encoder === null ? [] : [{ graph: named(encoder), runs: runsOf(named(encoder), inputOf(looped, name)) }],
  );
  const frames = sampling.frames === null ? [] : [named(sampling.frames)].map((graph) => ({ graph, runs: clips / rowsOf(graph) }));
  const aClip = (parts: readonly { readonly graph: Graph; readonly runs: number }[]) =>
    parts.reduce((sum, { graph, runs }) => sum + (runs * costOf(graph, 0).flops) / clips, 0);
  const flopsOf = {
    encoders: aClip(encoders),
    steps: aClip([{ graph: looped, runs: sampling.runs * evaluations }]),
    frames: aClip(frames),
  };
  const others = [...encoders, ...frames].map(({ graph }) => graph);
  const weights = weightsOf([looped, ...others]);
  return {
    steps: sampling.steps,
    runs: sampling.runs,
    evaluations,
    parameters: weights.reduce((sum, { type }) => sum + sizeOf(type.shape), 0),
    tensors: weights.length,
    weightBytes: weights.reduce((sum, { type }) => sum + bytesOf(type), 0),
    flops: flopsOf.encoders + flopsOf.steps + flopsOf.frames,
    flopsOf,
    activationBytes: Math.max(...[evaluations === 2 ? guided : looped, ...others].map((graph) => costOf(graph, 0).activationBytes)),
  };
}

/** An input; the only one where none is named. */
function inputOf({ values }: Graph, name?: string): Value | undefined {
  return values.find((value) => value.kind === "input" && (name === undefined || value.name === name));
}

/** Rows along the first axis of an input. */
function rowsOf(graph: Graph, name?: string): number {
  return inputOf(graph, name)?.type.shape[0] ?? 1;
}

/** What an encoder makes is the condition's rows, or pieces of them. */
function runsOf({ values, outputs: [output] }: Graph, condition: Value | undefined): number {
  const result = values.find(({ id }) => id === output?.value);
  return sizeOf(condition?.type.shape ?? []) / sizeOf(result?.type.shape ?? []);
}

/** By path: graphs share what they both read. */
function weightsOf(graphs: readonly Graph[]): readonly WeightValue[] {
  const weights = graphs.flatMap(({ values }) => values.filter((value) => value.kind === "weight"));
  return [...new Map(weights.map((weight) => [weight.path, weight])).values()];
}

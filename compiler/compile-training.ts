/** A checked program and the build's choices to the stages that train the model: losses at the batch that is asked for, and all weights. */

import { foundIn, type Program } from "../dsl/index.ts";
import { readModel } from "./compile.ts";
import { type Choices, configure } from "./expand/configure.ts";
import { atBatch, expandGraph } from "./expand/expand.ts";
import type { Attempt } from "./expand/failure.ts";
import { readStages, type Stages } from "./expand/training/training.ts";
import type { Graph, WeightValue } from "./graph/graph.ts";
import type { Training, TrainingStage } from "./module/training.ts";
import { passes, runPasses } from "./passes/passes.ts";
import { type Trace, untraced } from "./rewriting/trace.ts";
import { verify } from "./rewriting/verify.ts";

/** `trace` hears of every stage of the losses and encoders. `batch` is taken in the place of what each stage says: that of one worker, where several share a step. Training is in f32, whatever the build's precision. */
export function compileTraining(program: Program, choices: Choices, batch?: number, trace: Trace = untraced): Attempt<Training> {
  const trained = trainingOf(program, { ...choices, precision: "f32" }, { batch, trace });
  return trained.ok ? trained : { ok: false, diagnostics: foundIn(trained.diagnostics, choices) };
}

interface Asked {
  readonly batch: number | undefined;
  readonly trace: Trace;
}

function trainingOf(program: Program, choices: Choices, { batch, trace }: Asked): Attempt<Training> {
  const configured = configure(program, choices);
  if (!configured.ok) return configured;
  const read = readModel(configured.value);
  if (!read.ok) return read;
  const { configuration, graphs, recipe, tokenizer } = read.value;
  const stages = readStages(read.value, {
    loss: (loss, own) =>
      expandGraph(
        atBatch(configuration, loss, () => batch ?? own),
        loss,
      ),
    whole: (graph) => expandGraph(configuration, graph),
  });
  if (!stages.ok) return stages;
  const losses = stages.value.stages.flatMap((stage) => (stage.kind === "loss" ? [stage.loss] : []));
  return {
    ok: true,
    value: {
      ...prepared(stages.value, graphs, trace),
      weights: weightsIn([...graphs.values(), ...losses]),
      sampler: recipe ?? null,
      tokenizer,
    },
  };
}

function prepared(
  { stages, clip, encoders, left }: Stages,
  graphs: ReadonlyMap<string, Graph>,
  trace: Trace,
): Pick<Training, "stages" | "left" | "clip" | "encoders"> {
  const ready = (graph: Graph) => {
    trace({ stage: "expand", graph: graph.name, made: graph });
    return runPasses(verify(graph, "expand"), passes, trace);
  };
  const made = new Map<Graph, Graph>();
  return {
    clip,
    left,
    stages: stages.map((stage): TrainingStage => {
      if (stage.kind !== "loss") return stage;
      const loss = made.get(stage.loss) ?? ready(stage.loss);
      made.set(stage.loss, loss);
      return { ...stage, loss };
    }),
    encoders: new Map(encoders.flatMap((name) => (graphs.has(name) ? [[name, ready(graphs.get(name) as Graph)]] : []))),
  };
}

function weightsIn(graphs: readonly Graph[]): ReadonlyMap<string, WeightValue> {
  const weights = new Map<string, WeightValue>();
  for (const { values } of graphs)
    for (const value of values) if (value.kind === "weight" && !weights.has(value.path)) weights.set(value.path, value);
  return weights;
}

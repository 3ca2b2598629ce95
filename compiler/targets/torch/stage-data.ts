/** What a source declares of its training to the plain values of Python that a trainer goes by. */

import type { CodeLoss } from "../../module/code.ts";
import type { MeasureStage, TrainingSource } from "../../module/training.ts";
import type { CodeStage, TrainingCode } from "../../module/training-code.ts";
import { broken } from "./broken.ts";
import { pythonValue } from "./python.ts";
import { methodName } from "./write-model.ts";

/** Names of the constants. */
export const dataNames = ["SAMPLER", "CLIP", "STAGES"];

/** Each constant its lines; `classOf` is the class of the loss of that name. */
export function stageData({ stages, losses, clip, sampler }: TrainingCode, classOf: (loss: string) => string): (readonly string[])[] {
  const bySampler =
    sampler === null
      ? "None"
      : dict({
          schedule: text(sampler.schedule),
          betas: pythonValue(sampler.betas, true),
          train_steps: pythonValue(sampler.trainSteps),
          zero_snr: pythonValue(sampler.zeroSnr),
          timestep_type: text(sampler.timestepType),
        });
  const size = clip === null ? "None" : dict({ frames: `${clip.frames}`, height: `${clip.height}`, width: `${clip.width}` });
  const losing = new Map(losses.map((loss) => [loss.name, loss]));
  return [
    ["# What noise levels go by.", ...broken(`SAMPLER = ${bySampler}`)],
    ["# The size of clips in pixels.", ...broken(`CLIP = ${size}`)],
    [
      "# One after another. Of the entries of `weights` that name one, the last has",
      "# the say: `*` is one level of its path, `**` any number; a rate is times the",
      "# stage's. What none names is frozen. Shapes are those of one example.",
      "STAGES = [",
      ...stages.flatMap((stage) => broken(`    ${stageText(stage, losing, classOf)},`)),
      "]",
    ],
  ];
}

function stageText({ stage, entries }: CodeStage, losses: ReadonlyMap<string, CodeLoss>, classOf: (loss: string) => string): string {
  if (stage.kind === "measure") return measureText(stage);
  const number = (value: number) => pythonValue(value, true);
  const loss = losses.get(stage.loss.name);
  const inputs = stage.inputs.map(({ name, source }) => {
    const [, ...shape] = loss?.inputs.find((input) => input.name === name)?.shape ?? [];
    return [name, dict({ source: text(source.from), ...sourceFields(source), shape: tuple(shape.map(String)) })] as const;
  });
  const weights = entries.map(({ path, rate, weightDecay }) =>
    dict({ path: text(path), rate: number(rate), weight_decay: number(weightDecay) }),
  );
  return dict({
    name: text(stage.name),
    kind: text("loss"),
    loss: classOf(stage.loss.name),
    inputs: dict(Object.fromEntries(inputs)),
    weights: `[${weights.join(", ")}]`,
    levels: dict({ density: text(stage.levels.density), power: number(stage.levels.power) }),
    stills: number(stage.stills),
    learning_rate: number(stage.learningRate),
    betas: tuple(stage.betas.map(number)),
    eps: number(stage.eps),
    clip_norm: orNone(stage.clipNorm),
    ema: orNone(stage.ema),
    warmup: `${stage.warmup}`,
    decay: text(stage.decay),
    final_rate: number(stage.finalRate),
    batch: `${stage.batch}`,
    steps: `${stage.steps}`,
  });
}

type Sources = { readonly [S in TrainingSource["from"]]: (source: Extract<TrainingSource, { readonly from: S }>) => Fields };

const noFields = (): Fields => ({});
const ofClip = ({ encoder }: { readonly encoder: string | null }): Fields =>
  encoder === null ? {} : { encoder: text(methodName(encoder)) };

/** What each source says beside its word; one that lacks a row does not compile. */
const sources: Sources = {
  clip: ofClip,
  image: ofClip,
  text: ({ dropped, unguided }) => ({ dropped: pythonValue(dropped, true), unguided: text(unguided) }),
  label: ({ of, classes }) => ({ of: text(of), classes: `${classes}` }),
  noise: noFields,
  time: noFields,
  signal: noFields,
  sigma: noFields,
};

function sourceFields(source: TrainingSource): Fields {
  return (sources[source.from] as (source: TrainingSource) => Fields)(source);
}

function measureText({ name, graph, input, axis, channels, writer, readers }: MeasureStage): string {
  const layer = ({ weight, bias, scale }: MeasureStage["writer"]) =>
    dict({ weight: text(weight), bias: text(bias), scale: pythonValue(scale, true) });
  return dict({
    name: text(name),
    kind: text("measure"),
    graph: text(methodName(graph)),
    input: text(input),
    axis: `${axis}`,
    channels: `${channels}`,
    writer: layer(writer),
    readers: `[${readers.map(layer).join(", ")}]`,
  });
}

interface Fields {
  readonly [name: string]: string;
}

function dict(fields: Fields): string {
  return `{${Object.entries(fields)
    .map(([name, value]) => `${text(name)}: ${value}`)
    .join(", ")}}`;
}

function tuple(items: readonly string[]): string {
  return `(${items.join(", ")}${items.length === 1 ? "," : ""})`;
}

function text(value: string): string {
  return pythonValue(value);
}

function orNone(value: number | null): string {
  return value === null ? "None" : pythonValue(value, true);
}

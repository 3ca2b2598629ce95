/** A stage's inputs and a data set to the tensors of any step, of every part of its batch. */

import type { InputValue } from "../compiler/graph/graph.ts";
import type { LossStage, TrainingInput, TrainingSource } from "../compiler/module/training.ts";
import type { SamplerFigures } from "../compiler/package/sampler-figures.ts";
import type { Level } from "../runtime/sampler/level.ts";
import { elements, f32, i32, type TensorData } from "../runtime/tensor.ts";
import { type Draws, drawsOf, pick } from "./draws.ts";
import type { Feeds } from "./engine.ts";
import { levelDrawer } from "./noise-levels.ts";

/** What a clip is to one encoder, or to none: all its frames one after the other. */
export interface ClipValues {
  /** Values of a frame, row-major. */
  readonly frameLength: number;
  of(clip: number): Promise<Float32Array>;
}

/** Where batches are drawn from. */
export interface BatchSources {
  readonly clips: number;
  /** By the encoder's name, or the pixels themselves. */
  values(encoder: string | null): ClipValues;
  caption(clip: number): Promise<string>;
  /** The clip's class, by the label's name. */
  label(clip: number, of: string): Promise<number>;
  /** A text as so many tokens of the model's tokenizer. */
  tokens(text: string, count: number): Int32Array;
  /** Of the sampler by which the stage's noise levels are drawn; undefined where the model has none. */
  readonly sampler: SamplerFigures | undefined;
}

/** What all inputs of one example share. */
interface Example {
  readonly draws: Draws;
  /** Its own clip first; an input of many pictures takes one of each. */
  clip(at: number): number;
  readonly level: () => Level;
  /** Which frame the clip is, F times, as a number in [0, 1); undefined of a clip that moves. */
  readonly still: number | undefined;
}

/** The batch of a step, in as many parts as the loss's graph at its batch asks for: the same examples whatever their number. */
export function batchesOf(
  stage: LossStage,
  sources: BatchSources,
  seed: number,
  parts: number,
): (step: number) => Promise<readonly Feeds[]> {
  const types = new Map(stage.loss.values.flatMap((value) => (value.kind === "input" ? [[value.name, value] as const] : [])));
  const fed = stage.inputs.flatMap((input) => {
    const value = types.get(input.name);
    // What the loss does not read was taken out with what made nothing of it.
    return value === undefined ? [] : [{ input, value }];
  });
  const drawLevel = sources.sampler && levelDrawer(sources.sampler, stage.levels);
  return async (step) =>
    Promise.all(
      Array.from({ length: parts }, async (_, part): Promise<Feeds> => {
        const feeds = new Map<string, TensorData>();
        for (const { input, value } of fed) feeds.set(input.name, empty(value));
        const count = firstAxis(fed[0]?.value);
        for (let row = 0; row < count; row++) {
          const example = exampleOf(drawsOf(seed, stage.name, step, part * count + row), stage, sources.clips, drawLevel);
          for (const { input, value } of fed) await fill(feeds.get(input.name) as TensorData, value, row, input, example, sources);
        }
        return feeds;
      }),
    );
}

function exampleOf(
  draws: Draws,
  { stills }: Pick<LossStage, "stills">,
  clips: number,
  drawLevel: ((draws: Draws) => Level) | undefined,
): Example {
  let level: Level | undefined;
  const [isStill = 1, frame] = draws.uniform("still", 2);
  return {
    draws,
    still: isStill < stills ? frame : undefined,
    clip: (at) => pick(draws.uniform("clip", at + 1)[at] ?? 0, clips),
    level: () => {
      if (drawLevel === undefined) throw new Error("training: a noise level of a model without a sampler");
      level ??= drawLevel(draws);
      return level;
    },
  };
}

const firstAxis = (value: InputValue | undefined): number => value?.type.shape[0] ?? 1;

function empty({ type: { dtype, shape } }: InputValue): TensorData {
  return dtype === "i32" ? i32(shape, new Int32Array(elements(shape))) : f32(shape, new Float32Array(elements(shape)));
}

type Fill<S extends TrainingSource["from"]> = (
  row: Row,
  source: Extract<TrainingSource, { readonly from: S }>,
  example: Example,
  sources: BatchSources,
) => void | Promise<void>;

/** The elements of one example in an input of the batch. */
interface Row {
  readonly input: string;
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array;
}

/** Every source of the language; one that lacks a row does not compile. */
const fills: { readonly [S in TrainingSource["from"]]: Fill<S> } = {
  clip: async ({ data }, { encoder }, { clip, still }, { values }) => {
    const source = values(encoder);
    const { frameLength } = source;
    const all = await source.of(clip(0));
    if (still === undefined) return data.set(all);
    const from = pick(still, all.length / frameLength) * frameLength;
    for (let to = 0; to < data.length; to += frameLength) data.set(all.subarray(from, from + frameLength), to);
  },
  image: async ({ data, shape }, { encoder }, example, { values }) => {
    const source = values(encoder);
    // [3, H, W], or [F, 3, H, W] of F clips.
    const count = shape.length > 3 ? (shape[0] ?? 1) : 1;
    const frames = example.draws.uniform("frame", count);
    for (let i = 0; i < count; i++) {
      const all = await source.of(example.clip(i));
      const from = pick(frames[i] ?? 0, all.length / source.frameLength) * source.frameLength;
      data.set(all.subarray(from, from + source.frameLength), i * source.frameLength);
    }
  },
  text: async ({ data }, { dropped, unguided }, { draws, clip }, sources) => {
    const isDropped = (draws.uniform("dropped", 1)[0] ?? 0) < dropped;
    data.set(sources.tokens(isDropped ? unguided : await sources.caption(clip(0)), data.length));
  },
  label: async ({ data }, { of }, { clip }, { label }) => void data.fill(await label(clip(0), of)),
  noise: ({ input, data }, _, { draws }) => data.set(draws.normal(`noise ${input}`, data.length)),
  time: ({ data }, _, { level }) => void data.fill(level().time),
  signal: ({ data }, _, { level }) => void data.fill(level().signal),
  sigma: ({ data }, _, { level }) => void data.fill(level().noise),
};

async function fill(
  { data }: TensorData,
  value: InputValue,
  at: number,
  { name, source }: TrainingInput,
  example: Example,
  sources: BatchSources,
): Promise<void> {
  const [, ...shape] = value.type.shape;
  const length = elements(shape);
  const row: Row = { input: name, shape, data: (data as Float32Array | Int32Array).subarray(at * length, (at + 1) * length) };
  await (fills[source.from] as Fill<TrainingSource["from"]>)(row, source, example, sources);
}

/** A gradient and an optimizer's figures to the next weights, on flat vectors of all trained weights one after the other. */

import type { OptimizerFigures, TrainedWeight } from "../compiler/module/training.ts";
import type { StepFigures, TrainingState, WeightState } from "./engine.ts";

/** What AdamW itself needs of an optimizer's figures. */
export type AdamwFigures = Pick<OptimizerFigures, "betas" | "eps" | "ema">;

/** Where a weight lies in the flat vectors. */
export interface Segment extends TrainedWeight {
  readonly start: number;
  readonly end: number;
}

/** All trained weights and what AdamW keeps of them; `average` only where the stage has one. */
export interface FlatState {
  readonly segments: readonly Segment[];
  readonly value: Float32Array;
  readonly first: Float32Array;
  readonly second: Float32Array;
  readonly average: Float32Array | undefined;
}

const vectors = ["value", "first", "second", "average"] as const;

/** The segments cut into lists of as many elements each, one for each of so many threads: AdamW takes every element by itself. */
export function sharesOf(segments: readonly Segment[], count: number): readonly (readonly Segment[])[] {
  const length = segments.at(-1)?.end ?? 0;
  return Array.from({ length: count }, (_, share) => {
    const [from, to] = [share, share + 1].map((cut) => Math.round((length * cut) / count)) as [number, number];
    return segments.flatMap((segment) => {
      const [start, end] = [Math.max(segment.start, from), Math.min(segment.end, to)];
      return start < end ? [{ ...segment, start, end }] : [];
    });
  });
}

/** Copies the weights' state one after the other; `allocate` makes each vector. */
export function flatten(
  trained: readonly TrainedWeight[],
  state: TrainingState,
  allocate: (length: number) => Float32Array = (length) => new Float32Array(length),
): FlatState {
  let end = 0;
  const states = trained.map(({ path }) => stateOf(state, path));
  const segments = trained.map((weight, i): Segment => {
    const start = end;
    end += states[i]?.value.length ?? 0;
    return { ...weight, start, end };
  });
  const averaged = states[0]?.average !== undefined;
  const flat = {
    segments,
    value: allocate(end),
    first: allocate(end),
    second: allocate(end),
    average: averaged ? allocate(end) : undefined,
  };
  for (const [i, { start }] of segments.entries())
    for (const name of vectors) {
      const part = states[i]?.[name];
      if (part !== undefined) flat[name]?.set(part, start);
    }
  return flat;
}

function stateOf(state: TrainingState, path: string): WeightState {
  const found = state.get(path);
  if (found === undefined) throw new Error(`training: there is no state of ${path}`);
  return found;
}

/** Views of the flat vectors, by path. */
export function unflatten({ segments, value, first, second, average }: FlatState): TrainingState {
  const view = (vector: Float32Array, { start, end }: Segment) => vector.subarray(start, end);
  return new Map(
    segments.map((segment) => [
      segment.path,
      {
        value: view(value, segment),
        first: view(first, segment),
        second: view(second, segment),
        ...(average === undefined ? {} : { average: view(average, segment) }),
      },
    ]),
  );
}

/** What a stage starts from: no gradient has been seen, and the average is the weight itself. */
export function freshState(value: Float32Array, ema: number | null): WeightState {
  const zeros = () => new Float32Array(value.length);
  return { value, first: zeros(), second: zeros(), ...(ema === null ? {} : { average: value.slice() }) };
}

/**
 * The gradient of a whole batch, the mean of those of its equal parts, into the first of them. Returns its L2 norm; sums are f64, in the
 * order of the parts.
 */
export function meanGradient(parts: readonly Float32Array[]): number {
  const [total, ...others] = parts;
  if (total === undefined) throw new Error("training: a step without a batch");
  const share = 1 / parts.length;
  let squares = 0;
  const [second, third, fourth] = others;
  // The usual cases, in loops that engines compile well: an inner loop over four parts takes three times as long.
  if (parts.length === 2 && second !== undefined) {
    for (let i = 0; i < total.length; i++) {
      const mean = ((total[i] as number) + (second[i] as number)) * share;
      total[i] = mean;
      squares += mean * mean;
    }
    return Math.sqrt(squares);
  }
  if (parts.length === 4 && second !== undefined && third !== undefined && fourth !== undefined) {
    for (let i = 0; i < total.length; i++) {
      const mean = ((total[i] as number) + (second[i] as number) + (third[i] as number) + (fourth[i] as number)) * share;
      total[i] = mean;
      squares += mean * mean;
    }
    return Math.sqrt(squares);
  }
  for (let i = 0; i < total.length; i++) {
    let sum = total[i] as number;
    for (const other of others) sum += other[i] as number;
    const mean = sum * share;
    total[i] = mean;
    squares += mean * mean;
  }
  return Math.sqrt(squares);
}

/** What the gradient is multiplied by, as `torch.nn.utils.clip_grad_norm_` has it. */
export function clipFactor(norm: number, clipNorm: number | null): number {
  return clipNorm === null ? 1 : Math.min(1, clipNorm / (norm + 1e-6));
}

/** How much of the average stays at a step: the average of few steps forgets the weights that training started from (TensorFlow's `ExponentialMovingAverage` with `num_updates`). */
export function averageKept(step: number, ema: number): number {
  return Math.min(ema, (1 + step) / (10 + step));
}

/**
 * AdamW (Loshchilov and Hutter, 2019) as PyTorch has it: the decay is decoupled and multiplied by the rate, averages are corrected for
 * their start from zero, and `eps` is added to the corrected root. Then the weights' average.
 * @param gradient multiplied by `factor` first.
 */
export function adamwStep(
  state: FlatState,
  gradient: Float32Array,
  factor: number,
  { step, learningRate }: StepFigures,
  { betas: [beta1, beta2], eps, ema }: AdamwFigures,
): void {
  const { segments, value, first, second, average } = state;
  // A product a weight in place of a quotient.
  const correction = 1 / Math.sqrt(1 - beta2 ** step);
  const fresh = ema === null ? 0 : 1 - averageKept(step, ema);
  for (const { start, end, rate: ownRate, weightDecay } of segments) {
    const rate = learningRate * ownRate;
    const stays = 1 - rate * weightDecay;
    const stepSize = rate / (1 - beta1 ** step);
    for (let i = start; i < end; i++) {
      const g = (gradient[i] as number) * factor;
      const m = (first[i] as number) + (g - (first[i] as number)) * (1 - beta1);
      const v = (second[i] as number) * beta2 + g * g * (1 - beta2);
      const next = (value[i] as number) * stays - (stepSize * m) / (Math.sqrt(v) * correction + eps);
      first[i] = m;
      second[i] = v;
      value[i] = next;
    }
    if (average === undefined) continue;
    for (let i = start; i < end; i++) {
      const known = average[i] as number;
      average[i] = known + ((value[i] as number) - known) * fresh;
    }
  }
}

/** Gradients of a step's parts to the next weights, all on the device; what is read back is a loss each and the gradients' norm. */

import type { OptimizerFigures } from "../../compiler/module/training.ts";
import { mvcError, reasonOf } from "../../runtime/errors.ts";
import { type Device, usage } from "../../runtime/webgpu/device.ts";
import { type Encode, encodeAll, type Pipelines } from "../../runtime/webgpu/pipelines.ts";
import { gridOf } from "../../runtime/webgpu/update-kernels.ts";
import { averageKept } from "../adamw.ts";
import type { StepFigures } from "../engine.ts";
import type { Banks, Place, Stretch } from "./banks.ts";
import { adamwBytes, adamwKernel, addKernel, decideKernel, mostSquares, squaresKernel, squaresThreads } from "./kernels.ts";

/** By bank. */
export interface Vectors {
  readonly value: readonly GPUBuffer[];
  readonly first: readonly GPUBuffer[];
  readonly second: readonly GPUBuffer[];
  /** Undefined where the stage keeps none. */
  readonly average: readonly GPUBuffer[] | undefined;
  readonly gradient: readonly GPUBuffer[];
}

export interface OptimizerParts {
  readonly banks: Banks;
  readonly vectors: Vectors;
  readonly optimizer: OptimizerFigures;
  readonly parts: number;
  /** How many losses a part reports. */
  readonly losses: number;
}

export interface Optimizer {
  /** What the graph has made of a part of the batch, the parts in their order. */
  take(part: number, losses: readonly GPUBuffer[], gradients: readonly { readonly place: Place; readonly from: GPUBuffer }[]): void;
  /** The step, once all parts are taken. */
  advance(figures: StepFigures): void;
  /** Waits for the step. The losses' means over the parts. */
  report(): Promise<{ readonly losses: readonly number[]; readonly gradientNorm: number }>;
}

const floatBytes = Float32Array.BYTES_PER_ELEMENT;
const uniformStride = 256;
const mapRead = 1;
/** Words of a decision: the norm, the factor of clipping, whether all is finite. */
const decisionBytes = 16;

export async function createOptimizer(device: Device, pipelines: Pipelines, whole: OptimizerParts): Promise<Optimizer> {
  const { banks, vectors, optimizer, parts, losses } = whole;
  const { lengths, stretches } = banks;
  const { queue } = device.gpu;
  const copied = usage.STORAGE | usage.COPY_DST | usage.COPY_SRC;
  const uniform = async (what: string, words: readonly (readonly [whole: readonly number[], floats: readonly number[]])[]) => {
    const buffer = await device.buffer(what, words.length * uniformStride, usage.UNIFORM | usage.COPY_DST);
    for (const [i, [first, rest]] of words.entries()) {
      queue.writeBuffer(buffer, i * uniformStride, Uint32Array.from(first));
      queue.writeBuffer(buffer, i * uniformStride + first.length * floatBytes, Float32Array.from(rest));
    }
    return (i: number) => ({ buffer, offset: i * uniformStride, size: 64 });
  };
  const groups = lengths.map((length) => Math.min(mostSquares, Math.ceil(length / squaresThreads)));
  const firsts = groups.map((_, bank) => groups.slice(0, bank).reduce((sum, count) => sum + count, 0));
  const partials = groups.reduce((sum, count) => sum + count, 0);
  const partial = await device.buffer("sums of squares", partials * floatBytes, usage.STORAGE);
  const lossBytes = parts * losses * floatBytes;
  const lossValues = await device.buffer("losses", lossBytes, copied);
  const decision = await device.buffer("decision", decisionBytes, copied);
  const host = await device.buffer("report", decisionBytes + lossBytes, usage.COPY_DST | usage.MAP_READ);

  const add = parts === 1 ? undefined : await adding();
  const ofSquares = await uniform(
    "figures of squares",
    lengths.map((length, bank) => [[length, groups[bank] ?? 0, firsts[bank] ?? 0], []]),
  );
  const ofDecision = await uniform("figures of a decision", [[[partials, parts * losses, losses], [optimizer.clipNorm ?? 0]]]);
  const ofAdamw = await device.buffer("figures of AdamW", stretches.length * uniformStride, usage.UNIFORM | usage.COPY_DST);
  const squares = await pipelines.get("squares", squaresKernel);
  const decide = await pipelines.get("decide", decideKernel);
  const adamw = await pipelines.get("adamw", adamwKernel(vectors.average !== undefined));
  const works: readonly Encode[] = [
    ...lengths.map((_, bank) => pipelines.work(squares, [ofSquares(bank), gradientOf(bank), partial], [groups[bank] ?? 1, 1])),
    pipelines.work(decide, [ofDecision(0), partial, lossValues, decision], [1, 1]),
    ...stretches.map(({ bank, start, end }, i) => {
      const own = [vectors.gradient, vectors.value, vectors.first, vectors.second, ...(vectors.average ? [vectors.average] : [])];
      const figures = { buffer: ofAdamw, offset: i * uniformStride, size: adamwBytes };
      return pipelines.work(adamw, [figures, decision, ...own.map((one) => one[bank] as GPUBuffer)], gridOf(end - start));
    }),
  ];

  function gradientOf(bank: number): GPUBuffer {
    return vectors.gradient[bank] as GPUBuffer;
  }

  /** Where a step has several parts: one's own gradient, and how it joins the sum; with the last one the sum becomes the mean. */
  async function adding() {
    const own = await Promise.all(lengths.map((length) => device.buffer("gradients of a part", length * floatBytes, copied)));
    const pipeline = await pipelines.get("add", addKernel);
    const shares = lengths.flatMap((length): (readonly [readonly number[], readonly number[]])[] => [
      [[length], [1]],
      [[length], [1 / parts]],
    ]);
    const figures = await uniform("figures of a sum", shares);
    const joined = (isLast: boolean) =>
      lengths.map((length, bank) =>
        pipelines.work(pipeline, [figures(2 * bank + Number(isLast)), own[bank] as GPUBuffer, gradientOf(bank)], gridOf(length)),
      );
    return { own, works: { between: joined(false), last: joined(true) } };
  }

  return {
    take: (part, made, gradients) => {
      const into = part === 0 || add === undefined ? vectors.gradient : add.own;
      const encoder = device.gpu.createCommandEncoder();
      for (const [i, loss] of made.entries()) encoder.copyBufferToBuffer(loss, 0, lossValues, (part * losses + i) * floatBytes, floatBytes);
      for (const { place, from } of gradients) {
        const { bank, start, length } = place;
        encoder.copyBufferToBuffer(from, 0, into[bank] as GPUBuffer, start * floatBytes, length * floatBytes);
      }
      queue.submit([encoder.finish()]);
      if (part === 0 || add === undefined) return;
      const joining = part === parts - 1 ? add.works.last : add.works.between;
      pipelines.submit((pass) => encodeAll(joining, pass));
    },
    advance: (figures) => {
      for (const [i, stretch] of stretches.entries()) {
        const { whole: counts, floats } = figuresOf(stretch, figures, optimizer);
        queue.writeBuffer(ofAdamw, i * uniformStride, counts);
        queue.writeBuffer(ofAdamw, i * uniformStride + counts.byteLength, floats);
      }
      pipelines.submit((pass) => encodeAll(works, pass));
      pipelines.copy(decision, host, 0, 0, decisionBytes);
      pipelines.copy(lossValues, host, 0, decisionBytes, lossBytes);
    },
    report: async () => {
      await host.mapAsync(mapRead).catch((error: unknown) => {
        device.check();
        throw mvcError("device-lost", { reason: reasonOf(error) });
      });
      const [gradientNorm = Number.NaN, , , , ...values] = new Float32Array(host.getMappedRange().slice(0));
      host.unmap();
      const mean = (i: number) =>
        Array.from({ length: parts }, (_, part) => values[part * losses + i] ?? Number.NaN).reduce((a, b) => a + b) / parts;
      return { losses: Array.from({ length: losses }, (_, i) => mean(i)), gradientNorm };
    },
  };
}

/** What the device is told of a step, worked out in f64. */
function figuresOf(
  { start, end, rate: ownRate, weightDecay }: Stretch,
  { step, learningRate }: StepFigures,
  { betas: [beta1, beta2], eps, ema }: OptimizerFigures,
): { readonly whole: Uint32Array<ArrayBuffer>; readonly floats: Float32Array<ArrayBuffer> } {
  const rate = learningRate * ownRate;
  const fresh = ema === null ? 0 : 1 - averageKept(step, ema);
  const root = Math.sqrt(1 - beta2 ** step);
  const floats = [rate / (1 - beta1 ** step), rate * weightDecay, root, eps, 1 - beta1, beta2, 1 - beta2, fresh];
  return { whole: Uint32Array.of(start, end - start), floats: Float32Array.from(floats) };
}

/** A stage's graph to steps on ONNX Runtime's CPU provider: gradients in workers of one thread each, and between them AdamW, of which each worker has its share. */

import { availableParallelism } from "node:os";
import type { Graph } from "../../compiler/graph/graph.ts";
import { lossPasses, runPasses, trainingPasses } from "../../compiler/passes/passes.ts";
import { emitOnnx } from "../../compiler/targets/onnx/emit.ts";
import { mvcError } from "../../runtime/errors.ts";
import { startWorkers } from "../../runtime/node/worker.ts";
import { clipFactor, flatten, meanGradient, sharesOf, unflatten } from "../adamw.ts";
import type { Engine, EngineJob, Feeds, StepResult } from "../engine.ts";
import { withGradients } from "../gradients.ts";
import { blockOfKernels } from "./blocked-kernels.ts";
import type { Placed, WorkerData, WorkerReply, WorkerRequest } from "./onnx-worker-messages.ts";

/** What is kept of a clip's way forward is most of a step's memory; a part of two takes 3 to 5 % longer a clip than one of four, and half of it. */
const mostClips = 2;

/** Batches a step that cores are best used by: a multiple of the cores, each of which is a thread of its own, where the batch divides so; of few clips each. */
export function partsOf(batch: number, cores = availableParallelism()): number {
  const divisors = Array.from({ length: batch }, (_, i) => i + 1).filter((parts) => batch % parts === 0);
  const atOnce = divisors.findLast((parts) => parts <= cores) ?? 1;
  return divisors.find((parts) => parts % atOnce === 0 && batch / parts <= mostClips) ?? batch;
}

const shared = (length: number) => new Float32Array(new SharedArrayBuffer(length * Float32Array.BYTES_PER_ELEMENT));

/** `cores` is what the workers may use together. Throws MvcError `training-failed`. */
export async function openOnnxEngine(job: EngineJob, cores = availableParallelism()): Promise<Engine> {
  const { stage, trained, optimizer, parts } = job;
  const graph = withGradients({ ...job, lossGraph: runPasses(job.lossGraph, lossPasses) });
  const flat = flatten(trained, job.state, shared);
  const frozen = placed(graph, job);
  const names = graph.outputs.map(({ name }) => name);
  const losses = names.slice(0, names.length - trained.length);
  const shapes = new Map(graph.values.flatMap((value) => (value.kind === "weight" ? [[value.path, value.type.shape] as const] : [])));
  const gradientNames = names.slice(losses.length);
  const block = await blockOfKernels();
  const gradients = Array.from({ length: parts }, () => shared(flat.value.length));
  const data: WorkerData = {
    stage,
    model: emitOnnx(runPasses(graph, trainingPasses), new Map(), { weightsAsInputs: true, ...(block === undefined ? {} : { block }) }),
    threads: Math.max(1, Math.floor(cores / parts)),
    losses,
    trained: flat.segments.map(({ path, start, end }, i) => ({
      name: path,
      gradient: gradientNames[i] as string,
      shape: shapes.get(path) ?? [end - start],
      start,
      end,
    })),
    flat,
    optimizer: { betas: optimizer.betas, eps: optimizer.eps, ema: optimizer.ema },
    gradients,
    ...frozen,
  };
  const workers = await startAll(
    stage,
    sharesOf(flat.segments, Math.min(parts, cores)).map((segments) => ({ ...data, flat: { ...flat, segments } })),
  );

  const compute = async (batches: readonly Feeds[]): Promise<readonly (readonly number[])[]> => {
    const turns = workers.map((worker, at) => {
      const mine = batches.map((_, part) => part).filter((part) => part % workers.length === at);
      const request = { kind: "gradients", batches: mine.map((part) => ({ part, feeds: batches[part] as Feeds })) } as const;
      return worker.ask(request).then((means) => mine.map((part, i) => [part, means[i] ?? []] as const));
    });
    const means = new Map((await Promise.all(turns)).flat());
    return batches.map((_, part) => means.get(part) ?? []);
  };

  return {
    step: async (batches, figures): Promise<StepResult> => {
      if (batches.length !== parts) throw new Error(`training: a step of ${batches.length} batches in place of ${parts}`);
      const means = await compute(batches);
      const mean = (i: number) => means.reduce((sum, one) => sum + (one[i] ?? Number.NaN), 0) / parts;
      const gradientNorm = meanGradient(gradients);
      const result = { losses: new Map(losses.map((name, i) => [name, mean(i)])), gradientNorm };
      const factor = clipFactor(gradientNorm, optimizer.clipNorm);
      if (Number.isFinite(gradientNorm) && Number.isFinite(mean(0)))
        await Promise.all(workers.map((worker) => worker.ask({ kind: "update", factor, figures })));
      return result;
    },
    state: async () => unflatten(flat),
    dispose: async () => {
      await Promise.all(workers.map((worker) => worker.end()));
    },
  };
}

/** The weights that stay, one after the other. */
function placed(graph: Graph, { trained, frozen }: EngineJob): Pick<WorkerData, "frozen" | "frozenValues"> {
  const isTrained = new Set(trained.map(({ path }) => path));
  const places: Placed[] = [];
  let end = 0;
  for (const value of graph.values) {
    if (value.kind !== "weight" || isTrained.has(value.path)) continue;
    const start = end;
    end += frozen.get(value.path)?.length ?? 0;
    places.push({ name: value.path, shape: value.type.shape, start, end });
  }
  const all = shared(end);
  for (const { name, start } of places) all.set(frozen.get(name) ?? [], start);
  return { frozen: places, frozenValues: all.buffer as SharedArrayBuffer };
}

/** Each answers with the losses of the batches that are asked for. */
function startAll(stage: string, all: readonly WorkerData[]) {
  const failed = (reason: string) => mvcError("training-failed", { stage, reason });
  const read = (reply: WorkerReply): readonly (readonly number[])[] => {
    if (reply.kind === "failed") throw failed(reply.reason);
    return reply.kind === "done" ? reply.losses : [];
  };
  return startWorkers<WorkerRequest, WorkerReply, ReturnType<typeof read>>(
    all.map((data) => ({ entry: "#onnx-worker", data, read, lost: failed })),
  );
}

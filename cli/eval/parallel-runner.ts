/** A package to runs of its graphs on ONNX Runtime, several at once in workers of their own: small graphs run faster on a thread each, beside each other, than one on all. */

import { availableParallelism, totalmem } from "node:os";
import { MvcError, mvcError } from "../../runtime/errors.ts";
import { startWorkers } from "../../runtime/node/worker.ts";
import type { Package } from "../../runtime/package.ts";
import type { GraphRunner } from "../../runtime/session.ts";
import type { Tensors } from "../../runtime/tensor.ts";
import type { GraphRequest, GraphWorkerReply } from "./graph-worker-messages.ts";

export interface ParallelRunner extends GraphRunner {
  /** Runs that it is worth to have under way. */
  readonly atOnce: number;
}

/** What looks at the clips is one thread, which more would wait for. */
const mostWorkers = 8;
/** Of the machine's memory, what copies of the weights may take. */
const shareOfMemory = 1 / 4;

/** Throws MvcError `graph-failed`, and as `openPackage`. */
export async function parallelRunner({ manifest }: Package, folder: string): Promise<ParallelRunner> {
  const cores = availableParallelism();
  // Each graph has a copy of its own.
  const parameters = Object.values(manifest.graphs).reduce((sum, graph) => sum + graph.parameters, 0);
  const bytes = parameters * Float32Array.BYTES_PER_ELEMENT;
  const atOnce = Math.max(1, Math.min(cores, mostWorkers, Math.floor((shareOfMemory * totalmem()) / bytes)));
  const data = { folder, threads: Math.floor(cores / atOnce) };
  const lost = (reason: string) => mvcError("graph-failed", { graph: manifest.model, reason });
  const read = (reply: GraphWorkerReply): Tensors => {
    if (reply.kind !== "failed") return reply.kind === "done" ? reply.tensors : {};
    if (reply.known === undefined) throw lost(reply.reason);
    const { code, message, hint, fields } = reply.known;
    throw new MvcError(code, message, hint, fields);
  };
  const workers = await startWorkers<GraphRequest, GraphWorkerReply, Tensors>(
    Array.from({ length: atOnce }, () => ({ entry: "#graph-worker", data, read, lost })),
  );
  const idle = [...workers];
  const waiting: ((worker: (typeof workers)[number]) => void)[] = [];
  const taken = async () => idle.pop() ?? new Promise<(typeof workers)[number]>((take) => waiting.push(take));
  return {
    atOnce,
    run: async (graph, feeds) => {
      const worker = await taken();
      try {
        return await worker.ask({ graph, feeds });
      } finally {
        const next = waiting.shift();
        if (next === undefined) idle.push(worker);
        else next(worker);
      }
    },
    load: async () => {},
    dispose: async () => {
      await Promise.all(workers.map((worker) => worker.end()));
    },
  };
}

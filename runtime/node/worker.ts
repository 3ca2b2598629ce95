/** A built file of this package to a worker thread that is asked one thing at a time. */

import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import { type MvcError, reasonOf } from "../errors.ts";

export interface AskedWorker<Request, Result> {
  /** What it answers to a request; the next one is for when this is answered. */
  ask(request: Request): Promise<Result>;
  /** Whatever it is doing. */
  end(): Promise<void>;
}

export interface WorkerStart<Reply, Result> {
  /** Of the `imports` of package.json, as the built file lies elsewhere than its source. */
  readonly entry: string;
  readonly data: object;
  /** Of the reply, or throws what it says went wrong; of the first one, that it is ready, the result is not looked at. */
  readonly read: (reply: Reply) => Result;
  /** Of a worker that ends by itself. */
  readonly lost: (reason: string) => MvcError;
}

/** Once it is ready. Throws what `read` and `lost` make of its failure. */
export async function startWorker<Request, Reply, Result>({
  entry,
  data,
  read,
  lost,
}: WorkerStart<Reply, Result>): Promise<AskedWorker<Request, Result>> {
  const worker = new Worker(pathToFileURL(createRequire(import.meta.url).resolve(entry)), { workerData: data });
  let heard: { done: (reply: Reply) => void; fail: (error: unknown) => void } | undefined;
  let gone: unknown;
  const next = () =>
    new Promise<Reply>((done, fail) => {
      if (gone !== undefined) fail(gone);
      else heard = { done, fail };
    });
  const fail = (error: unknown) => {
    gone ??= error;
    heard?.fail(error);
  };
  worker.on("message", (reply: Reply) => heard?.done(reply));
  worker.on("error", (thrown) => fail(lost(reasonOf(thrown))));
  worker.on("exit", () => fail(lost("its worker has ended")));
  const end = async () => {
    worker.removeAllListeners();
    await worker.terminate();
  };
  await next()
    .then(read)
    .catch(async (thrown) => {
      await end();
      throw thrown;
    });
  return {
    ask: async (request) => {
      const answered = next();
      worker.postMessage(request);
      return read(await answered);
    },
    end,
  };
}

/** All or none: where one fails, the others are ended. */
export async function startWorkers<Request, Reply, Result>(
  starts: readonly WorkerStart<Reply, Result>[],
): Promise<readonly AskedWorker<Request, Result>[]> {
  const starting = await Promise.allSettled(starts.map((one) => startWorker<Request, Reply, Result>(one)));
  const workers = starting.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  const failed = starting.find((one) => one.status === "rejected");
  if (failed === undefined) return workers;
  await Promise.all(workers.map((worker) => worker.end()));
  throw failed.reason;
}

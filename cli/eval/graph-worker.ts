/** Graphs of a package to runs of them in a worker of its own: a session of ONNX Runtime holds its thread while it runs. */

import { parentPort, workerData } from "node:worker_threads";
import { MvcError, reasonOf } from "../../runtime/errors.ts";
import { onnxRunner } from "../../runtime/node/onnx-session.ts";
import { packageFolder } from "../../runtime/node/package-folder.ts";
import { openPackage } from "../../runtime/package.ts";
import type { GraphRequest, GraphWorkerData, GraphWorkerReply } from "./graph-worker-messages.ts";

const { folder, threads } = workerData as GraphWorkerData;
const port = parentPort;
if (port === null) throw new Error("eval: the worker was started as a program");
const reply = (message: GraphWorkerReply) => port.postMessage(message);

function fail(thrown: unknown): void {
  const { code, message, hint, fields } = thrown instanceof MvcError ? thrown : {};
  reply({
    kind: "failed",
    known: code && { code, message: message ?? "", hint: hint ?? "", fields: fields ?? {} },
    reason: reasonOf(thrown),
  });
}

try {
  const runner = onnxRunner(await openPackage(packageFolder(folder)), folder, { threads });
  port.on("message", ({ graph, feeds }: GraphRequest) => {
    runner.run(graph, feeds).then((tensors) => reply({ kind: "done", tensors }), fail);
  });
  reply({ kind: "ready" });
} catch (thrown) {
  fail(thrown);
}

/** A backend to the values within a graph, for `mvc diff`: not only what comes out of it. */

import { type Graph, type OpValue, sizeOf, type ValueId } from "../compiler/graph/graph.ts";
import { onnxPasses, runPasses } from "../compiler/passes/passes.ts";
import { emitOnnx, type WeightPlacement } from "../compiler/targets/onnx/emit.ts";
import { graphSpec } from "../runtime/feeds.ts";
import { mvcError, type Package } from "../runtime/index.ts";
import { openDawn } from "../runtime/node/dawn.ts";
import { openGraph } from "../runtime/node/onnx-session.ts";
import { tuningFile } from "../runtime/node/tuning-file.ts";
import { runOpened } from "../runtime/onnx-runner.ts";
import type { TensorData, Tensors } from "../runtime/tensor.ts";
import { openDevice } from "../runtime/webgpu/device.ts";
import { readValues } from "../runtime/webgpu/inspect.ts";
import { webgpuRunner } from "../runtime/webgpu/runner.ts";
import { readGraph, runReference, tensorOf } from "./reference-runner.ts";

export interface Probe {
  /** The values that it can show. */
  readonly values: ReadonlySet<ValueId>;
  /** Runs the graph once and gives these. */
  read(ids: ReadonlySet<ValueId>): Promise<ReadonlyMap<ValueId, TensorData>>;
  /** What computes a value, where the backend has a name for it. */
  kernelOf(id: ValueId): string | undefined;
  close(): Promise<void>;
}

/** What a probe looks into. */
export interface Subject {
  readonly pack: Package;
  readonly folder: string;
  readonly graph: Graph;
  readonly feeds: Tensors;
}

export type ProbedBackend = "reference" | "onnx" | "webgpu";

/** Throws MvcError as the backend does. */
export function openProbe(backend: ProbedBackend, subject: Subject): Probe | Promise<Probe> {
  switch (backend) {
    case "reference":
      return probeReference(subject);
    case "onnx":
      return probeOnnx(subject);
    case "webgpu":
      return probeWebGpu(subject);
  }
}

export async function openSubject(pack: Package, folder: string, graph: string, feeds: Tensors): Promise<Subject> {
  graphSpec(pack.manifest, graph);
  return { pack, folder, graph: readGraph(folder, graph), feeds };
}

const isOp = (value: Graph["values"][number]): value is OpValue => value.kind === "op";
const opIds = (graph: Graph): ReadonlySet<ValueId> => new Set(graph.values.filter(isOp).map(({ id }) => id));

function probeReference({ pack, graph, feeds }: Subject): Probe {
  return {
    values: opIds(graph),
    kernelOf: () => undefined,
    close: async () => {},
    read: async (ids) => {
      const found = new Map<ValueId, TensorData>();
      await runReference(pack, graph, feeds, ({ id }, tensor) => {
        if (ids.has(id)) found.set(id, tensorOf(tensor));
      });
      return found;
    },
  };
}

/** Where the package's own weight file has each weight. */
export function placementOf({ weights }: Package): WeightPlacement {
  return new Map([...(weights?.tensors ?? [])].map(([path, { start, end }]) => [path, { offset: start, length: end - start }]));
}

/** The package's graph goes through the same passes again, with the values that are wanted among its outputs. */
function probeOnnx({ pack, folder, graph, feeds }: Subject): Probe {
  const spec = graphSpec(pack.manifest, graph.name);
  if (spec.onnx === undefined) throw mvcError("target-absent", { graph: graph.name, target: "onnx" });
  if (spec.parameters > 0 && pack.weights === undefined) throw mvcError("weights-absent", { graph: graph.name });
  const placement = placementOf(pack);
  const nameOf = (id: ValueId) => `value:${id}`;
  return {
    values: opIds(graph),
    kernelOf: () => undefined,
    close: async () => {},
    read: async (ids) => {
      const wanted = [...ids].map((value) => ({ name: nameOf(value), value, axes: [] }));
      const model = emitOnnx(runPasses({ ...graph, outputs: wanted }, onnxPasses), placement);
      const opened = await openGraph(graph.name, model, folder);
      try {
        const outputs = await runOpened(opened, graph.name, spec, feeds);
        return new Map([...ids].flatMap((id) => (outputs[nameOf(id)] === undefined ? [] : [[id, outputs[nameOf(id)] as TensorData]])));
      } finally {
        await opened.session.release();
      }
    },
  };
}

/** The package's own kernels, stopped after those that write what is wanted. */
async function probeWebGpu({ pack, folder, graph, feeds }: Subject): Promise<Probe> {
  const runner = webgpuRunner(pack, await openDevice(await openDawn()), { tunings: tuningFile(folder) });
  try {
    const loaded = await runner.feed(graph.name, feeds);
    const { values, dispatches } = loaded.plan;
    const shapes = new Map(graph.values.map(({ id, type }) => [id, type.shape]));
    return {
      values: new Set(values.map(({ value }) => value)),
      kernelOf: (id) => {
        const at = values.find(({ value }) => value === id)?.after;
        return at === undefined ? undefined : `${loaded.kernelOf(at)}, dispatch ${at + 1} of ${dispatches.length}`;
      },
      close: () => runner.dispose(),
      read: async (ids) => {
        const found = new Map<ValueId, TensorData>();
        const shapeOf = (id: ValueId) => (ids.has(id) ? shapes.get(id) : undefined);
        await readValues(runner, loaded, shapeOf, (id, tensor) => {
          found.set(id, tensor);
          return found.size === ids.size ? "stop" : "go on";
        });
        return found;
      },
    };
  } catch (error) {
    await runner.dispose();
    throw error;
  }
}

/** The values of both probes in the order of the graph, in runs of at most `bytes`, so that a large graph fits memory. */
export function runsOf(graph: Graph, [one, other]: readonly [Probe, Probe], bytes: number): readonly (readonly OpValue[])[] {
  const runs: OpValue[][] = [];
  let room = 0;
  for (const value of graph.values) {
    if (!isOp(value) || !one.values.has(value.id) || !other.values.has(value.id)) continue;
    const size = sizeOf(value.type.shape) * 4;
    if (size > room) {
      runs.push([]);
      room = bytes;
    }
    room -= size;
    runs.at(-1)?.push(value);
  }
  return runs;
}

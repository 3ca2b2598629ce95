/** A package to runs of its plans on WebGPU. */

import { mvcError, orAborted } from "../errors.ts";
import { checkFeeds, graphSpec } from "../feeds.ts";
import type { Package } from "../package.ts";
import type { Roles } from "../roles.ts";
import type { GraphRunner } from "../session.ts";
import { elements, type TensorData, type Tensors, toDType } from "../tensor.ts";
import { turns } from "../turns.ts";
import type { Device } from "./device.ts";
import { compileAhead, type GpuGraph, type Loading, loadGraph, type PlannedGraph, planGraphOn } from "./graph.ts";
import { createLoop, type LoadedGraph, type Loop } from "./loop.ts";
import { isFast } from "./peaks.ts";
import { pipelinesOf } from "./pipelines.ts";
import { readBack } from "./read-back.ts";
import { choicesOf, tuneGraph } from "./tuning.ts";
import { weightStore } from "./weights.ts";

/** Milliseconds that a visitor waits for it once. */
const firstTuning = 1000;

export interface WebGpuRunner extends GraphRunner {
  readonly device: Device;
  /** A loaded graph, for tools that look into a run. */
  graph(name: string): Promise<GpuGraph>;
  /** Checks and writes a graph's inputs. */
  feed(name: string, feeds: Tensors): Promise<GpuGraph>;
  /** The first bytes of a buffer from an offset on, once all that was submitted is done. */
  read(buffer: GPUBuffer, bytes: number, offset?: number): Promise<ArrayBuffer>;
}

/** Loads each graph at its first run. The device is the runner's own and goes with it. */
export function webgpuRunner(pack: Package, device: Device, options: Loading = {}): WebGpuRunner {
  const pipelines = pipelinesOf(device);
  const weights = weightStore(device, pipelines, pack);
  const planned = new Map<string, Promise<PlannedGraph>>();
  const graphs = new Map<string, LoadedGraph>();
  /** Runs share the graphs' buffers. */
  const inTurn = turns();
  /** By the graph that is looped: another at guidance 1. */
  const loops = new Map<string, Promise<Loop>>();
  let disposed = false;

  const { sampler } = pack.manifest;
  const loopedOnes = sampler === null ? [] : [sampler.step, sampler.graph];

  const alive = () => {
    if (disposed) throw mvcError("disposed", { what: "the package's session" });
    device.check();
  };
  /** The loop's own graph, the first time on this device. A processor that plays a card takes longer to try kernels than to run them. */
  const tunedOnce = async (name: string, loaded: GpuGraph): Promise<GpuGraph> => {
    const { tunings, signal } = options;
    if (tunings === undefined || loaded.tuned || device.kind === "software" || !loopedOnes.includes(name)) return loaded;
    if (device.kind === "unnamed" && !(await isFast(runner))) return loaded;
    const choices = choicesOf(await tuneGraph(runner, loaded, { milliseconds: firstTuning, signal }));
    await loaded.choose(choices);
    // A package that cannot be written to is tuned again the next time.
    await tunings.write(device.name, name, choices).catch(() => {});
    return loaded;
  };
  const planOf = (name: string): Promise<PlannedGraph> => {
    const known = planned.get(name) ?? planGraphOn(device, pack, name, options);
    planned.set(name, known);
    known.catch(() => planned.delete(name));
    return known;
  };
  const compile = async (names: readonly string[]) => {
    alive();
    compileAhead(device, pipelines, await Promise.all(names.map(planOf)), options.onCompile);
  };
  const load = (name: string, compile: "meanwhile" | "later" = "meanwhile"): LoadedGraph => {
    alive();
    const known = graphs.get(name);
    if (known !== undefined) return known;
    const forget = () => graphs.delete(name);
    const held = planOf(name).then((plan) => loadGraph(device, pipelines, weights, name, plan, { ...options, compile }));
    held.catch(forget);
    let whole: Promise<GpuGraph> | undefined;
    const loaded: LoadedGraph = {
      held,
      whole: () => {
        whole ??= held.then(async (one) => {
          await one.compile();
          return tunedOnce(name, one);
        });
        whole.catch(forget);
        return whole;
      },
    };
    graphs.set(name, loaded);
    return loaded;
  };
  const graph = async (name: string): Promise<GpuGraph> => load(name).whole();
  const loopOf = (parts: Roles): Promise<Loop> => {
    const looped = parts.step.graph;
    const loop = loops.get(looped) ?? createLoop({ device, pipelines, compile, load, read, alive }, parts);
    loops.set(looped, loop);
    loop.catch(() => loops.delete(looped));
    return loop;
  };

  const read = (buffer: GPUBuffer, bytes: number, offset = 0) => readBack(device, buffer, bytes, offset);

  const feed = async (name: string, feeds: Tensors): Promise<GpuGraph> => {
    const loaded = await graph(name);
    for (const [input, tensor] of checkFeeds(name, graphSpec(pack.manifest, name), feeds)) {
      const { data } = toDType(tensor, tensor.dtype === "i32" ? "i32" : "f32") ?? tensor;
      device.gpu.queue.writeBuffer(loaded.input(input), 0, data as Float32Array<ArrayBuffer>);
    }
    return loaded;
  };

  const runner: WebGpuRunner = {
    device,
    graph,
    feed,
    read,
    load: (parts, signal) =>
      inTurn(async () => {
        alive();
        await orAborted(loopOf(parts), signal, "loading");
        if (parts.frames) await orAborted(graph(parts.frames.graph), signal, "loading");
      }, signal),
    run: (name, feeds) =>
      inTurn(async () => {
        const spec = graphSpec(pack.manifest, name);
        const loaded = await feed(name, feeds);
        loaded.submit();
        const outputs = await Promise.all(
          spec.outputs.map(async ({ name: output, dtype, shape }): Promise<readonly [string, TensorData]> => {
            const bytes = await read(loaded.output(output), elements(shape) * 4);
            const tensor: TensorData =
              dtype === "i32" ? { dtype, shape, data: new Int32Array(bytes) } : { dtype: "f32", shape, data: new Float32Array(bytes) };
            return [output, toDType(tensor, dtype) ?? tensor];
          }),
        );
        device.check();
        return Object.fromEntries(outputs);
      }),
    sample: (job) =>
      inTurn(async () => {
        alive();
        return (await orAborted(loopOf(job.parts), job.signal, "loading")).sample(job);
      }, job.signal),
    dispose: async () => {
      disposed = true;
      graphs.clear();
      device.close();
    },
  };
  return runner;
}

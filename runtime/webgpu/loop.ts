/** The whole way from what the conditions are fed to frames on the device: nothing comes back before the frames and their latents. */

import type { TensorSpec } from "../../compiler/package/manifest.ts";
import { split } from "../batch.ts";
import { clean } from "../clips/keeping.ts";
import { type ConditionFeed, encodedCondition } from "../conditions.ts";
import { orAborted, throwIfAborted } from "../errors.ts";
import { weightsAt } from "../guidance.ts";
import { graphsOf, type Roles, type RowsRole } from "../roles.ts";
import { isNoisy } from "../sampler/mix.ts";
import { registersOf } from "../sampler/step.ts";
import type { SamplingJob, SamplingResult } from "../session.ts";
import { elements, f32, i32, type TensorData, toDType } from "../tensor.ts";
import type { Device } from "./device.ts";
import type { GpuGraph } from "./graph.ts";
import { createKeep } from "./keep.ts";
import type { Pipelines } from "./pipelines.ts";
import { createUpdate } from "./update.ts";

/** A graph of a package: with its weights on the device, and ready to run. */
export interface LoadedGraph {
  readonly held: Promise<GpuGraph>;
  whole(): Promise<GpuGraph>;
}

export interface Loop {
  sample(job: SamplingJob): Promise<SamplingResult>;
}

/** What the loop needs of the runner whose graphs it leads. */
export interface Stage {
  readonly device: Device;
  readonly pipelines: Pipelines;
  /** Begins to compile the kernels of graphs that are wanted soon. */
  readonly compile: (graphs: readonly string[]) => Promise<void>;
  /** Kernels that are wanted later are not compiled at once. */
  readonly load: (graph: string, compile?: "later") => LoadedGraph;
  /** Brings a buffer's first bytes back. */
  readonly read: (buffer: GPUBuffer, bytes: number) => Promise<ArrayBuffer>;
  /** Throws what has happened to the device or the runner. */
  readonly alive: () => void;
}

const floatBytes = 4;
const bytesOf = ({ shape }: TensorSpec) => elements(shape) * floatBytes;

/** Loads the graphs of the loop and joins their buffers. The decoder's kernels are compiled while the device is busy with the first step. */
export async function createLoop({ device, pipelines, compile, load, read, alive }: Stage, parts: Roles): Promise<Loop> {
  const { sampler, batch, halves } = parts;
  const { queue } = device.gpu;
  await compile(graphsOf({ ...parts, frames: undefined }));
  const encoders = new Map<string, GpuGraph>();
  for (const { encoder } of parts.conditions) if (encoder) encoders.set(encoder.graph, await load(encoder.graph).whole());
  const prepare = parts.prepare && (await load(parts.prepare.graph).whole());
  const step = await load(parts.step.graph).whole();
  if (prepare) for (const { name } of prepare.plan.outputs) step.share(name, prepare.output(name));
  /** Where a condition lies, whichever graphs read it. */
  const places = new Map(
    parts.conditions.map(({ name }): [string, GPUBuffer] => {
      if (!prepare || !parts.prepare?.inputs.includes(name)) return [name, step.input(name)];
      if (parts.step.inputs.includes(name)) step.share(name, prepare.input(name));
      return [name, prepare.input(name)];
    }),
  );
  const count = batch * elements(parts.clipShape);
  const latent = step.input(sampler.latent);
  const update = await createUpdate(device, pipelines, { latent, output: step.output(parts.step.output), halves, clips: batch, count });
  const keep = createKeep(device, pipelines, latent, halves, count);

  const settled = async () => {
    await queue.onSubmittedWorkDone();
    alive();
  };

  const readLatent = async () => f32([batch, ...parts.clipShape], new Float32Array(await read(latent, count * floatBytes)));
  const write = (buffer: GPUBuffer, at: number, { data }: TensorData) =>
    queue.writeBuffer(buffer, at, data as Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer>);
  const feed = async (one: ConditionFeed): Promise<void> => {
    const { role, rows, weights } = one;
    const place = places.get(role.name) as GPUBuffer;
    if (role.encoder === undefined) return write(place, 0, asHeld(rows));
    const { graph: name, input, output, batch: atOnce } = role.encoder;
    const graph = encoders.get(name) as GpuGraph;
    const half = bytesOf(role.tensor) / halves;
    let at = 0;
    for (const piece of split(rows, atOnce)) {
      write(graph.input(input.name), 0, asHeld(piece));
      graph.submit();
      const made = bytesOf(output);
      pipelines.copy(graph.output(output.name), place, 0, at, made);
      if (halves === 2 && role.unguided === null) pipelines.copy(graph.output(output.name), place, 0, half + at, made);
      at += made;
    }
    if (weights !== undefined) {
      const plain = f32([rows.shape[0] ?? 0, ...output.shape.slice(1)], new Float32Array(await read(place, at)));
      const weighed = encodedCondition(role, one, plain);
      write(place, 0, weighed);
      if (halves === 2 && role.unguided === null) write(place, half, weighed);
    }
    if (halves === 2 && typeof role.unguided === "number") write(place, half, filledAs(role.tensor, half / floatBytes, role.unguided));
  };

  const decode = async (loaded: GpuGraph, { input, output }: RowsRole): Promise<TensorData[]> => {
    const frames: TensorData[] = [];
    for (let at = 0; at < count * floatBytes; at += bytesOf(input)) {
      pipelines.copy(latent, loaded.input(input.name), at, 0, bytesOf(input));
      loaded.submit();
      frames.push(f32(output.shape, new Float32Array(await read(loaded.output(output.name), bytesOf(output)))));
    }
    return frames;
  };

  return {
    sample: async ({ feeds, kept, steps, guidance, start, noise, result, report, watch, signal }) => {
      const frames = result === "pictures" ? parts.frames : undefined;
      if (frames) await orAborted(load(frames.graph, "later").held, signal, "loading");
      throwIfAborted(signal, "sampling");
      report({ phase: "text", step: 0, steps: steps.length });
      for (const one of feeds[0] ?? []) await feed(one);
      prepare?.submit();
      await update.begin(start, registersOf(steps));
      await keep.begin(kept);
      await settled();
      for (const [i, one] of steps.entries()) {
        throwIfAborted(signal, `step ${i + 1} of ${steps.length}`);
        report({ phase: "step", step: i, steps: steps.length });
        queue.writeBuffer(step.input(sampler.time), 0, new Float32Array(halves * batch).fill(one.time));
        step.submit();
        update.advance(
          one,
          { weight: weightsAt(guidance, i)[0] ?? 1, rescale: guidance.guides(i) ? guidance.rescale : 0 },
          isNoisy(one.rows[0]) ? noise(i) : undefined,
        );
        keep.apply(i + 1 < steps.length ? one.level : clean);
        // Whether that fails is heard when it is needed.
        if (i === 0 && frames)
          load(frames.graph)
            .whole()
            .catch(() => {});
        // One step in flight: progress is true, and an abort is heard.
        await settled();
        await watch?.(i + 1, await readLatent());
      }
      throwIfAborted(signal, "decoding");
      report({ phase: "decode", step: steps.length, steps: steps.length });
      const pictures = frames ? await decode(await orAborted(load(frames.graph).whole(), signal, "loading"), frames) : [];
      return { latent: await readLatent(), frames: pictures };
    },
  };
}

/** Buffers of inputs hold f32 or i32. */
function asHeld(tensor: TensorData): TensorData {
  return toDType(tensor, tensor.dtype === "i32" ? "i32" : "f32") ?? tensor;
}

function filledAs({ dtype }: TensorSpec, length: number, value: number): TensorData {
  return dtype === "i32" ? i32([length], new Int32Array(length).fill(value)) : f32([length], new Float32Array(length).fill(value));
}

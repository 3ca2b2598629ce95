/** The weights of plans from the one weight file to the device: streamed in order, packed there by one kernel, and held once where plans agree. */

import type { WeightBuffer, WeightPart } from "../../compiler/package/plan.ts";
import { mvcError, throwIfAborted } from "../errors.ts";
import type { Package } from "../package.ts";
import type { StoredTensor } from "../safetensors.ts";
import { type Device, usage } from "./device.ts";
import { packBytes, packFields, packGrid, packKernel } from "./pack.ts";
import type { Pipelines } from "./pipelines.ts";

/** Bytes that are read at once. */
const chunkBytes = 16 * 2 ** 20;
/** Bytes between two tensors that are rather left out than read. */
const gapBytes = 2 ** 18;

interface Target {
  readonly part: WeightPart;
  readonly buffer: GPUBuffer;
}

export interface WeightProgress {
  readonly loaded: number;
  readonly total: number;
}

export interface WeightLoading {
  readonly onProgress?: ((progress: WeightProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface WeightStore {
  /**
   * The buffers in their order. Those that another graph has the same of are shared; for the others the file is read from front to
   * back, as far as they need it.
   * @throws MvcError `weights-absent`, `weights-invalid`, `out-of-memory`, `device-lost`, `aborted`.
   */
  load(graph: string, wanted: readonly WeightBuffer[], loading?: WeightLoading): Promise<readonly GPUBuffer[]>;
}

/** The weights of all graphs of a package on a device: nothing writes to them once they are there. */
export function weightStore(device: Device, pipelines: Pipelines, pack: Package): WeightStore {
  const held = new Map<string, Promise<GPUBuffer>>();
  const keyOf = ({ bytes, parts }: WeightBuffer) => JSON.stringify([bytes, parts]);
  return {
    load: async (graph, wanted, loading = {}) => {
      const keys = wanted.map(keyOf);
      const fresh = new Map(wanted.flatMap((buffer, i) => (held.has(keys[i] ?? "") ? [] : [[keys[i] ?? "", buffer] as const])));
      const filled = loadWeights(device, pipelines, pack, graph, [...fresh.values()], loading);
      for (const [i, key] of [...fresh.keys()].entries()) {
        const buffer = filled.then((made) => made[i] as GPUBuffer);
        buffer.catch(() => held.delete(key));
        held.set(key, buffer);
      }
      return Promise.all(keys.map((key) => held.get(key) as Promise<GPUBuffer>));
    },
  };
}

async function loadWeights(
  device: Device,
  pipelines: Pipelines,
  pack: Package,
  graph: string,
  wanted: readonly WeightBuffer[],
  options: WeightLoading,
): Promise<readonly GPUBuffer[]> {
  if (wanted.length === 0) return [];
  // Side by side: each waits until the device has said that it has room.
  const buffers = await Promise.all(wanted.map(({ label, bytes }) => device.buffer(label, bytes, usage.STORAGE | usage.COPY_DST)));
  const targets = new Map<string, Target[]>();
  for (const [i, { parts }] of wanted.entries()) {
    const buffer = buffers[i] as GPUBuffer;
    for (const part of parts) {
      if (part.constant !== undefined) device.gpu.queue.writeBuffer(buffer, part.start * 4, Float32Array.from(part.constant));
      else if (part.path !== undefined) targets.set(part.path, [...(targets.get(part.path) ?? []), { part, buffer }]);
    }
  }
  const tensors = [...targets.keys()].map((path) => tensorOf(pack, graph, path)).sort((a, b) => a.stored.start - b.stored.start);
  const total = tensors.reduce((sum, { stored }) => sum + stored.end - stored.start, 0);
  const packer = await createPacker(device, pipelines, Math.max(16, ...tensors.map(({ stored }) => stored.end - stored.start)));
  let loaded = 0;
  for (let at = 0; at < tensors.length; ) {
    throwIfAborted(options.signal, "loading weights");
    let next = at + 1;
    const begin = tensors[at]?.stored.start ?? 0;
    const gap = (at: number) => (tensors[at]?.stored.start ?? 0) - (tensors[at - 1]?.stored.end ?? 0);
    while (next < tensors.length && (tensors[next]?.stored.end ?? 0) - begin <= chunkBytes && gap(next) <= gapBytes) next++;
    const run = tensors.slice(at, next);
    const end = run.at(-1)?.stored.end ?? begin;
    for (let from = begin; from < end; from += chunkBytes) {
      const bytes = await pack.files.read(pack.manifest.weights.file, from, Math.min(end, from + chunkBytes));
      if (bytes.byteLength !== Math.min(end, from + chunkBytes) - from) {
        throw mvcError("weights-invalid", { file: pack.manifest.weights.file, reason: "it ends before its last tensor" });
      }
      if (run.length === 1) packer.stage(bytes, from - begin);
      else {
        for (const { path, stored } of run) {
          packer.stage(bytes.subarray(stored.start - begin, stored.end - begin), 0);
          for (const target of targets.get(path) ?? []) packer.pack(stored, target);
        }
      }
      loaded += bytes.byteLength;
      options.onProgress?.({ loaded: Math.min(loaded, total), total });
    }
    const [only] = run;
    if (run.length === 1 && only !== undefined) for (const target of targets.get(only.path) ?? []) packer.pack(only.stored, target);
    at = next;
    // What is written waits in memory until the device has taken it.
    await device.gpu.queue.onSubmittedWorkDone();
    device.check();
  }
  packer.close();
  return buffers;
}

function tensorOf(pack: Package, graph: string, path: string): { readonly path: string; readonly stored: StoredTensor } {
  if (!pack.weights) throw mvcError("weights-absent", { graph });
  const stored = pack.weights.tensors.get(path);
  if (!stored) throw mvcError("tensor-missing", { tensor: path, where: pack.manifest.weights.file, expected: "a weight of the package" });
  return { path, stored };
}

interface Packer {
  /** Bytes of a tensor, from an offset in it on. */
  stage(bytes: Uint8Array, offset: number): void;
  /** The staged tensor to its place. */
  pack(stored: StoredTensor, target: Target): void;
  close(): void;
}

async function createPacker(device: Device, pipelines: Pipelines, largest: number): Promise<Packer> {
  const { gpu } = device;
  const pipeline = await pipelines.get("pack", packKernel);
  const staging = await device.buffer("staging", Math.ceil(largest / 4) * 4, usage.STORAGE | usage.COPY_DST | usage.COPY_SRC);
  const uniform = await device.buffer("part", packBytes, usage.UNIFORM | usage.COPY_DST);
  return {
    stage: (bytes, offset) => {
      // Copies are of whole words: the odd half at a tensor's end takes a zero along.
      const whole =
        bytes.byteLength % 4 === 0 ? bytes : Uint8Array.from({ length: Math.ceil(bytes.byteLength / 4) * 4 }, (_, i) => bytes[i] ?? 0);
      gpu.queue.writeBuffer(staging, offset, whole as Uint8Array<ArrayBuffer>);
    },
    pack: (stored, { part, buffer }) => {
      const { outputs, inputs, taps, columns, gated, start, from = 0, dtype } = part;
      const halves = stored.dtype === "F16";
      if (!gated && (dtype === "f16") === halves && (inputs * taps === 1 ? columns === outputs : outputs * inputs === 1 && columns === 1)) {
        const size = halves ? 2 : 4;
        pipelines.copy(staging, buffer, from * size, start * size, Math.ceil((outputs * taps * size) / 4) * 4);
        return;
      }
      gpu.queue.writeBuffer(uniform, 0, packFields(part, 0, halves));
      pipelines.submit(pipelines.work(pipeline, [uniform, staging, buffer], packGrid(part)));
    },
    close: () => {
      device.free(staging);
      device.free(uniform);
    },
  };
}

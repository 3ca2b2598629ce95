/** A graph to its plan on WebGPU: groups of ops as kernels, values in buffers, weights packed, dispatches in order. */

import { bytesOfDType, type Graph, sizeOf, valuesById } from "../../graph/graph.ts";
import { opEntry } from "../../ops/table.ts";
import type { Binding, DeviceNeeds, Dispatch, Plan, Variant, WeightBuffer } from "../../package/plan.ts";
import { type Trace, untraced } from "../../rewriting/trace.ts";
import { verify } from "../../rewriting/verify.ts";
import { matrixOf } from "./forms/windows.ts";
import { draftsOf } from "./kernels/drafts.ts";
import { KernelLibrary } from "./kernels/kernel-library.ts";
import { withWritable } from "./kernels/kernel-writer.ts";
import type { Draft } from "./kernels/task.ts";
import type { Group } from "./layout/group.ts";
import { type Stored, type VectorPart, vectorsBuffer } from "./layout/stored.ts";
import { boundsOf, type DeviceLimits, defaultLimits } from "./plan/limits.ts";
import { materialise } from "./plan/materialise.ts";
import { type Lifetime, leastBytes, shareSlots } from "./plan/slots.ts";
import { splitFrames } from "./plan/split-frames.ts";
import { splitSums } from "./plan/split-sums.ts";
import { inputBuffer, outputBuffer, placeValues } from "./plan/storage.ts";
import { valuesInMemory } from "./plan/values-in-memory.ts";
import { padded, WeightBuffers } from "./plan/weight-buffers.ts";
import { writableBindings } from "./plan/writable.ts";

export interface Planned {
  readonly plan: Plan;
  /** The graph as it was planned: values too large for the device are computed in pieces. */
  readonly graph: Graph;
  /** All kernels, as `webgpu/<graph>.wgsl` holds them. */
  readonly source: string;
  /** Of the intermediate values: what the slots take, and the least that any plan could. */
  readonly memory: { readonly planned: number; readonly least: number };
}

interface Step {
  readonly group: Group;
  readonly draft: Draft;
  /** Others with the same bindings. */
  readonly variants: readonly Draft[];
}

/** Plans within the limits where splitting by frames and by rows can do it; `breachesOf` says what is still beyond them. */
export function planGraph(
  whole: Graph,
  limits: DeviceLimits = defaultLimits,
  library: KernelLibrary = kernelLibrary(limits),
  trace: Trace = untraced,
): Planned {
  const ended = (stage: string, made?: Graph) => trace({ stage, graph: whole.name, ...(made === undefined ? {} : { made }) });
  const bounds = boundsOf(limits);
  const summed = verify(splitSums(whole), "split-sums");
  ended("split-sums", summed);
  const materialised = verify(materialise(summed, bounds), "materialise");
  ended("materialise", materialised);
  const { graph, groups } = splitFrames(materialised, bounds);
  verify(graph, "split-frames");
  ended("split-frames", graph);
  const byId = valuesById(graph);
  const storage = placeValues(graph, groups, bounds.binding);
  ended("place-values");
  const scene = { value: byId, stored: storage.stored, table: storage.table, statistics: storage.statistics };
  const weights = new WeightBuffers(byId, limits.maxBufferSize);
  for (const value of graph.values) {
    const table = value.kind === "op" && value.op === "embedding" ? value.inputs[1] : undefined;
    if (table !== undefined) for (const rows of storage.table(table)) weights.table(table, rows);
  }
  const steps = groups.map((group): Step => {
    const matrix = packedOf(group, byId, weights);
    const [draft, ...variants] = library.draftsOf({ group, scene, result: storage.result(group) }, matrix);
    return { group, draft, variants };
  });
  ended("write-kernels");
  /** Of the buffers that share slots: those of values that do not leave the graph. */
  const sizes = new Map<string, number>();
  const written = new Set(graph.outputs.map(({ name }) => outputBuffer(name)));
  for (const group of groups) {
    const { buffer, dtype, elements } = storage.result(group);
    if (!written.has(buffer)) sizes.set(buffer, padded(elements * bytesOfDType[dtype]));
  }
  const { sizes: slots, places, lifetimes } = assignSlots(steps, sizes, limits.maxBufferSize);
  ended("share-slots");
  const inputs = graph.values.flatMap((value) =>
    value.kind === "input" ? [{ name: value.name, bytes: padded(sizeOf(value.type.shape) * 4) }] : [],
  );
  const outputs = graph.outputs.map((output) => ({ name: output.name, bytes: padded(sizeOf(byId(output.value).type.shape) * 4) }));
  const ends = new Map<string, Binding>([
    ...inputs.map(({ name }, index) => [inputBuffer(name), { kind: "input", index }] as const),
    ...outputs.map(({ name }, index) => [outputBuffer(name), { kind: "output", index }] as const),
  ]);
  const bindingOf = (buffer: string, vectors: readonly VectorPart[]): Binding => {
    const place = places.get(buffer);
    if (place !== undefined) return { kind: "slot", index: place.slot, offset: place.offset, size: sizes.get(buffer) ?? 0 };
    return ends.get(buffer) ?? (buffer === vectorsBuffer ? weights.vectors(vectors) : weights.whole(buffer));
  };
  const bound = steps.map((step) => {
    const { buffers, vectors } = step.draft.source;
    return { ...step, bindings: buffers.map((buffer) => bindingOf(buffer, vectors)) };
  });
  const uses = bound.flatMap(({ draft, variants, bindings }) => [draft, ...variants].map(({ source }) => ({ ...source, bindings })));
  const kernels = new Kernels(writableBindings(uses));
  const dispatches = bound.map(({ group, draft, variants, bindings }): Dispatch => {
    const { writes } = draft.source;
    return {
      label: labelOf(group),
      kernel: kernels.nameOf(draft),
      grid: draft.source.grid,
      ...(variants.length === 0 ? {} : { variants: variants.map((one) => variantOf(one, kernels.nameOf(one))) }),
      bindings,
      writes,
      flops: flopsOf(group, byId),
      bytes: bindings.reduce((sum, binding) => sum + bytesOfBinding(binding, inputs, outputs), 0),
    };
  });
  const packed = weights.finish();
  const plan: Plan = {
    graph: graph.name,
    slots,
    inputs,
    outputs,
    weights: packed,
    dispatches,
    values: valuesInMemory(whole, graph, groups, storage, (buffer) => bindingOf(buffer, [])),
    needs: needsOf(
      dispatches,
      slots,
      [...inputs, ...outputs],
      packed,
      steps.flatMap(({ draft, variants }) => [draft, ...variants]),
    ),
  };
  const planned = slots.reduce((sum, bytes) => sum + bytes, 0);
  const source = kernels.source();
  ended("bind");
  return { plan, graph, source, memory: { planned, least: leastBytes(lifetimes) } };
}

/** The kernels for a device of these limits, each written once. */
export function kernelLibrary(limits: DeviceLimits): KernelLibrary {
  return new KernelLibrary((task, matrix) => {
    const [first, ...others] = draftsOf(task, matrix);
    return [first, ...others.filter((other) => isVariant(other, first, limits))];
  });
}

/** The weight that a group's kernel multiplies with, as it lies on the device. */
function packedOf(group: Group, byId: ReturnType<typeof valuesById>, weights: WeightBuffers): Stored | undefined {
  const { core, kind } = group;
  const id = kind === "kernel" && core !== undefined ? matrixOf(core, byId) : undefined;
  if (id === undefined) return undefined;
  return core?.op === "matmul" ? weights.plain(id) : weights.matrix(group);
}

/** Another kernel in truth, within the limits, and bound alike: else it could not take the first one's place. */
function isVariant({ source }: Draft, first: Draft, limits: DeviceLimits): boolean {
  const fits =
    source.sharedBytes <= limits.maxComputeWorkgroupStorageSize &&
    sizeOf(source.workgroup) <= limits.maxComputeInvocationsPerWorkgroup &&
    Math.max(...source.grid) <= limits.maxComputeWorkgroupsPerDimension;
  const bound = JSON.stringify([source.buffers, source.writes, source.vectors]);
  return (
    fits && source.text !== first.source.text && bound === JSON.stringify([first.source.buffers, first.source.writes, first.source.vectors])
  );
}

function variantOf({ source: { feature, grid }, preferred }: Draft, kernel: string): Variant {
  return { kernel, grid, ...(feature === undefined ? {} : { feature }), ...(preferred === undefined ? {} : { preferred }) };
}

function labelOf(group: Group): string {
  const { core, siblings, tail } = group;
  const [op = tail] = siblings.length > 0 ? siblings : core === undefined ? [tail] : [core];
  const path = op.origin.path === "" ? op.op : op.origin.path;
  if (siblings.length > 1) return `${path} (and ${siblings.length - 1} more)`;
  return group.kind === "statistics" ? `${path} (statistics)` : path;
}

function flopsOf(group: Group, byId: ReturnType<typeof valuesById>): number {
  const ops = group.siblings.length > 0 ? group.siblings : group.core === undefined || group.kind === "statistics" ? [] : [group.core];
  return ops.reduce(
    (sum, op) =>
      sum +
      opEntry(op.op).flops(
        op.inputs.map((id) => byId(id).type),
        op.type,
        op.attributes,
      ),
    0,
  );
}

type Sized = readonly { readonly bytes: number }[];

function bytesOfBinding(binding: Binding, inputs: Sized, outputs: Sized): number {
  switch (binding.kind) {
    case "input":
      return inputs[binding.index]?.bytes ?? 0;
    case "output":
      return outputs[binding.index]?.bytes ?? 0;
    case "slot":
    case "weight":
      return binding.size;
  }
}

function assignSlots(steps: readonly Step[], sizes: ReadonlyMap<string, number>, limit: number) {
  const lives = new Map<string, { first: number; last: number; apart: Set<string> }>();
  for (const [at, { draft }] of steps.entries()) {
    const { buffers, writes } = draft.source;
    const shared = buffers.map((buffer) => sizes.has(buffer));
    for (const [i, buffer] of buffers.entries()) {
      if (!shared[i]) continue;
      const life = lives.get(buffer) ?? { first: at, last: at, apart: new Set<string>() };
      life.last = at;
      lives.set(buffer, life);
      for (const [j, other] of buffers.entries()) if (shared[j] && i !== j && (i === writes || j === writes)) life.apart.add(other);
    }
  }
  const lifetimes: Lifetime[] = [...lives].map(([buffer, life]) => ({ buffer, bytes: sizes.get(buffer) ?? 0, ...life }));
  return { ...shareSlots(lifetimes, limit), lifetimes };
}

function needsOf(
  dispatches: readonly Dispatch[],
  slots: readonly number[],
  tensors: Sized,
  weights: readonly WeightBuffer[],
  drafts: readonly Draft[],
): DeviceNeeds {
  const bound = [
    ...tensors.map(({ bytes }) => bytes),
    ...dispatches.flatMap(({ bindings }) => bindings.map((one) => ("size" in one ? one.size : 0))),
  ];
  const sources = drafts.map(({ source }) => source);
  return {
    maxStorageBufferBindingSize: largest(bound),
    maxBufferSize: largest([...bound, ...slots, ...weights.map(({ bytes }) => bytes)]),
    maxStorageBuffersPerShaderStage: largest(dispatches.map(({ bindings }) => bindings.length)),
    maxComputeWorkgroupStorageSize: largest(sources.map(({ sharedBytes }) => sharedBytes)),
    maxComputeInvocationsPerWorkgroup: largest(sources.map(({ workgroup }) => sizeOf(workgroup))),
    maxComputeWorkgroupSizeX: largest(sources.map(({ workgroup: [x] }) => x)),
    maxComputeWorkgroupsPerDimension: largest(sources.flatMap(({ grid }) => grid)),
  };
}

/** Of lists that may be longer than a call's arguments, or empty. */
function largest(numbers: readonly number[]): number {
  return numbers.reduce((most, number) => Math.max(most, number), 0);
}

/** Names kernels: those of one source share one name. */
class Kernels {
  private readonly names = new Map<string, string>();
  private readonly texts = new Map<string, string>();

  private readonly writable: ReturnType<typeof writableBindings>;

  constructor(writable: ReturnType<typeof writableBindings>) {
    this.writable = writable;
  }

  nameOf(draft: Draft): string {
    const known = this.names.get(draft.source.text);
    if (known !== undefined) return known;
    let name = draft.name;
    for (let copy = 2; this.texts.has(name); copy++) name = `${draft.name}_${copy}`;
    this.names.set(draft.source.text, name);
    this.texts.set(name, withWritable(draft.source.text, this.writable.get(draft.source.text) ?? new Set()));
    return name;
  }

  source(): string {
    return [...this.texts].map(([name, text]) => `// kernel ${name}\n${text}`).join("\n");
  }
}

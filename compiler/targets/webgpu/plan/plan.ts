/** A graph to its plan on WebGPU: groups of ops as kernels, values in buffers, weights packed, dispatches in order. */

import { bytesOfDType, type Graph, sizeOf, valuesById } from "../../../graph/graph.ts";
import { opEntry } from "../../../ops/table.ts";
import type { Binding, DeviceNeeds, Dispatch, Plan, Variant, WeightBuffer } from "../../../package/plan.ts";
import { verify } from "../../../rewriting/verify.ts";
import { attention, quadAttention } from "../kernels/attention.ts";
import { convolution, quadConvolution, windowOf } from "../kernels/convolution.ts";
import { groupNorm, groupStatistics } from "../kernels/group-norm.ts";
import { type Stored, type VectorPart, vectorsBuffer, withWritable } from "../kernels/kernel-writer.ts";
import { layerNorm, softmax } from "../kernels/norms.ts";
import { pointwise } from "../kernels/pointwise.ts";
import { product, quadProduct } from "../kernels/product.ts";
import { splitProduct } from "../kernels/split-product.ts";
import type { Draft, Task } from "../kernels/task.ts";
import { tiledProduct } from "../kernels/tiled-product.ts";
import type { Group } from "./fuse.ts";
import { KernelLibrary } from "./kernel-library.ts";
import { boundsOf, type DeviceLimits, defaultLimits } from "./limits.ts";
import { materialise } from "./materialise.ts";
import { type Lifetime, leastBytes, shareSlots } from "./slots.ts";
import { splitFrames } from "./split-frames.ts";
import { inputBuffer, outputBuffer, placeValues } from "./storage.ts";
import { valuesInMemory } from "./values-in-memory.ts";
import { padded, WeightBuffers } from "./weight-buffers.ts";
import { writableBindings } from "./writable.ts";

export interface Planned {
  readonly plan: Plan;
  /** The graph as it was planned: values too large for the device are computed in pieces. */
  readonly graph: Graph;
  /** All kernels, as `webgpu/<graph>.wgsl` holds them. */
  readonly source: string;
  /** Of the intermediate values: what the slots take, and the least that any plan could. */
  readonly memory: { readonly planned: number; readonly least: number };
}

/** Rows of a product, and neighbouring pixels of a convolution, that one thread computes: what is taken, and what else a device may prefer. */
const productRows = [4, 8] as const;
const convolutionPixels = [8, 4] as const;

interface Step {
  readonly group: Group;
  readonly draft: Draft;
  /** Others with the same bindings. */
  readonly variants: readonly Draft[];
}

/** Plans within the limits where splitting by frames and by rows can do it; `breachesOf` says what is still beyond them. */
export function planGraph(whole: Graph, limits: DeviceLimits = defaultLimits, library: KernelLibrary = kernelLibrary(limits)): Planned {
  const bounds = boundsOf(limits);
  const { graph, groups } = splitFrames(verify(materialise(whole, bounds), "materialise"), bounds);
  verify(graph, "split-frames");
  const byId = valuesById(graph);
  const storage = placeValues(graph, groups, bounds.binding);
  const scene = { value: byId, stored: storage.stored, table: storage.table, statistics: storage.statistics };
  const weights = new WeightBuffers(byId, limits.maxBufferSize);
  for (const value of graph.values) {
    const table = value.kind === "op" && value.op === "embedding" ? value.inputs[1] : undefined;
    if (table !== undefined) for (const rows of storage.table(table)) weights.table(table, rows);
  }
  const steps = groups.map((group): Step => {
    const matrix = takesMatrix(group) ? weights.matrix(group) : undefined;
    const [draft, ...variants] = library.draftsOf({ group, scene, result: storage.result(group) }, matrix);
    return { group, draft, variants };
  });
  /** Of the buffers that share slots: those of values that do not leave the graph. */
  const sizes = new Map<string, number>();
  const written = new Set(graph.outputs.map(({ name }) => outputBuffer(name)));
  for (const group of groups) {
    const { buffer, dtype, elements } = storage.result(group);
    if (!written.has(buffer)) sizes.set(buffer, padded(elements * bytesOfDType[dtype]));
  }
  const { sizes: slots, places, lifetimes } = assignSlots(steps, sizes, limits.maxBufferSize);
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
  return { plan, graph, source: kernels.source(), memory: { planned, least: leastBytes(lifetimes) } };
}

/** The kernels for a device of these limits, each written once. */
export function kernelLibrary(limits: DeviceLimits): KernelLibrary {
  return new KernelLibrary((task, matrix) => {
    const [first, ...others] = draftsOf(task, matrix);
    return [first, ...others.filter((other) => isVariant(other, first, limits))];
  });
}

/** Whether a group's kernel multiplies with a packed weight. */
function takesMatrix({ core, kind }: Group): boolean {
  return kind === "kernel" && (core?.op === "linear" || core?.op === "conv2d");
}

/** The kernels that a group may have, the one that does well anywhere first. */
function draftsOf(task: Task, packed: Stored | undefined): readonly [Draft, ...Draft[]] {
  const { group } = task;
  const { core } = group;
  if (group.kind === "statistics") return [groupStatistics(task)];
  if (core === undefined) return [pointwise(task)];
  const matrix = packed as Stored;
  switch (core.op) {
    case "linear":
      return products(task, matrix);
    case "matmul": {
      const second = core.inputs[1] ?? -1;
      const stored = task.scene.stored(second);
      if (stored === undefined) throw new Error("plan: a matmul whose second operand is not in memory");
      return products(task, stored);
    }
    case "conv2d": {
      const { kernel, stride } = windowOf(core);
      if (kernel === 1 && stride === 1) return products(task, matrix);
      const [most, fewer] = convolutionPixels;
      const others = [convolution(task, matrix, fewer), quadConvolution(task, matrix, most), tiledProduct(task, matrix)];
      return [convolution(task, matrix, most), ...others.filter((one) => one !== undefined)];
    }
    case "attend": {
      const quads = quadAttention(task);
      return quads === undefined ? [attention(task)] : [attention(task), quads];
    }
    case "groupNorm":
      return [groupNorm(task)];
    case "layerNorm":
      return [layerNorm(task)];
    case "softmax":
    case "maskedSoftmax":
      return [softmax(task)];
    default:
      throw new Error(`plan: there is no kernel for ${core.op}`);
  }
}

function products(task: Task, matrix: Stored): readonly [Draft, ...Draft[]] {
  const [few, more] = productRows;
  const most = task.group.gated ? more : 2 * more;
  const others = [product(task, matrix, more), quadProduct(task, matrix, most), tiledProduct(task, matrix), splitProduct(task, matrix)];
  return [product(task, matrix, few), ...others.filter((one) => one !== undefined)];
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

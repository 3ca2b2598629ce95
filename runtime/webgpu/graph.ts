/** One graph's plan on a device: its buffers, pipelines and bind groups, ready to be dispatched. */

import type { Binding, Dispatch, Plan, Variant } from "../../compiler/package/plan.ts";
import { mvcError, orAborted, reasonOf } from "../errors.ts";
import { graphSpec } from "../feeds.ts";
import { type Package, readGraphFile } from "../package.ts";
import { checkLimits, type Device, usage } from "./device.ts";
import type { Encode, Pipelines } from "./pipelines.ts";
import type { Choices, TuningStore } from "./tuning.ts";
import type { WeightProgress, WeightStore } from "./weights.ts";

/** Work in one submission: about a second on a slow device, so that a desktop stays alive and no watchdog bites. */
const flopsOfSubmit = 2e11;

export interface Loading {
  /** Kept choices of kernels; without it, each plan's own. */
  readonly tunings?: TuningStore | undefined;
  readonly onProgress?: ((progress: WeightProgress) => void) | undefined;
  /** Kernels compiled, of those that are waited for before the first step. */
  readonly onCompile?: ((done: number, kernels: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface GpuGraph {
  readonly plan: Plan;
  /** Ends when the kernels are there; nothing is encoded before. Throws MvcError `graph-failed`, `aborted`. */
  compile(): Promise<void>;
  /** Takes another graph's buffer as this one's input of that name from here on. */
  share(name: string, buffer: GPUBuffer): void;
  input(name: string): GPUBuffer;
  output(name: string): GPUBuffer;
  /** Submits all dispatches, in one submission or as many as bounded work needs. */
  submit(): void;
  /** The dispatches from one to before another, for tools that look between them. */
  encode(pass: GPUComputePassEncoder, from: number, to: number): void;
  /** One dispatch by another kernel of its own. */
  encodeAs(variant: Variant, dispatch: number): Promise<Encode>;
  /** The name of the kernel that a dispatch is run by. */
  kernelOf(dispatch: number): string;
  /** Takes other kernels from here on. */
  choose(choices: Choices): Promise<void>;
  /** Whether kernels had been chosen for this device when it was loaded. */
  readonly tuned: boolean;
  buffer(binding: Binding): GPUBuffer;
}

interface Ready {
  readonly kernel: string;
  readonly pipeline: GPUComputePipeline;
  readonly grid: readonly [number, number, number];
}

/** What is known of a graph before its weights: its plan, the sources of its kernels, and which of them this device runs. */
export interface PlannedGraph {
  readonly plan: Plan;
  readonly kernels: ReadonlyMap<string, string>;
  /** Undefined where none were kept for this device. */
  readonly choices: Choices | undefined;
}

/** Throws as `readPlan`, and `limit-too-low`. */
export async function planGraphOn(device: Device, pack: Package, graph: string, { tunings }: Loading): Promise<PlannedGraph> {
  const { plan, kernels } = await readPlan(pack, graph);
  checkLimits(device, plan);
  return { plan, kernels, choices: await tunings?.read(device.name, graph) };
}

/** Has the kernels of several graphs compiled side by side. What fails is told when a graph waits for it. */
export function compileAhead(device: Device, pipelines: Pipelines, graphs: readonly PlannedGraph[], onCompile: Loading["onCompile"]): void {
  const sources = new Map<string, string>();
  for (const { plan, kernels, choices = {} } of graphs) {
    for (const dispatch of plan.dispatches) {
      const { kernel } = chosen(device, dispatch, choices);
      sources.set(kernels.get(kernel) ?? "", kernel);
    }
  }
  let done = 0;
  onCompile?.(done, sources.size);
  for (const [source, kernel] of sources) {
    const compiled = () => onCompile?.(++done, sources.size);
    pipelines.get(kernel, source).then(compiled, () => {});
  }
}

function chosen(device: Device, dispatch: Dispatch, choices: Choices): Variant {
  const kernels = kernelsFor(device, dispatch);
  return kernels.find((one) => one.kernel === choices[dispatch.kernel]) ?? kernels[0];
}

/** The plan and the kernels of a graph. Throws MvcError `target-absent`, `file-unreadable`, `hash-mismatch`, `plan-invalid`. */
export async function readPlan(
  pack: Package,
  graph: string,
): Promise<{ readonly plan: Plan; readonly kernels: ReadonlyMap<string, string> }> {
  const files = graphSpec(pack.manifest, graph).webgpu;
  if (files === undefined) throw mvcError("target-absent", { graph, target: "webgpu" });
  const [planBytes, source] = await Promise.all([readGraphFile(pack.files, files.plan), readGraphFile(pack.files, files.kernels)]);
  const text = new TextDecoder();
  const kernels = kernelsIn(text.decode(source));
  try {
    const plan = JSON.parse(text.decode(planBytes)) as Plan;
    for (const dispatch of plan.dispatches) {
      for (const { kernel } of [dispatch, ...(dispatch.variants ?? [])]) {
        if (!kernels.has(kernel)) throw new Error(`there is no kernel ${kernel}`);
      }
    }
    return { plan, kernels };
  } catch (error) {
    throw mvcError("plan-invalid", { file: files.plan.file, reason: reasonOf(error) });
  }
}

/** The kernels by name of a text that holds them one after another. */
export function kernelsIn(source: string): ReadonlyMap<string, string> {
  const sections = source.split(/^\/\/ kernel /m).slice(1);
  return new Map(
    sections.map((section) => {
      const end = section.indexOf("\n");
      return [section.slice(0, end), section.slice(end + 1)];
    }),
  );
}

/** The kernels that a dispatch may be run by on this device, first the one that is taken where none was chosen. */
export function kernelsFor({ gpu }: Device, dispatch: Dispatch): readonly [Variant, ...Variant[]] {
  const others = (dispatch.variants ?? []).filter(({ feature }) => feature === undefined || gpu.features.has(feature));
  const preferred = others.find((other) => other.preferred);
  return preferred === undefined ? [dispatch, ...others] : [preferred, dispatch, ...others.filter((other) => other !== preferred)];
}

/** Ends when the weights are there; `compile` may be called then, or has the kernels compiled from the start. Throws as `WeightStore.load`. */
export async function loadGraph(
  device: Device,
  pipelines: Pipelines,
  store: WeightStore,
  graph: string,
  { plan, kernels, choices: kept }: PlannedGraph,
  loading: Loading & { readonly compile: "meanwhile" | "later" },
): Promise<GpuGraph> {
  const compile = (kernel: string) =>
    pipelines.get(kernel, kernels.get(kernel) ?? "").catch((error: unknown) => {
      device.check();
      throw mvcError("graph-failed", { graph, reason: `kernel ${kernel}: ${reasonOf(error)}` });
    });
  const compileAll = (choices: Choices) =>
    Promise.all(
      plan.dispatches.map(async (dispatch): Promise<Ready> => {
        const { kernel, grid } = chosen(device, dispatch, choices);
        return { kernel, pipeline: await compile(kernel), grid };
      }),
    );
  let compiling: Promise<readonly Ready[]> | undefined;
  const begin = () => {
    compiling ??= compileAll(kept ?? {});
    // A failure that comes before it is waited for must not count as unheard.
    compiling.catch(() => {});
    return compiling;
  };
  if (loading.compile === "meanwhile") begin();
  const weights = await store.load(graph, plan.weights, loading);
  const make = (kind: string) => (bytes: number, i: number) =>
    device.buffer(`${graph} ${kind} ${i}`, bytes, usage.STORAGE | usage.COPY_DST | usage.COPY_SRC);
  const slots = await Promise.all(plan.slots.map(make("slot")));
  const outputs = await Promise.all(plan.outputs.map(({ bytes }, i) => make("output")(bytes, i)));
  const shared = new Map<string, GPUBuffer>();
  const inputs = new Map<string, GPUBuffer>();
  for (const [i, { name, bytes }] of plan.inputs.entries()) inputs.set(name, await make("input")(bytes, i));
  let ready: readonly Ready[] = [];

  const buffer = (binding: Binding): GPUBuffer => {
    const { index } = binding;
    const name = plan.inputs[index]?.name ?? "";
    const found = { slot: slots[index], weight: weights[index], output: outputs[index], input: shared.get(name) ?? inputs.get(name) }[
      binding.kind
    ];
    if (found === undefined)
      throw mvcError("plan-invalid", { file: graph, reason: `it binds ${binding.kind} ${index}, which is not there` });
    return found;
  };
  let groups: readonly GPUBindGroup[] | undefined;
  const bindGroup = ({ bindings }: Dispatch, pipeline: GPUComputePipeline) =>
    device.gpu.createBindGroup({
      layout: pipeline.getBindGroupLayout(0),
      entries: bindings.map((binding, slot) => ({
        binding: slot,
        resource: { buffer: buffer(binding), ...("size" in binding ? { offset: binding.offset, size: binding.size } : {}) },
      })),
    });
  const set = (pass: GPUComputePassEncoder, { pipeline, grid }: Ready, group: GPUBindGroup) => {
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(...grid);
  };
  const encode = (pass: GPUComputePassEncoder, from: number, to: number) => {
    groups ??= plan.dispatches.map((dispatch, i) => bindGroup(dispatch, (ready[i] as Ready).pipeline));
    for (let i = from; i < to; i++) set(pass, ready[i] as Ready, groups[i] as GPUBindGroup);
  };
  return {
    plan,
    compile: async () => {
      ready = await orAborted(begin(), loading.signal, `compiling the kernels of ${graph}`);
    },
    encode,
    buffer,
    encodeAs: async ({ kernel, grid }, at) => {
      const pipeline = await compile(kernel);
      const group = bindGroup(plan.dispatches[at] as Dispatch, pipeline);
      return (pass) => set(pass, { kernel, pipeline, grid }, group);
    },
    kernelOf: (dispatch) => ready[dispatch]?.kernel ?? "",
    choose: async (choices) => {
      ready = await compileAll(choices);
      groups = undefined;
    },
    tuned: kept !== undefined,
    share: (name, from) => {
      const own = inputs.get(name);
      if (own === undefined || own.size !== from.size) throw new Error(`webgpu: input ${name} of ${graph} cannot be shared`);
      device.free(own);
      shared.set(name, from);
      groups = undefined;
    },
    input: (name) => shared.get(name) ?? (inputs.get(name) as GPUBuffer),
    output: (name) => outputs[plan.outputs.findIndex((one) => one.name === name)] as GPUBuffer,
    submit: () => {
      let from = 0;
      let flops = 0;
      for (const [i, dispatch] of plan.dispatches.entries()) {
        flops += dispatch.flops;
        if (flops < flopsOfSubmit && i + 1 < plan.dispatches.length) continue;
        const first = from;
        pipelines.submit((pass) => encode(pass, first, i + 1));
        from = i + 1;
        flops = 0;
      }
    },
  };
}

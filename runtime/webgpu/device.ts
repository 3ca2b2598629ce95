/** An entry to WebGPU to an open device whose loss and errors are heard. */

import type { DeviceNeeds, Plan } from "../../compiler/package/plan.ts";
import { type MvcError, mvcError, reasonOf } from "../errors.ts";

/** A software adapter computes on the CPU, where ONNX Runtime is many times faster. */
const software = /llvmpipe|lavapipe|swiftshader|software/i;

/** WebGPU's flags of buffers; the names that it defines are not there before a device is. */
export const usage = { MAP_READ: 0x01, COPY_SRC: 0x04, COPY_DST: 0x08, UNIFORM: 0x40, STORAGE: 0x80, QUERY_RESOLVE: 0x200 } as const;

export interface Device {
  readonly gpu: GPUDevice;
  /** What the adapter calls itself. */
  readonly name: string;
  readonly kind: AdapterKind;
  /** Bytes of the buffers that exist. */
  readonly memory: () => number;
  /** Throws `out-of-memory` where the device has no room. */
  readonly buffer: (what: string, bytes: number, flags: number) => Promise<GPUBuffer>;
  /** Frees a buffer that `buffer` made. */
  readonly free: (buffer: GPUBuffer) => void;
  /** Throws what has happened to the device since: `device-lost`, `device-failed` or `disposed`. */
  readonly check: () => void;
  readonly close: () => void;
}

const limitNames: readonly (keyof DeviceNeeds)[] = [
  "maxStorageBufferBindingSize",
  "maxBufferSize",
  "maxStorageBuffersPerShaderStage",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
  "maxComputeWorkgroupsPerDimension",
];

/** Taken where the adapter has them. */
const features: readonly GPUFeatureName[] = ["timestamp-query", "subgroups"];

/** A graphics card, else a processor that plays one where the platform has that; undefined where none answers. */
export async function findAdapter(gpu: GPU): Promise<GPUAdapter | undefined> {
  const ask = (options: GPURequestAdapterOptions) => gpu.requestAdapter(options).catch(() => null);
  return (await ask({ powerPreference: "high-performance" })) ?? (await ask({ forceFallbackAdapter: true })) ?? undefined;
}

/** A processor may play the graphics card; some browsers (Firefox) hide what it is. */
export type AdapterKind = "hardware" | "software" | "unnamed";

export function adapterKind({ info, isFallbackAdapter }: GPUAdapter & { readonly isFallbackAdapter?: boolean }): AdapterKind {
  const name = `${info.vendor} ${info.architecture} ${info.device} ${info.description}`;
  if (isFallbackAdapter === true || info.isFallbackAdapter === true || software.test(name)) return "software";
  return name.trim() === "" ? "unnamed" : "hardware";
}

/**
 * Opens a device with all that its adapter grants.
 * @throws MvcError `adapter-absent`, `device-lost`.
 */
export async function openDevice(gpu: GPU, where = ""): Promise<Device> {
  const adapter = await findAdapter(gpu);
  if (adapter === undefined) throw mvcError("adapter-absent", { where });
  const requiredLimits = Object.fromEntries(limitNames.map((name) => [name, adapter.limits[name]]));
  const requiredFeatures = features.filter((feature) => adapter.features.has(feature));
  const device = await adapter.requestDevice({ requiredLimits, requiredFeatures }).catch((error: unknown) => {
    throw mvcError("device-lost", { reason: reasonOf(error) });
  });
  return watch(device, adapter);
}

function watch(gpu: GPUDevice, adapter: GPUAdapter): Device {
  const { vendor, architecture, device, description } = adapter.info;
  let failure: MvcError | undefined;
  let closed = false;
  let bytes = 0;
  const buffers = new Set<GPUBuffer>();
  gpu.lost.then(({ message }) => {
    if (!closed) failure = mvcError("device-lost", { reason: message.split("\n", 1)[0] || "the driver gave no reason" });
  });
  gpu.addEventListener("uncapturederror", (event) => {
    const { error } = event as GPUUncapturedErrorEvent;
    failure ??= mvcError("device-failed", { reason: reasonOf(error) });
  });
  const check = () => {
    if (closed) throw mvcError("disposed", { what: "the graphics device" });
    if (failure !== undefined) throw failure;
  };
  return {
    gpu,
    name: [vendor, architecture, device, description].filter((part) => part !== "").join(" ") || "unnamed adapter",
    kind: adapterKind(adapter),
    memory: () => bytes,
    buffer: async (what, size, flags) => {
      check();
      gpu.pushErrorScope("out-of-memory");
      gpu.pushErrorScope("validation");
      const made = gpu.createBuffer({ label: what, size: Math.max(16, size), usage: flags });
      const [invalid, full] = await Promise.all([gpu.popErrorScope(), gpu.popErrorScope()]);
      check();
      if (invalid !== null || full !== null) throw mvcError("out-of-memory", { what, bytes: size });
      buffers.add(made);
      bytes += made.size;
      return made;
    },
    free: (buffer) => {
      if (!buffers.delete(buffer)) return;
      bytes -= buffer.size;
      buffer.destroy();
    },
    check,
    close: () => {
      closed = true;
      for (const buffer of buffers) buffer.destroy();
      buffers.clear();
      bytes = 0;
      gpu.destroy();
    },
  };
}

/** Throws `limit-too-low` where the device grants less than the plan needs. */
export function checkLimits(device: Device, plan: Plan): void {
  for (const limit of limitNames) {
    const [needed, found] = [plan.needs[limit], device.gpu.limits[limit]];
    if (needed > found) throw mvcError("limit-too-low", { limit, needed, found, graph: plan.graph });
  }
}

/** What a device allows, as an input of the compiler; and what of a plan goes beyond it. */

import type { DeviceNeeds, Plan } from "../../../package/plan.ts";

/** By the names of WebGPU's limits. */
export type DeviceLimits = DeviceNeeds;

/** What every WebGPU device grants (the specification's defaults). */
export const defaultLimits: DeviceLimits = {
  maxStorageBufferBindingSize: 128 * 2 ** 20,
  maxBufferSize: 256 * 2 ** 20,
  maxStorageBuffersPerShaderStage: 8,
  maxComputeWorkgroupStorageSize: 16384,
  maxComputeInvocationsPerWorkgroup: 256,
  maxComputeWorkgroupSizeX: 256,
  maxComputeWorkgroupsPerDimension: 65535,
};

/** Limits that are known, such as an adapter's own, and for the others what every device grants. */
export function limitsFrom(known: Partial<DeviceLimits>): DeviceLimits {
  const names = Object.keys(defaultLimits) as (keyof DeviceLimits)[];
  return { ...defaultLimits, ...Object.fromEntries(names.flatMap((name) => (known[name] === undefined ? [] : [[name, known[name]]]))) };
}

/** What planning keeps within: a device's limits as they bear on values and on what kernels take in. */
export interface PlanBounds {
  /** Bytes of a binding, which is a buffer's too, or a part of one. */
  readonly binding: number;
  /** Bindings of a kernel. */
  readonly buffers: number;
}

/** Kernels count elements, and devices bytes, in 32 bits. */
export const mostAddressed = 2 ** 32;

/** The limits as far as kernels can make use of them. */
export function addressable(limits: DeviceLimits): DeviceLimits {
  const [binding, buffer] = [limits.maxStorageBufferBindingSize, limits.maxBufferSize].map((bytes) => Math.min(bytes, mostAddressed));
  return { ...limits, maxStorageBufferBindingSize: binding ?? 0, maxBufferSize: buffer ?? 0 };
}

/** More bindings than every device grants would make plans differ that need not. */
const usualBuffers = defaultLimits.maxStorageBuffersPerShaderStage;

export function boundsOf(limits: DeviceLimits): PlanBounds {
  const { maxStorageBufferBindingSize, maxBufferSize } = addressable(limits);
  const bytes = Math.min(maxStorageBufferBindingSize, maxBufferSize);
  // Buffers are whole vec4s.
  return { binding: Math.floor(bytes / 16) * 16, buffers: Math.min(limits.maxStorageBuffersPerShaderStage, usualBuffers) };
}

/** Something of a plan that a device does not allow. */
export interface Breach {
  readonly limit: keyof DeviceLimits;
  /** The weight path, input or output that is too large, or the kernel that asks too much. */
  readonly what: string;
  readonly needed: number;
  readonly allowed: number;
}

/** The first breach of each limit, in the order of the plan. */
export function breachesOf(plan: Plan, limits: DeviceLimits): readonly Breach[] {
  const found = new Map<keyof DeviceLimits, Breach>();
  const check = (limit: keyof DeviceLimits, what: string, needed: number): void => {
    if (needed > limits[limit] && !found.has(limit)) found.set(limit, { limit, what, needed, allowed: limits[limit] });
  };
  for (const { name, bytes } of [...plan.inputs, ...plan.outputs]) check("maxStorageBufferBindingSize", name, bytes);
  for (const { label, bytes } of plan.weights) check("maxBufferSize", label, bytes);
  for (const dispatch of plan.dispatches) {
    for (const binding of dispatch.bindings) if ("size" in binding) check("maxStorageBufferBindingSize", dispatch.label, binding.size);
    check("maxStorageBuffersPerShaderStage", dispatch.label, dispatch.bindings.length);
    check("maxComputeWorkgroupsPerDimension", dispatch.label, Math.max(...dispatch.grid));
  }
  for (const limit of Object.keys(limits) as (keyof DeviceLimits)[]) check(limit, `graph ${plan.graph}`, plan.needs[limit]);
  return [...found.values()];
}

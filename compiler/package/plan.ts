/** The plan of a graph on WebGPU: its buffers, its weights as the device holds them, and its dispatches in order, as plain JSON. Types only. */

/** Sizes in bytes. */
export interface Plan {
  readonly graph: string;
  /** Buffers that intermediate values share. What lies there is undefined before its first write in a run. */
  readonly slots: readonly number[];
  /** Row-major, as the manifest lists them; floats are f32 here whatever the build's precision, tokens i32. */
  readonly inputs: readonly PlannedTensor[];
  /** Row-major f32; their buffers outlive the run, so that another graph can read them as its inputs. */
  readonly outputs: readonly PlannedTensor[];
  readonly weights: readonly WeightBuffer[];
  readonly dispatches: readonly Dispatch[];
  /** For tools that look into a run; a run itself needs none of it. */
  readonly values: readonly PlannedValue[];
  /** What a device must allow. */
  readonly needs: DeviceNeeds;
}

export interface PlannedTensor {
  readonly name: string;
  readonly bytes: number;
}

/** A buffer of weights; `parts` fill all of it that kernels read. */
export interface WeightBuffer {
  readonly label: string;
  readonly bytes: number;
  readonly parts: readonly WeightPart[];
}

/**
 * One tensor of `weights.safetensors` as it goes into its buffer. The tensor, from its element `from` on (0 where it is
 * not given), is read as [outputs, inputs, taps]; its
 * element (o, i, t) goes to element `start + (t · inputs + i) · columns + column(o)` of the buffer, where column(o) is o,
 * or for gated pairs, whose halves are interleaved by fours, ⌊(o mod h) / 4⌋ · 8 + (o ≥ h ? 4 : 0) + o mod 4 with h = outputs / 2.
 * Columns that no part fills are zero.
 */
export interface WeightPart {
  /** The tensor's key in the weight file (law 6), or numbers known at compile time. */
  readonly path?: string;
  readonly constant?: readonly number[];
  readonly from?: number;
  readonly outputs: number;
  readonly inputs: number;
  readonly taps: number;
  readonly columns: number;
  readonly gated: boolean;
  /** In elements of `dtype`; a multiple of 4. */
  readonly start: number;
  /** What the buffer holds; two f16 lie in one word, the first in its low bits. */
  readonly dtype: "f32" | "f16";
}

export type Binding =
  /** Whole buffers. */
  | { readonly kind: "input" | "output"; readonly index: number }
  /** `offset` is a multiple of 256. Where a dispatch reads the slot that it writes, the parts do not overlap and its kernel declares all of them writable. */
  | { readonly kind: "slot" | "weight"; readonly index: number; readonly offset: number; readonly size: number };

export interface Dispatch {
  /** The weight path of what it computes, or the op (law 6). */
  readonly label: string;
  /** Named as in `webgpu/<graph>.wgsl`. */
  readonly kernel: string;
  /** Workgroups along x, y, z. */
  readonly grid: readonly [number, number, number];
  /** Others that compute the same from the same bindings: which is fastest, only the device can tell. */
  readonly variants?: readonly Variant[];
  /** In the order of `@binding`; group 0. */
  readonly bindings: readonly Binding[];
  /** Index into `bindings` of what it writes. */
  readonly writes: number;
  readonly flops: number;
  /** Read and written, each tensor counted once. */
  readonly bytes: number;
}

export interface Variant {
  readonly kernel: string;
  /** It runs only where the device has this. */
  readonly feature?: "subgroups";
  /** It was faster wherever it was measured: taken where it runs, unless another was chosen. */
  readonly preferred?: true;
  readonly grid: readonly [number, number, number];
}

/** A value that reaches memory, and where it lies there until a later dispatch takes the place. */
export interface PlannedValue {
  /** Its number in `graphs/<graph>.json`. */
  readonly value: number;
  /** The dispatch, counted from 0, after which it is whole. */
  readonly after: number;
  readonly binding: Binding;
  readonly dtype: "f32" | "f16" | "i32";
  /** Of its axes and of its first element, in elements. */
  readonly strides: readonly number[];
  readonly start: number;
}

/** The names of WebGPU's limits. */
export interface DeviceNeeds {
  readonly maxStorageBufferBindingSize: number;
  readonly maxBufferSize: number;
  readonly maxStorageBuffersPerShaderStage: number;
  readonly maxComputeWorkgroupStorageSize: number;
  readonly maxComputeInvocationsPerWorkgroup: number;
  readonly maxComputeWorkgroupSizeX: number;
  readonly maxComputeWorkgroupsPerDimension: number;
}

/** What the ONNX engine and its workers tell each other. */

import type { TensorData } from "../../runtime/tensor.ts";

/** A weight of a flat vector. */
export interface Placed {
  readonly name: string;
  readonly shape: readonly number[];
  readonly start: number;
  readonly end: number;
}

/** What a worker is started with. Its own tensors are copies: ONNX Runtime refuses shared memory in a worker. */
export interface WorkerData {
  readonly stage: string;
  /** The bytes of the model: losses, then a gradient for each trained weight in the order of `trained`. */
  readonly model: Uint8Array;
  readonly threads: number;
  readonly losses: readonly string[];
  /** Weights and where their gradients lie, which have the same places. */
  readonly trained: readonly (Placed & { readonly gradient: string })[];
  /** All trained weights, f32. */
  readonly values: SharedArrayBuffer;
  readonly frozen: readonly Placed[];
  readonly frozenValues: SharedArrayBuffer;
}

/** One step: the batches that are this worker's, and where their gradients go. */
export interface StepRequest {
  readonly batches: readonly { readonly feeds: ReadonlyMap<string, TensorData>; readonly gradients: SharedArrayBuffer }[];
}

export type StepReply =
  | { readonly kind: "ready" }
  /** Of each batch in turn, in the order of `losses`. */
  | { readonly kind: "done"; readonly losses: readonly (readonly number[])[] }
  | { readonly kind: "failed"; readonly reason: string };

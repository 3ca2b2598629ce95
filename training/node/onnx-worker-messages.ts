/** What the ONNX engine and its workers tell each other. */

import type { AdamwFigures, FlatState } from "../adamw.ts";
import type { Feeds, StepFigures } from "../engine.ts";

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
  /** All trained weights and what AdamW keeps of them, in shared memory; of its segments those that are this worker's to update. */
  readonly flat: FlatState;
  readonly optimizer: AdamwFigures;
  /** Of each part of a step's batch, in shared memory. In the first one's place comes what the step's gradient is. */
  readonly gradients: readonly Float32Array[];
  readonly frozen: readonly Placed[];
  readonly frozenValues: SharedArrayBuffer;
}

export type WorkerRequest =
  /** The parts of a step's batch that are this worker's: their losses, and their gradients into the places of the parts. */
  | { readonly kind: "gradients"; readonly batches: readonly { readonly part: number; readonly feeds: Feeds }[] }
  /** AdamW on the worker's own segments, once the step's gradient is known; it is multiplied by `factor`. */
  | { readonly kind: "update"; readonly factor: number; readonly figures: StepFigures };

export type WorkerReply =
  | { readonly kind: "ready" }
  /** Of each batch in turn, in the order of `losses`; none of an update. */
  | { readonly kind: "done"; readonly losses: readonly (readonly number[])[] }
  | { readonly kind: "failed"; readonly reason: string };

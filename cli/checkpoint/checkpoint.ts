/** A checkpoint as its tensors by key, whatever files and formats it lies in. */

import type { Extent } from "../../runtime/node/extents.ts";
import type { StoredDType } from "../../runtime/safetensors.ts";

export interface CheckpointTensor {
  readonly dtype: StoredDType;
  readonly shape: readonly number[];
  /** Where its elements lie as `chunks` gives them, if they do in a file. */
  readonly extent?: Extent | undefined;
  /** The elements in row-major order, little-endian, a piece at a time: read when asked for, so that memory does not grow with the tensor. A piece may change once the next is asked for. */
  chunks(): Iterable<Uint8Array>;
}

/** Whoever opens it closes it. */
export interface Checkpoint {
  /** As the user named it. */
  readonly path: string;
  /** The files that its tensors lie in. */
  readonly files: readonly string[];
  /** By key; in a folder of several parts `part/key`: `unet/conv_in.weight` of a diffusers folder, `encoder/1.weight` of `encoder.pth`. */
  readonly tensors: ReadonlyMap<string, CheckpointTensor>;
  /** What the file says of itself. */
  readonly metadata: { readonly [key: string]: string };
  /** What was read in a way that its owner may not expect, one sentence each. */
  readonly notes: readonly string[];
  close(): void;
}

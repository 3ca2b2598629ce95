/** Where values lie on the device: the buffer, its element type, and the order of the axes in it. */

/** What a buffer of the plan holds. */
export interface Stored {
  /** Names the buffer in the plan. */
  readonly buffer: string;
  readonly dtype: "f32" | "f16" | "i32";
  /** Of the whole buffer. */
  readonly elements: number;
  readonly strides: readonly number[];
  readonly start: number;
}

/** Small f32 weights that a kernel reads from one binding, each at a multiple of 4 elements. */
export interface VectorPart {
  readonly path?: string;
  readonly constant?: readonly number[];
  readonly size: number;
  readonly start: number;
}

/** The binding of small weights. */
export const vectorsBuffer = "vectors";

/** A run of a table's rows in a buffer of its own. */
export interface TableRows {
  readonly stored: Stored;
  readonly first: number;
  readonly rows: number;
}

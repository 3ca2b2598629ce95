/** Latents of many clips to their mean and deviation by channel, and these into the layers on both sides of the latents. */

import type { LatentLayer, MeasureStage } from "../compiler/module/training.ts";

/** Sums by channel of values that are added one clip after the other, in f64. */
export class ChannelFigures {
  readonly #sums: Float64Array;
  readonly #squares: Float64Array;
  /** Values between two of neighbouring channels. */
  readonly #stride: number;
  #count = 0;

  /** `shape` is that of what is added; `axis` says which of its axes are the channels. */
  constructor(shape: readonly number[], axis: number) {
    this.#sums = new Float64Array(shape[axis] ?? 1);
    this.#squares = new Float64Array(this.#sums.length);
    this.#stride = shape.slice(axis + 1).reduce((product, size) => product * size, 1);
  }

  add(values: Float32Array): void {
    const channels = this.#sums.length;
    for (let i = 0; i < values.length; i++) {
      const channel = Math.floor(i / this.#stride) % channels;
      const value = values[i] as number;
      this.#sums[channel] = (this.#sums[channel] as number) + value;
      this.#squares[channel] = (this.#squares[channel] as number) + value * value;
    }
    this.#count += values.length / channels;
  }

  /** The deviation is that of all values, not an estimate from some. */
  figures(): { readonly mean: Float64Array; readonly deviation: Float64Array } {
    const mean = this.#sums.map((sum) => sum / this.#count);
    const deviation = this.#squares.map((squares, c) => Math.sqrt(Math.max(0, squares / this.#count - (mean[c] as number) ** 2)));
    return { mean, deviation };
  }
}

/** The weights as they are then, by path; a channel that is the same in all clips keeps its size. */
export function normalised(
  { writer, readers }: Pick<MeasureStage, "writer" | "readers">,
  { mean, deviation }: ReturnType<ChannelFigures["figures"]>,
  weights: ReadonlyMap<string, Float32Array>,
): ReadonlyMap<string, Float32Array> {
  const sizes = deviation.map((one) => (one > 0 ? one : 1));
  const changed = new Map<string, Float32Array>();
  const layer = ({ weight, bias }: LatentLayer) => {
    const copies = [weight, bias].map((path) => {
      const found = changed.get(path) ?? weights.get(path)?.slice();
      if (found === undefined) throw new Error(`training: there is no weight ${path} to normalise latents by`);
      changed.set(path, found);
      return found;
    });
    return copies as [Float32Array, Float32Array];
  };
  const [rows, offsets] = layer(writer);
  const wide = rows.length / offsets.length;
  for (const [c, size] of sizes.entries()) {
    for (let i = c * wide; i < (c + 1) * wide; i++) rows[i] = (rows[i] as number) / size;
    offsets[c] = ((offsets[c] as number) - (mean[c] as number) / writer.scale) / size;
  }
  for (const reader of readers) {
    const [matrix, bias] = layer(reader);
    const columns = matrix.length / bias.length;
    for (let row = 0; row < bias.length; row++) {
      let shift = 0;
      for (let column = 0; column < columns; column++) {
        const at = row * columns + column;
        shift += (matrix[at] as number) * (mean[column] ?? 0);
        matrix[at] = (matrix[at] as number) * (sizes[column] ?? 1);
      }
      bias[row] = (bias[row] as number) + reader.scale * shift;
    }
  }
  return changed;
}

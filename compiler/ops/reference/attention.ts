/** Queries, keys and values to attended values, one query of one head at a time. */

import type { Floats, ResultType, Tensor } from "../op.ts";
import { floatsFor, stridesOf } from "./tensor.ts";

/** `query` [N, S, C], `key` and `value` [N, T, C], `bias` [N, heads, S, T], whose axes of 1 stretch; causal: query i sees the keys 0 to i. */
export function attention(
  query: Tensor<Floats>,
  key: Tensor<Floats>,
  value: Tensor<Floats>,
  bias: Tensor<Floats> | undefined,
  heads: number,
  causal: boolean,
  output: ResultType,
): Floats {
  const [batch = 1, queries = 1, channels = 1] = query.shape;
  const keys = key.shape[1] ?? 1;
  const width = channels / heads;
  const scale = 1 / Math.sqrt(width);
  const made = floatsFor(output);
  const scores = new Float64Array(keys);
  const sums = new Float64Array(width);
  const steps = bias === undefined ? [] : stridesOf(bias.shape).map((stride, axis) => (bias.shape[axis] === 1 ? 0 : stride));
  const [perBatch = 0, perHead = 0, perQuery = 0, perKey = 0] = steps;
  for (let n = 0; n < batch; n++) {
    for (let head = 0; head < heads; head++) {
      const first = n * keys * channels + head * width;
      for (let i = 0; i < queries; i++) {
        const at = (n * queries + i) * channels + head * width;
        const biases = n * perBatch + head * perHead + i * perQuery;
        const seen = causal ? Math.min(keys, i + 1) : keys;
        let largest = Number.NEGATIVE_INFINITY;
        for (let j = 0; j < seen; j++) {
          let sum = 0;
          for (let c = 0; c < width; c++) sum += (query.data[at + c] as number) * (key.data[first + j * channels + c] as number);
          const score = sum * scale + (bias === undefined ? 0 : (bias.data[biases + j * perKey] as number));
          scores[j] = score;
          largest = Math.max(largest, score);
        }
        let total = 0;
        sums.fill(0);
        for (let j = 0; j < seen; j++) {
          const weight = Math.exp((scores[j] as number) - largest);
          total += weight;
          for (let c = 0; c < width; c++) sums[c] = (sums[c] as number) + weight * (value.data[first + j * channels + c] as number);
        }
        for (let c = 0; c < width; c++) made[at + c] = (sums[c] as number) / total;
      }
    }
  }
  return made;
}

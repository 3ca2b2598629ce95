/** What sessions that train ask of ONNX Runtime beyond those that sample. */

import type { InferenceSession } from "onnxruntime-node";

/**
 * Without the pattern of the first run's memory the peak of a step is a third lower, at no cost in time (measured: 1,553 to 895 MB).
 * The engine's optimizer of transposes makes two cheap ones of weights into one dear one: a step takes 2 % less without it.
 */
export const trainingSettings: InferenceSession.SessionOptions = {
  enableMemPattern: false,
  extra: { optimization: { disable_specified_optimizers: "TransposeOptimizer" } },
};

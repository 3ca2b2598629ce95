/** The runtime's door in Node: load a package, sample clips, run graphs, read and write tensors. */

export { type Clip, frameOf } from "./clip.ts";
export type { ClipRequest, ConditionInput, Picture } from "./conditions.ts";
export { type ErrorCode, MvcError, mvcError } from "./errors.ts";
export { writeAtomically } from "./node/atomic-file.ts";
export { type Backend, type LoadOptions, loadPipeline, openRunner } from "./node/load.ts";
export { type OnnxOptions, onnxRunner } from "./node/onnx-session.ts";
export { packageFolder } from "./node/package-folder.ts";
export {
  readSafetensors,
  readSafetensorsHeader,
  type TensorSource,
  tensorSource,
  writeSafetensors,
} from "./node/safetensors-file.ts";
export type { Progress, SampleOptions, StepLatents } from "./options.ts";
export { openPackage, type Package, type PackageFiles } from "./package.ts";
export { type AnyGraphs, createPipeline, type GraphTypes, type Pipeline, type SampledClip } from "./pipeline.ts";
export type { GraphRunner } from "./session.ts";
export type { TensorData, Tensors } from "./tensor.ts";

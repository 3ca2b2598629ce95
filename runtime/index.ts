/** The runtime's door in Node: load a package, sample clips and write them, run graphs, read and write tensors. */

export { type Clip, frameOf } from "./clip.ts";
export type { ClipInput } from "./clips/clip-input.ts";
export type { Known } from "./clips/known.ts";
export type { PromptKey } from "./clips/prompt-keys.ts";
export type { ClipRequest, ConditionInput, Picture } from "./conditions.ts";
export { type ErrorCode, MvcError, mvcError } from "./errors.ts";
export type { About } from "./media/about.ts";
export { contactSheet as encodePng, type SheetOptions } from "./media/contact-sheet.ts";
export type { VideoOptions } from "./media/gif-encoding.ts";
export { writeAtomically } from "./node/atomic-file.ts";
export { gif as encodeGif } from "./node/gif.ts";
export { type Backend, type LoadOptions, loadPipeline, openRunner } from "./node/load.ts";
export { mp4 as encodeMp4 } from "./node/mp4.ts";
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
export type { LongPrompt, PromptOptions, TruncatedPrompt } from "./prompt.ts";
export type { GraphRunner } from "./session.ts";
export type { TensorData, Tensors } from "./tensor.ts";

/** The runtime's door in a page: load a package by its address, sample clips. */

export { type Clip, frameOf } from "../clip.ts";
export type { ClipInput } from "../clips/clip-input.ts";
export type { Known } from "../clips/known.ts";
export type { PromptKey } from "../clips/prompt-keys.ts";
export type { ClipRequest, ConditionInput, Picture } from "../conditions.ts";
export { type ErrorCode, MvcError, mvcError } from "../errors.ts";
export type { Progress, SampleOptions } from "../options.ts";
export type { Package } from "../package.ts";
export type { AnyGraphs, GraphTypes, Pipeline, SampledClip } from "../pipeline.ts";
export type { LongPrompt, PromptOptions, TruncatedPrompt } from "../prompt.ts";
export { type AdapterKind, adapterKind, findAdapter } from "../webgpu/device.ts";
export { loadPipeline, type WebLoadOptions } from "./load.ts";
export type { OnnxEngine } from "./onnx-session.ts";

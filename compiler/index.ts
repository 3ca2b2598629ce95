/** The compiler's door, which touches no file and runs in a browser as it is: a checked program to graphs, and these to plans, costs and packages. */

export { type ClipCost, clipCostOf } from "./analysis/clip-cost.ts";
export { type Cost, costOf, type GraphCost, type Share, type Shares } from "./analysis/cost.ts";
export { type Dependence, dependenceAlong } from "./analysis/dependence.ts";
export { interpret } from "./analysis/interpret.ts";
export { checkSizes } from "./check-sizes.ts";
export { type CompileResult, compile, type Expanded, expandModel, shapeErrors } from "./compile.ts";
export type { Choices, Setting } from "./expand/configure.ts";
export type { Graph } from "./graph/graph.ts";
export { printGraph } from "./graph/print.ts";
export type { Module, Tokenizer } from "./module/module.ts";
export { opSignatures } from "./ops/table.ts";
export type { Manifest } from "./package/manifest.ts";
export type { Plan } from "./package/plan.ts";
export { printPlan } from "./package/print-plan.ts";
export type { PlacedWeight, WeightLayout } from "./package/weights.ts";
export { emitPackage, type OnnxTarget, type PackageFiles, type Targets } from "./package-files.ts";
export { onnxPasses, runPasses } from "./passes/passes.ts";
export type { StageEnd, Trace } from "./rewriting/trace.ts";
export { defaultOpset, type Opset, opsets } from "./targets/onnx/opsets.ts";
export { emitBindings } from "./targets/typescript/bindings.ts";
export { type DeviceLimits, defaultLimits, limitsFrom } from "./targets/webgpu/plan/limits.ts";
export type { Planned } from "./targets/webgpu/plan-graph.ts";
export { type PlanResult, planModel } from "./targets/webgpu/plan-model.ts";
export { version } from "./version.ts";

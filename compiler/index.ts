/** The compiler's door: a checked program to graphs, and graphs to the files of a package. */

export { type ClipCost, clipCostOf } from "./analysis/clip-cost.ts";
export { type Cost, costOf, type GraphCost, type Share, type Shares } from "./analysis/cost.ts";
export { type Dependence, dependenceAlong } from "./analysis/dependence.ts";
export { interpret } from "./analysis/interpret.ts";
export { checkSizes } from "./check-sizes.ts";
export { type CompileResult, compile, type Expanded, expandModel, shapeErrors } from "./compile.ts";
export type { Choices, Setting } from "./expand/configure.ts";
export type { Graph } from "./graph/graph.ts";
export { printGraph } from "./graph/print.ts";
export type { Module } from "./module/module.ts";
export { opSignatures } from "./ops/table.ts";
export type { Manifest } from "./package/manifest.ts";
export { emitPackage, type PackageFiles } from "./package-files.ts";
export { emitBindings } from "./targets/typescript/bindings.ts";

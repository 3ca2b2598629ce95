/** The compiler's door: a checked program to graphs, and graphs to the files of a package. */

export { type Compiled, type CompileResult, compile, expandModel, shapeErrors } from "./compile.ts";
export { costOf, type GraphCost } from "./cost.ts";
export { emitBindings } from "./emit/bindings.ts";
export { emitPackage, type PackageFiles } from "./emit/package.ts";
export type { Choices, Setting } from "./expand/configure.ts";
export { type Dependence, dependenceAlong } from "./graph/dependence.ts";
export type { Graph } from "./graph/graph.ts";
export { printGraph } from "./graph/print.ts";
export { interpret } from "./interpret.ts";
export { opSignatures } from "./ops/table.ts";
export type { Manifest } from "./package/manifest.ts";

/** The door of the language: what the compiler and the command line use of it. */

export { isAnyAxis } from "./any-axis.ts";
export type * from "./ast.ts";
export { check } from "./check/check.ts";
export { layoutForms } from "./check/context.ts";
export { PathReach } from "./check/path-reach.ts";
export * from "./diagnostic.ts";
export { plainText, showLabel, wellFormed, wellFormedDrop, wellFormedKey } from "./label.ts";
export { nearest } from "./nearest.ts";
export { never } from "./never.ts";
export { type ParseResult, parse } from "./parse.ts";
export { format } from "./print/print.ts";
export { printTokens, printTree } from "./print/tree.ts";
export type * from "./program.ts";
export { type Painter, placeOf, type RenderOptions, renderAll, renderDiagnostic } from "./render.ts";
export { same } from "./sampling.ts";
export * from "./signature.ts";
export { firstErrors } from "./syntax-messages.ts";
export { lossesOf } from "./training.ts";
export { expressionsOf, partsOf } from "./walk.ts";

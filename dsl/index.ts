/** The door of the language: what the compiler and the command line use of it. */
export type * from "./ast.ts";
export * from "./diagnostic.ts";
export type * from "./program.ts";
export type * from "./signature.ts";

/** The versions of ONNX's operators that models can be written in, each with the version of the file format that it was released with. */

/** From the first with LayerNormalization, as the ONNX project lists them (docs/Versioning.md). */
export const irVersions = { 17: 8, 18: 8, 19: 9, 20: 9, 21: 10, 22: 10, 23: 11, 24: 12, 25: 13 } as const;

export type Opset = keyof typeof irVersions;

export const opsets = Object.keys(irVersions).map(Number) as readonly Opset[];

/** The lowest with Gelu, which ONNX Runtime (from 1.17 on) runs in one pass. */
export const defaultOpset: Opset = 20;

/** The element types of tensors; `float` of the language has become the build's precision here. */

export type DType = "f32" | "f16" | "i32";

export const bytesOfDType: { readonly [D in DType]: number } = { f32: 4, f16: 2, i32: 4 };

// Each op at odd shapes and attributes: what the tests of ONNX's nodes compute.

import type { Attributes, DType } from "../../../../compiler/graph/graph.ts";
import type { OpName } from "../../../../compiler/graph/op-names.ts";
import { graphOf } from "../../ops/one-op.ts";

export type Case = readonly [op: OpName, shapes: readonly (readonly number[])[], attributes?: Attributes];

export const cases: readonly Case[] = [
  ["conv2d", [[2, 3, 5, 7]], { out: 4, kernel: 3 }],
  ["conv2d", [[1, 2, 3, 5, 7]], { out: 4, kernel: 3, bias: false }],
  ["conv2d", [[2, 2, 3, 4, 6]], { out: 5, kernel: 3, stride: 2 }],
  ["conv2d", [[2, 3, 7, 5]], { out: 2, kernel: 3, stride: 2 }],
  ["conv2d", [[2, 3, 8, 6]], { out: 2, kernel: 3, stride: 2, padding: "end" }],
  ["conv2d", [[1, 2, 3, 7, 5]], { out: 2, kernel: 3, stride: 2, padding: "end" }],
  ["conv2d", [[1, 3, 4, 4]], { out: 2, kernel: 1 }],
  ["conv2d", [[1, 3, 6, 6]], { out: 2, kernel: 5 }],
  ["conv2d", [[2, 4, 5, 7]], { out: 6, kernel: [2, 3], stride: [1, 2], padding: ["causal", "none"], dilation: [2, 1], groups: 2 }],
  ["conv1d", [[3, 5, 7]], { out: 4, kernel: 4 }],
  ["conv1d", [[1, 2, 3, 7]], { out: 3, kernel: 3, padding: "causal", dilation: 2, groups: 3 }],
  ["conv1d", [[2, 3, 1]], { out: 2, kernel: 1, padding: 2, bias: false }],
  ["conv3d", [[2, 2, 3, 4, 5]], { out: 3, kernel: [3, 1, 2], padding: ["causal", "none", "end"] }],
  ["conv3d", [[1, 4, 4, 3, 5]], { out: 4, kernel: 3, stride: [1, 2, 2], groups: 4 }],
  ["convTranspose1d", [[3, 5, 7]], { out: 4, kernel: 3, stride: 2 }],
  ["convTranspose1d", [[2, 4, 5]], { out: 4, kernel: 5, stride: 3, padding: "causal", groups: 4 }],
  ["convTranspose2d", [[2, 4, 3, 5]], { out: 6, kernel: [2, 3], stride: [2, 1], padding: ["none", "same"], dilation: [2, 1], groups: 2 }],
  ["convTranspose3d", [[1, 2, 2, 3, 4]], { out: 3, kernel: [1, 4, 4], stride: [1, 2, 2], padding: [0, 1, 1] }],
  [
    "convWeightGradient",
    [
      [2, 3, 5, 7],
      [2, 4, 3, 4],
    ],
    { kernel: [3, 3], stride: [2, 2], dilation: [1, 1], before: [1, 1], groups: 1 },
  ],
  [
    "convWeightGradient",
    [
      [2, 4, 7],
      [2, 6, 5],
    ],
    { kernel: [2], stride: [1], dilation: [2], before: [2], groups: 2 },
  ],
  [
    "convWeightGradient",
    [
      [2, 3, 4, 2, 3],
      [2, 2, 4, 2, 3],
    ],
    { kernel: [1, 1, 1], stride: [1, 1, 1], dilation: [1, 1, 1], before: [0, 0, 0], groups: 1 },
  ],
  ["averagePool1d", [[3, 7]], { kernel: 3 }],
  ["averagePool2d", [[5, 7]], { kernel: [2, 3], stride: 1 }],
  ["averagePool2d", [[2, 3, 4, 6]], { kernel: 2 }],
  ["averagePool3d", [[2, 3, 4, 5, 6]], { kernel: [1, 2, 2], stride: [2, 1, 2] }],
  ["linear", [[3]], { out: 5 }],
  ["linear", [[4, 3]], { out: 5, bias: false }],
  ["linear", [[2, 3, 1, 7]], { out: 5 }],
  ["groupNorm", [[6, 3, 5]], { groups: 3 }],
  ["groupNorm", [[2, 6, 3, 5]], { groups: 6 }],
  ["groupNorm", [[2, 3, 6, 4, 4]], { groups: 2, eps: 1e-6 }],
  ["groupNorm", [[1, 2, 5, 1, 3]], { groups: 1 }],
  ["layerNorm", [[2, 3, 7]]],
  ["layerNorm", [[9]], { eps: 1e-3 }],
  ["layerNorm", [[2, 3, 7]], { affine: false }],
  ["rmsNorm", [[2, 3, 7]]],
  ["rmsNorm", [[2, 3, 7]], { affine: false }],
  ["rmsNorm", [[9]], { eps: 1e-3 }],
  [
    "attend",
    [
      [2, 5, 6],
      [2, 5, 6],
      [2, 5, 6],
    ],
    { heads: 3, causal: true },
  ],
  [
    "attend",
    [
      [3, 4, 6],
      [3, 7, 6],
      [3, 7, 6],
    ],
    { heads: 2 },
  ],
  [
    "attend",
    [
      [1, 1, 4],
      [1, 1, 4],
      [1, 1, 4],
    ],
    { heads: 1, causal: true },
  ],
  [
    "attend",
    [
      [3, 4, 6],
      [3, 7, 6],
      [3, 7, 6],
      [3, 2, 4, 7],
    ],
    { heads: 2 },
  ],
  [
    "attend",
    [
      [3, 5, 6],
      [3, 5, 6],
      [3, 5, 6],
      [1, 3, 1, 5],
    ],
    { heads: 3, causal: true },
  ],
  ["silu", [[2, 9]]],
  ["gelu", [[2, 9]]],
  ["gelu", [[2, 9]], { approximate: "tanh" }],
  ["quickGelu", [[2, 9]]],
  ["sigmoid", [[2, 9]]],
  ["tanh", [[2, 9]]],
  ["exp", [[2, 9]]],
  ["relu", [[2, 9]]],
  ["sin", [[2, 9]]],
  ["cos", [[2, 9]]],
  ["abs", [[2, 9]]],
  ["step", [[2, 9]]],
  [
    "after",
    [
      [2, 9],
      [3, 1, 4],
    ],
  ],
  ["erf", [[2, 9]]],
  ["geglu", [[3, 2, 10]]],
  ["softmax", [[3, 4, 5]], { axis: 2 }],
  ["softmax", [[3, 4, 5]], { axis: 0 }],
  ["sum", [[3, 4, 5]], { axis: 1 }],
  ["sum", [[2000]], { axis: 0 }],
  ["mean", [[3, 4, 5]], { axis: 2 }],
  ["max", [[3, 4, 5]], { axis: 0 }],
  ["max", [[3, 1]], { axis: 1 }],
  ["maskedSoftmax", [[2, 3, 5, 5]]],
  // A mask too large to be written.
  ["maskedSoftmax", [[1, 260, 260]]],
  [
    "matmul",
    [
      [3, 4],
      [4, 5],
    ],
  ],
  [
    "matmul",
    [
      [2, 3, 3, 4],
      [2, 3, 4, 5],
    ],
  ],
  [
    "rotary",
    [
      [2, 3, 6],
      [2, 3],
    ],
    {},
  ],
  [
    "rotary",
    [
      [2, 3, 5, 10],
      [1, 3, 1],
    ],
    { base: 100, pairs: "halves" },
  ],
  ["rotary", [[4], []], { pairs: "halves" }],
  ["upsample", [[2, 3, 4, 5]], { factor: 2 }],
  ["upsample", [[1, 2, 3, 2, 3]], { factor: 3 }],
  ["upsample", [[2, 3]], { factor: 2 }],
  [
    "concat",
    [
      [2, 3, 4],
      [2, 1, 4],
      [2, 5, 4],
    ],
    { axis: 1 },
  ],
  ["concat", [[2, 3]], { axis: 0 }],
  ["slice", [[2, 7, 3]], { axis: 1, start: 2, size: 4 }],
  ["pad", [[2, 3, 4]], { axis: 1, before: 2, after: 1 }],
  ["pad", [[5]], { axis: 0, before: 0, after: 3 }],
  ["pad", [[2, 3]], { axis: 1, before: 0, after: 0 }],
  [
    "add",
    [
      [2, 1, 3],
      [1, 4, 3],
    ],
  ],
  [
    "sub",
    [
      [2, 3],
      [2, 1],
    ],
  ],
  [
    "mul",
    [
      [1, 1],
      [3, 4],
    ],
  ],
  ["reshape", [[2, 6]], { shape: [3, 4] }],
  ["transpose", [[2, 3, 4, 5]], { permutation: [2, 0, 3, 1] }],
  ["broadcast", [[2, 1, 3]], { shape: [2, 4, 3] }],
];

export const titled = cases.map((row) => [`${row[0]} ${JSON.stringify(row[1])} ${JSON.stringify(row[2] ?? {})}`, row] as const);

export function build([op, shapes, attributes]: Case, dtype: DType) {
  return graphOf(
    op,
    shapes.map((shape) => ({ dtype, shape })),
    attributes,
  );
}

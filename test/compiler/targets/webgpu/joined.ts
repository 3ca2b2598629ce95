// Models that ask more of a kernel than it can take in: written out, so that every suite plans, checks or runs the same ones.

import { compile } from "../../../../compiler/compile.ts";
import type { Setting } from "../../../../compiler/expand/configure.ts";
import type { Module } from "../../../../compiler/module/module.ts";
import { opSignatures } from "../../../../compiler/ops/table.ts";
import { check, renderAll } from "../../../../dsl/index.ts";

/** A source's text, compiled; errors fail the test with the message that a user would read. */
export function compileText(source: string, precision: "f32" | "f16" = "f32", settings: { [name: string]: Setting } = {}): Module {
  const host = { read: (path: string) => (path === "test.mv" ? source : undefined), resolve: (_: string, path: string) => path };
  const { program, diagnostics, texts } = check("test.mv", host, opSignatures);
  if (program === undefined) throw new Error(renderAll(diagnostics, texts));
  const result = compile(program, { precision, settings });
  if (!result.ok) throw new Error(renderAll(result.diagnostics, texts));
  return result.module;
}

/** Each by what it has too much of. */
export const joinedModels = {
  /** The keys and values of every layer read the same text: one product, were there no limits. */
  "linear ops of the same rows": `
dim C = 96; param depth: int = 6;
model M {
  graph run(x: Tensor<float, [1, 8, C]>, text: Tensor<float, [1, 4, C]>): Tensor<float, [1, 8, C]> {
    let h = x;
    repeat depth as layer {
      const key = text |> linear(C) as key;
      const value = text |> linear(C) as value;
      h = h + attend(h, key, value, heads: 4);
    }
    return h;
  }
}`,
  "values side by side": `
dim N = 23;
model M {
  graph run(x: Tensor<float, [2, 8]>): Tensor<float, [2 * N, 8]> {
    let list = [];
    repeat i of N as unit { list.push(x |> linear(8) as l |> silu()); }
    return concat(list, axis: 0) |> layerNorm() as norm;
  }
}`,
  "channels side by side, not in fours": `
dim N = 11;
model M {
  graph run(x: Tensor<float, [5, 8]>): Tensor<float, [5, 8]> {
    let list = [];
    repeat i of N as unit { list.push(x |> linear(3) as l |> tanh()); }
    return concat(list, axis: 1) |> linear(8) as out;
  }
}`,
  "numbers side by side": `
dim F = 16;
model M {
  graph run(t: Tensor<f32, [1]>): Tensor<float, [F, 8]> {
    const zero = t * 0.0;
    let list = [zero];
    repeat i of F - 1 { list.push(zero + (i + 1)); }
    return concat(list, axis: 0) |> sinusoid(8);
  }
}`,
  /** Row s of the scores takes the window of a table that begins at s. */
  "a relative-position bias": `
dim S = 48; dim heads = 2; dim C = 8;
block Bias(scores: Tensor<float, [heads, S, S]>): Tensor<float, [heads, S, S]> {
  weight table: Tensor<float, [heads, 2 * S - 1]> = normal(0.02);
  let rows = [];
  repeat i of S { rows.push(table |> slice(axis: 1, start: i, size: S) |> view([heads, 1, S])); }
  return scores + concat(rows, axis: 1);
}
model M {
  graph run(q: Tensor<float, [heads, S, C]>, k: Tensor<float, [heads, C, S]>): Tensor<float, [heads, S, S]> {
    return matmul(q, k) |> Bias() as bias |> softmax(axis: 2);
  }
}`,
  "halves that swap again and again": `
model M {
  graph run(x: Tensor<float, [16, 12]>): Tensor<float, [16, 12]> {
    let h = x;
    repeat i of 14 {
      h = concat([h |> slice(axis: 0, start: 8, size: 8), h |> slice(axis: 0, start: 0, size: 8)], axis: 0);
      h = concat([h |> slice(axis: 1, start: 5, size: 7), h |> slice(axis: 1, start: 0, size: 5)], axis: 1);
    }
    return h + x;
  }
}`,
  "reshapes that do not line up": `
model M {
  graph run(x: Tensor<float, [6, 10, 14]>): Tensor<float, [6, 10, 14]> {
    let h = x;
    repeat i of 5 {
      h = h |> view([15, 4, 14]) |> arrange([14, 15, 4]) |> view([21, 20, 2]) |> arrange([2, 21, 20]) |> view([6, 10, 14]);
    }
    return ((h |> linear(14) as l |> view([35, 24])) + (x |> view([35, 24]))) |> view([6, 10, 14]);
  }
}`,
  "attention to three texts": `
model M {
  graph run(x: Tensor<float, [2, 6, 8]>, a: Tensor<float, [2, 3, 8]>, b: Tensor<float, [2, 5, 8]>, c: Tensor<float, [2, 2, 8]>): Tensor<float, [2, 6, 8]> {
    const keys = concat([a, b, c], axis: 1);
    const values = concat([c |> silu(), a |> silu(), b |> silu()], axis: 1);
    const queries = concat([x |> slice(axis: 1, start: 0, size: 3) |> tanh(), x |> slice(axis: 1, start: 3, size: 3)], axis: 1);
    return x + attend(queries, keys, values, heads: 2);
  }
}`,
  "element ops one after another": `
model M {
  graph run(x: Tensor<float, [8, 16]>): Tensor<float, [8, 16]> {
    let h = x |> linear(16) as first;
    repeat i of 40 { h = (h * 0.5) |> tanh() |> silu(); h = h + x; }
    return h;
  }
}`,
  "weights that come again, one as a table and as a matrix": `
dim V = 12; dim C = 8;
model M {
  graph run(tokens: Tensor<i32, [2, 5]>): Tensor<float, [2, 5, V]> {
    let h = tokens |> embedding(V, C) as tied token;
    repeat 3 as tied round { h = h + (h |> linear(C) as wide |> silu()) + (h |> Own() as own); }
    return h |> layerNorm() as norm |> linear(V, bias: false) as tied token;
  }
}
block Own(h: Tensor<float, [2, 5, C]>): Tensor<float, [2, 5, C]> { return h |> linear(C) as same |> tanh(); }`,
  /** As second operands: what is computed channels-last, what lies side by side with another, and a weight. */
  "products with what lies in other orders": `
dim C = 8;
block Mixed(x: Tensor<float, [12, C]>): Tensor<float, [12, C]> {
  weight table: Tensor<float, [C, C]> = normal(0.5);
  return matmul(x, table);
}
model M {
  graph run(x: Tensor<float, [2, 6, C]>, y: Tensor<float, [2, 4, 2, 3]>): Tensor<float, [12, C]> {
    const query = x |> linear(C) as query;
    const value = x |> linear(C) as value;
    const picture = y |> conv2d(C, kernel: 3) as conv |> view([2, C, 6]);
    return matmul(matmul(query, picture), value) |> view([12, C]) |> Mixed() as mixed;
  }
}`,
  /** What lies side by side in memory is a channel of each group, of which some lie in the one part and some in the other. */
  "channels side by side, read in groups": `
model M {
  graph run(x: Tensor<float, [2, 4, 4, 4]>): Tensor<float, [8, 4]> {
    const a = x |> conv2d(16, kernel: 3) as a;
    const b = x |> conv2d(8, kernel: 3) as b;
    const rows = concat([a, b], axis: 1) |> view([8, 96]);
    return (rows - (rows |> mean(axis: 1))) |> linear(4) as out;
  }
}`,
  "outputs that are inputs, and each other": `
dim C = 8;
model M {
  graph run(x: Tensor<float, [3, C]>): { x: Tensor<float, [3, C]>, parts: Tensor<float, [3, _]>[], last: Tensor<float, [3, C]> } {
    const y = x |> linear(C) as l |> silu();
    return { x: x, parts: [y, x |> slice(axis: 1, start: 2, size: 3), y * 2, y * 2], last: y };
  }
}`,
} satisfies { readonly [name: string]: string };

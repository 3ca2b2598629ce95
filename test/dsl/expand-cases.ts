// Models that check but cannot be built, by the code of what is said of them; the errors that only sizes reveal.

import type { Cases } from "./diagnostic-cases.ts";
import { unmatched } from "./train-cases.ts";

const image = "type Image<C, H, W> = Tensor<float, [1, C, H, W]>;\n";
/** A model of one graph that calls a block `Net` on an image of 4 x 8 x 8. */
const net = (statements: string, result = "Image<C, H, W>", before = "") =>
  `${image}${before}block Net<C, H, W>(x: Image<C, H, W>): ${result} {\n  ${statements}\n}\nmodel Tiny<H = 8> {\n  graph run(x: Image<4, H, H>): Image<4, H, H> {\n    return Net(x)${/ as |weight /.test(statements) ? " as net" : ""};\n  }\n}\n`;
const levels =
  "block Res<C, H, W>(x: Image<C, H, W>, out: int): Image<out, H, W> {\n  const y = x |> conv2d(out, kernel: 3) as conv;\n  return y + (x |> silu());\n}\nblock Level<C, H, W>(x: Image<C, H, W>): Image<2 * C, H, W> {\n  return x |> Res(2 * C) as res;\n}\n";
const layer = "block Layer<C, H, W>(x: Image<C, H, W>): Image<C, H, W> {\n  return x |> conv2d(C, kernel: 1) as conv;\n}\n";
const last = "block Last<C, H, W>(all: Image<C, H, W>[]): Image<C, H, W> {\n  return all[all.length - 1];\n}\n";
/** Thirty blocks that each call the next twice. */
function twice(): string {
  const block = (name: string, body: string) => `block ${name}<C, H, W>(x: Image<C, H, W>): Image<C, H, W> {\n  return ${body};\n}\n`;
  const names = Array.from({ length: 30 }, (_, i) => (i === 0 ? "Twice" : `Twice${i}`));
  return names.map((name, i) => block(name, names[i + 1] === undefined ? "x" : `x |> ${names[i + 1]}() |> ${names[i + 1]}()`)).join("");
}
/** Blocks that each call the next. */
function chain(length: number): string {
  const name = (i: number) => (i === 0 ? "Link" : `Link${i}`);
  const links = Array.from({ length }, (_, i) => (i === length - 1 ? "x" : `x |> ${name(i + 1)}()`));
  return links.map((body, i) => `block ${name(i)}<C, H, W>(x: Image<C, H, W>): Image<C, H, W> {\n  return ${body};\n}\n`).join("");
}
/** A model with a layout, of which these entries stand in the place of its own. */
function laidOut(changed: { readonly [path: string]: string }, ofModel = 'layout ours of Tiny { first: "" }\n'): string {
  const entries = { gain: '"g"', query: '"q"', key: '"k"', value: '"v"', project: '"p"', ...changed };
  const list = Object.entries(entries).map(([path, keys]) => `  ${path}: ${keys},\n`);
  return `type Rows<C> = Tensor<float, [2, C]>;
block First<C>(x: Rows<C>): Rows<C> {
  weight gain: Tensor<float, [C]> = ones;
  const rows = x * view(gain, [1, C]);
  const sum = (rows |> linear(C, bias: false) as query) + (rows |> linear(C, bias: false) as key);
  return (sum + (rows |> linear(C, bias: false) as value)) |> linear(3, bias: false) as project |> linear(C) as other;
}
model Tiny<H = 8> {
  graph run(x: Rows<H>): Rows<H> {
    return x |> First() as first;
  }
}
layout ours of First {
${list.join("")}}
${ofModel}`;
}
const choices = `${image}param mode: "a" | "b" = "a";\nparam units: int = 2;\nmodel Tiny<H = 8> {\n  graph run(x: Image<4, H, H>): Image<4, H, H> {\n    return mode == "a" ? x : x * units;\n  }\n}\npreset Mini of Tiny { H: 4 }\nablation Less of Tiny { units: 1 }\n`;

/** A model whose sampler has these fields beside or instead of its own; its graphs are right and wrong for one part each. */
function sampled(changed: { readonly [field: string]: string }): string {
  const own = { method: '"ddim"', steps: "4", guidance: "1", predicts: '"v"', schedule: '"cosine"', betas: "[0.1, 0.2]", trainSteps: "10" };
  const list = Object.entries({ ...own, ...changed }).map(([name, value]) => `    ${name}: ${value},\n`);
  const count = changed.steps === "count" ? "param count: int = 4;\n" : "";
  return `${count}${sampledHead}  sampler denoise(z, t) {\n${list.join("")}  }\n}\n`;
}
const sampledHead = `dim B = 1; dim L = 5; dim D = 5;
type Image<C, H, W> = Tensor<float, [B, C, H, W]>;
type Text = Tensor<float, [B, L, D]>;
model Tiny<H = 8, W = 8> {
  graph denoise(z: Image<4, H, W>, t: Tensor<f32, [B]>, text: Text, label: Tensor<i32, [B]>, rate: Tensor<float, [B]>, mask: Image<1, H, W>): Image<4, H, W> {
    const classes = label |> embedding(10, 4) as label;
    return z * mask + view(classes, [B, 4, 1, 1]) + view(text |> linear(4) as text |> slice(axis: 1, start: 0, size: 1), [B, 4, 1, 1]);
  }
  graph short(tokens: Tensor<i32, [B, 7]>): Tensor<float, [B, 7, D]> { return tokens |> embedding(9, D) as short; }
  graph swapped(tokens: Tensor<i32, [B, D]>): Tensor<float, [B, D, L]> { return tokens |> embedding(9, L) as swapped; }
  graph picture(x: Image<3, H, W>): Text { return view(x |> conv2d(1, kernel: 1) as seen, [B, H * W]) |> linear(L * D) as out |> arrange([B, L, D]); }
  graph both(z: Image<4, H, W>, x: Image<3, H, W>): Image<3, H, W> { return x; }
  graph flat(z: Image<4, H, W>): Image<4, H, W> { return z; } graph large(z: Image<4, H, W>): Image<3, 2 * H, 2 * W> { return z |> conv2d(3, kernel: 1) as large |> upsample(2); } graph small(x: Image<3, H, W>): Image<4, H, W> { return x |> conv2d(4, kernel: 1) as small; }
  graph turned(z: Image<4, W, H>): Image<3, W, H> { return z |> conv2d(3, kernel: 1) as turned; }
  tokenizer { file: "a.json", pad: "<pad>" }
`;
const fields = 'method: "ddim", steps: 4, guidance: 1, predicts: "v", schedule: "cosine", betas: [0.1, 0.2], trainSteps: 10';
/** A sampled graph that calls a block on the latent and the text. */
const guided = (statements: string) =>
  `dim B = 1;\ntype Row = Tensor<float, [B, 4]>;\nblock Net(z: Row, text: Row): Row {\n  ${statements}\n}\nmodel Tiny {\n  graph denoise(z: Row, t: Tensor<f32, [B]>, text: Row): Row {\n    return Net(z, text) as net + (t |> sinusoid(4));\n  }\n  sampler denoise(z, t) { ${fields} }\n}\n`;
/** A sampled graph on clips of four frames, with its encoder, of which rows mix where there are several, and its frames. */
const clips = (statements: string, picture = "z") => `dim B = 1;
dim F = 4;
dim H = 8;
dim W = 8;
type Row = Tensor<float, [B, 3]>;
type Clip = Tensor<float, [B, F, 3, H, W]>;
block Net(z: Clip, text: Row): Clip {
  const h = z + view(text, [B, 1, 3, 1, 1]);
  ${statements}
}
model Tiny {
  graph encode(tokens: Tensor<i32, [B, 3]>): Row { return softmax(view(tokens |> embedding(9, 1) as table, [B, 3]), axis: 0); }
  graph denoise(z: Clip, t: Tensor<f32, [B]>, text: Row): Clip { return Net(z, text); }
  graph decode(z: Clip): Clip { return ${picture}; }
  tokenizer { file: "a.json", pad: "<pad>" }
  sampler denoise(z, t) { ${fields}, frames: decode, conditions: { text: { from: "text", encoder: encode } } }
}
`;

export const expandCases: Cases = {
  "shape-mismatch": [
    net("return Level(x) as level;", "Image<2 * C, H, W>", levels),
    net("weight w: Tensor<float, [1, C, 2, 2]> = ones;\n  return x + w;"),
    net("const y = x |> upsample(2);\n  return concat([x, y], axis: 1);"),
  ],
  "axis-mismatch": [
    net("return x |> arrange([1, C, W, H]);"),
    net("return x + (x |> arrange([1, C, W, H]));"),
    net("return concat([x, x |> arrange([1, C, W, H])], axis: 1) |> conv2d(C, kernel: 1) as conv;"),
    net("weight w: Tensor<float, [W, H]> = ones;\n  return x + view(w, [1, 1, H, W]);"),
    net(
      "return Pair(x, x |> arrange([1, C, W, H]));",
      "Image<C, H, W>",
      "block Pair<C, H, W>(x: Image<C, H, W>, y: Image<C, H, W>): Image<C, H, W> {\n  return x + y;\n}\n",
    ),
    net("const t = x |> arrange([1, H * W, C]);\n  return attend(t, x |> arrange([1, W * H, C]), t, heads: 1) |> arrange([1, C, H, W]);"),
    net("const s = matmul(x, x |> arrange([1, C, W, H]));\n  return matmul(s, s);"),
    net("return x |> view([1, C, W, W]);"),
  ],
  "wrong-rank": [
    net("weight w: Tensor<float, [C]> = ones;\n  return x + w;"),
    net("weight w: Tensor<float, [C]> = ones;\n  return w |> conv2d(4, kernel: 1) as conv;"),
  ],
  "wrong-dtype": [net("weight w: Tensor<i32, [1, C, H, W]> = zeros;\n  return x + w;"), net("return x |> embedding(8, 8) as token;")],
  "not-divisible": [
    net("return x |> groupNorm(3) as norm;"),
    net("const t = arrange(x, [1, H * W, C]);\n  return attend(t, t, t, heads: 3);", "Tensor<float, [1, H * W, C]>"),
    net("return x |> conv2d(C, kernel: 3, groups: 3) as conv;"),
  ],
  "bad-attribute": [
    net("return x |> conv2d(C, kernel: 0) as conv;"),
    net("return concat([x, x], axis: 4);"),
    net("return x |> slice(axis: 1, start: 3, size: 2);"),
    net('return x |> conv2d(C, kernel: 1, stride: 2, padding: "end") as conv;'),
    net("return x |> conv2d(C, kernel: [1, 3, 1]) as conv;"),
    net('return x |> conv2d(C, kernel: [1, 4], padding: ["none", 1], dilation: 4) as conv;'),
  ],
  "argument-shape": [
    net(
      "return Pair(x, x |> upsample(2));",
      "Image<C, H, W>",
      "block Pair<C, H, W>(x: Image<C, H, W>, y: Image<C, H, W>): Image<C, H, W> {\n  return x + y;\n}\n",
    ),
    net("return Last([x, x |> upsample(2)]);", "Image<C, H, W>", last),
  ],
  "unbound-size": [net("let none = [x];\n  none.pop();\n  return Last(none);", "Image<C, H, W>", last)],
  "argument-rank": [
    net("return Flat(x);", "Image<C, H, W>", "block Flat<N, C>(x: Tensor<float, [N, C]>): Tensor<float, [N, C]> {\n  return x;\n}\n"),
  ],
  "argument-dtype": [
    net(
      "return Count(x);",
      "Image<C, H, W>",
      "block Count<C, H, W>(x: Tensor<i32, [1, C, H, W]>): Tensor<i32, [1, C, H, W]> {\n  return x;\n}\n",
    ),
  ],
  "result-shape": [
    net("return x |> conv2d(8, kernel: 1) as conv;"),
    net("return x |> upsample(2);", "Image<C, H * 2, W>"),
    net(
      "return Both(x).b;",
      "Image<C, H, W>",
      "block Both<C, H, W>(x: Image<C, H, W>): { a: Image<C, H, W>, b: Image<2 * C, H, W> } {\n  return { a: x, b: x };\n}\n",
    ),
  ],
  "result-rank": [net("return view(x, [C, H, W]);")],
  "requirement-failed": [net('require H % 3 == 0 && W % 3 == 0, "the picture is cut in thirds";\n  return x;')],
  "cannot-arrange": [net("return arrange(x, [C, H]);"), net("return arrange(x, [H * W, C, 3]);")],
  "ambiguous-axes": [
    net("return view(x, [1, C, H / 2, 2, W / 2, 2]) |> arrange([1, C, H / 2 * 2, W / 2 * 2]);"),
    net("return view(x, [1, C, [8][0], [8][0]]) |> arrange([1, C, W, H]);"),
    net("return x |> slice(axis: 2, start: 0, size: 1) |> expand([1, C, W, W]);"),
  ],
  "cannot-view": [net("return view(x, [1, C, H]);")],
  "inexact-division": [
    net("return x |> upsample(H / 3);"),
    net("return x |> upsample(H % (C - C));"),
    net("return x |> upsample(div(H, C - C));"),
  ],
  "out-of-range": [
    net("const list = [1, 2];\n  return x |> upsample(list[2]);"),
    net("const list = [1, 2];\n  return x |> upsample(list[0 - 1]);"),
  ],
  "empty-list": [
    net("let skips = [x];\n  const y = skips.pop();\n  return y + skips.pop();"),
    net("let n = [1];\n  n.pop();\n  return x * n.max();"),
  ],
  "bad-size": [
    net("return view(x, [1 - 2, C - 2 * C, H, W]);"),
    net("return x |> expand([1, C, H, W, C - C]);"),
    net("return x;", "Image<C - C, H, W>"),
    net("weight w: Tensor<float, [C - 5]> = ones;\n  return x;"),
  ],
  "wrong-kind": [
    laidOut({ query: '"qkv" rows 0 of 0' }),
    laidOut({ query: '"qkv" rows 3 of 3' }),
    net("return x |> conv2d(C, kernel: 1, stride: 2 ** 31) as conv;"),
    net("weight w: Tensor<float, [C, 1, 1]> = normal(0 - 0.5);\n  return x + view(w, [1, C, 1, 1]);"),
    net("repeat 0 - 2 { }\n  return x;"),
    net('const name = "end" + "s";\n  return x |> conv2d(C, kernel: 3, padding: name) as conv;'),
    net('require [x] == [x], "the same";\n  return x;'),
    `${image}model Tiny<H = 8> {\n  graph run(x: Image<4, H, H>): Image<4, H, H>[] {\n    let none = [x];\n    none.pop();\n    return none;\n  }\n}\n`,
  ],
  "int-overflow": [
    net("return x |> upsample(2 ** 60);"),
    net("const n = C * 9007199254740991;\n  return x;"),
    net("const n = 9007199254740991 + 1;\n  return x;"),
  ],
  ragged: [
    net("return x * view(tensor([[1, 2], [3, 4, 5]]), [1, 4, 1, 1]);"),
    net("let rows = [[1.0]];\n  rows.pop();\n  rows.push([]);\n  return x * view(tensor([rows, [[2.0, 3.0]]]), [1, 1, 1, 1]);"),
  ],
  "negative-power": [net("return x |> upsample(C ** (C - 5));")],
  "not-finite": [net("return x * (1e308 * 10);"), net("return x * (1 / 0.0);")],
  "zero-divisor": [
    {
      source: `param scale: float = 1.0;\n${net("return x / scale;")}preset Mini of Tiny { scale: 0.0 }\n`,
      choices: { preset: "Mini" },
    },
    { source: net("return x / 0;"), choices: {} },
    { source: net("return x / 1e-9;"), choices: { precision: "f16" } },
  ],
  "no-such-number": [
    net("return x * 1e300;"),
    { source: net("return 1e5 - x;"), choices: { precision: "f16" } },
    net("return x * float(view(tensor([2 ** 31]), [1, 1, 1, 1]));"),
    net("weight w: Tensor<i32, [1, C, H, W]> = zeros;\n  return x + (w + 0.5);"),
  ],
  "too-large": [
    net("let h = x;\n  repeat 10 ** 9 { h = h |> silu(); }\n  return h;"),
    net("return Twice(x);", "Image<C, H, W>", twice()),
    net("let h = x;\n  repeat 99990 { h = h + x + x + x; }\n  return h;"),
    net("let list = [x];\n  repeat 2000 { list = list.reversed(); list.push(x); }\n  return x;"),
    net(`let n = 0;\n  repeat 10000 { n = 0${" + 1".repeat(300)}; }\n  return x;`),
    net("let list = [];\n  repeat 100 { list = [list]; }\n  return x;"),
    net("return x |> upsample(1000000);"),
    net("return x * view(float(range(2000000)), [1, 1, 1, 2000000]);"),
    net("return view(x, [C, H, W, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]);"),
    `${image}${chain(700)}model Tiny<H = 8> {\n  graph run(x: Image<4, H, H>): Image<4, H, H> {\n    return Link(x);\n  }\n}\n`,
  ],
  "unnamed-weight": [],
  "repeated-weight": [
    net('let h = x;\n  const k = 1;\n  repeat 2 { h = h |> conv2d(C, kernel: 1) as "conv{k}"; }\n  return h;'),
    net('return x |> Layer() as "a" |> conv2d(C, kernel: 1) as "a.conv";', "Image<C, H, W>", layer),
  ],
  "tied-weight": [
    net("return x |> conv2d(8, kernel: 1) as tied conv |> conv2d(4, kernel: 1) as tied conv;"),
    net(
      "let h = x;\n  repeat 2 as tied round { h = concat([h, h |> Layer() as layer], axis: 1); }\n  return h |> slice(axis: 1, start: 0, size: C);",
      "Image<C, H, W>",
      layer,
    ),
  ],
  "bad-path": [
    laidOut({ gain: '""' }),
    laidOut({ query: '"{odd}.q"' }).replace("model", 'const odd = "a..b";\nmodel'),
    net('const name = "a." + "";\n  return x |> conv2d(C, kernel: 1) as "conv.{name}";'),
    net(`let name = "abcdefgh";\n  repeat 10 { name = name + name; }\n  return x |> conv2d(C, kernel: 1) as "{name}.{name}";`),
  ],
  "batch-weight": [
    guided("weight bias: Tensor<float, [B, 4]> = zeros;\n  return z + bias + (text |> linear(4) as key);"),
    guided("return z + (text |> linear(4) as key) + (view(z, [B * 4]) |> linear(4) as mixed |> expand([B, 4]));"),
    guided("return z + (B == 1 ? text |> linear(4) as key : text |> linear(4) as other);"),
  ],
  "mixed-batch": [
    clips(
      "const q = h |> arrange([B * F, H * W, 3]);\n  const k = text |> expand([F * B, 1, 3]) |> view([F * B % 999, 1, 3]);\n  return attend(q, k, k, heads: 1) |> arrange([B, F, 3, H, W]);",
    ),
    clips("return h * softmax(h, axis: 0);"),
    clips("const turned = h |> arrange([F * B, 3, H, W]);\n  return view(view(turned, [F * B % 999, 3, H, W]), [B, F, 3, H, W]);"),
    clips("const first = view(text |> slice(axis: 0, start: 0, size: 1), [1, 1, 3, 1, 1]);\n  return h + first;"),
    { source: clips("return h;"), choices: { settings: { B: 2 } } },
    { source: clips("return h;", "softmax(z, axis: 0)"), choices: { settings: { B: 2 } } },
  ],
  "conflicting-weight": [
    `${image}model Tiny<H = 8> {\n  graph wide(x: Image<4, H, H>): Image<8, H, H> {\n    return x |> conv2d(8, kernel: 1) as conv;\n  }\n  graph narrow(x: Image<4, H, H>): Image<4, H, H> {\n    return x |> conv2d(4, kernel: 1) as conv;\n  }\n}\n`,
  ],
  "unread-weight": [
    "dim N = 4;\nmodel M {\n  graph run(x: Tensor<float, [N, 8]>): Tensor<float, [N, 8]> {\n    const y = x |> linear(8) as lost;\n    let skips = [x];\n    skips.push(y);\n    return x |> silu();\n  }\n}\n",
    net(
      "weight gain: Tensor<float, [1, C, 1, 1]> = ones;\n  weight shift: Tensor<float, [1, C, 1, 1]> = ones;\n  repeat 2 as unit { const y = x |> Layer() as layer; }\n  return x * gain;",
      "Image<C, H, W>",
      "block Layer<C, H, W>(x: Image<C, H, W>): Image<C, H, W> { return x |> conv2d(C, kernel: 1) as conv; }\n",
    ),
  ],
  "unknown-choice": [
    { source: choices, choices: { preset: "Minni" } },
    { source: choices, choices: { ablations: ["More"] } },
    { source: choices, choices: { model: "Tny" } },
    { source: choices, choices: { settings: { unit: 3 } } },
  ],
  "several-models": [`${image}model A {\n}\nmodel B {\n}\n`],
  "no-model": [image],
  "override-kind": [
    { source: choices, choices: { settings: { H: 0 } } },
    { source: choices, choices: { settings: { mode: "c" } } },
    { source: choices, choices: { settings: { units: 1.5 } } },
    { source: choices.replace("H: 4", "H: 0 - 4"), choices: { preset: "Mini" } },
  ],
  "device-limit": [
    net("return x |> silu() |> conv2d(4, kernel: 3) as conv |> silu();").replace("Tiny<H = 8>", "Tiny<H = 4096>"),
    net("const wide = view(x, [1, C * H * W]) |> linear(300000) as wide;\n  return x + view(wide |> linear(256) as narrow, [1, C, H, W]);"),
  ],
  "beyond-devices": [
    net("const wide = view(x, [1, C * H * W]) |> linear(300000) as wide;\n  return x + view(wide |> linear(256) as narrow, [1, C, H, W]);"),
  ],
  "layout-shape": [laidOut({ project: '"p" as [_, 1]' }), laidOut({ gain: '"g" as [_, _]' })],
  "layout-clash": [
    laidOut({ key: '"q"' }),
    laidOut({ query: '"qkv" rows 0 of 3', key: '"qkv" rows 1 of 3', value: '"qkv" rows 1 of 3' }),
    laidOut({ key: '"k" | "q"' }),
    laidOut({ key: '"qkv" rows 0 of 1', value: '"qkv"' }),
  ],
  "layout-parts": [
    laidOut({ query: '"qkv" rows 0 of 3', key: '"qkv" rows 2 of 3' }),
    laidOut({ query: '"qkv" rows 0 of 2', key: '"qkv" rows 1 of 2', value: '"qkv" rows 2 of 3' }),
    laidOut({ query: '"qk" rows 0 of 2', project: '"qk" rows 1 of 2' }),
  ],
  "layout-drop": [laidOut({ drop: '["base", "q.weight"]' })],
  "unused-layout": [laidOut({}, "")],
  "unused-layouts": [
    {
      "copy.mv": `${laidOut({})}import layouts from "./layouts.mv";\n`,
      "layouts.mv": 'import { First } from "./own.mv";\nlayout ours of First { query: "q" }\n',
      "own.mv": laidOut({}, "").replace(/layout ours of First(.|\n)*/, ""),
    },
  ],
  "unmatched-path": [laidOut({ '"value.bias"': '"v"' }), unmatched],
  "sampler-value": [
    { source: sampled({ steps: "count" }), choices: { settings: { count: 0 } } },
    { source: `${sampled({ steps: "count" })}preset Long of Tiny { count: 2000 }\n`, choices: { preset: "Long" } },
    { source: `${sampled({ steps: "count" })}ablation None of Tiny { count: 0 }\n`, choices: { ablations: ["None"] } },
    sampled({ trainSteps: "10 ** 6" }),
    sampled({ betas: "[0.1, 2]" }),
    sampled({ betas: "[0.2, 0.1]" }),
    sampled({ eta: "7" }),
    sampled({ method: '"dd" + "xm"' }),
    sampled({ schedule: '"linear"', betas: "[0.1]" }),
    sampled({ schedule: '"flow"' }),
    sampled({ method: '"pndm"', clip: "1", sigmas: '"karras"' }),
    sampled({ method: '"euler"', sigmas: "[1.0, 2.0]" }),
    sampled({ method: '"dpm++2m"', order: "3", timesteps: "[9, 5, 0]" }),
    sampled({ conditions: '{ label: { from: "class", unguided: 10 } }' }),
  ],
  "sampler-tensor": [
    sampled({ frames: "flat" }).replace("sampler denoise(z, t)", "sampler denoise(t, z)"),
    sampled({ frames: "flat" }),
    sampled({ frames: "both" }),
    sampled({ frames: "turned" }),
    sampled({ conditions: '{ text: { from: "text", encoder: picture } }' }),
    sampled({ conditions: '{ text: { from: "text", encoder: short } }' }),
    sampled({ conditions: '{ text: { from: "text", encoder: swapped } }' }),
    sampled({ conditions: '{ text: { from: "text", encoder: both } }' }),
    sampled({ conditions: '{ text: { from: "text" } }' }),
    sampled({ conditions: '{ text: { from: "image" } }' }),
    sampled({ conditions: '{ text: { from: "image", encoder: short } }' }),
    sampled({ conditions: '{ rate: { from: "number" } }' }),
    sampled({ conditions: '{ rate: { from: "class" } }' }),
    sampled({}).replace("t: Tensor<f32, [B]>", "t: Tensor<i32, [B]>"),
    sampled({}).replace(/Image<4, H, W> \{\n {4}const(.*\n)*? {2}\}/, "Image<8, H, W> {\n    return concat([z, z], axis: 1);\n  }"),
    sampled({ latents: "flat" }),
    sampled({ latents: "both" }),
    sampled({ latents: "picture" }),
    sampled({ frames: "large", latents: "small" }),
  ],
};

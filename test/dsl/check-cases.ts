// Programs with one wrong name, call, type, label or override each, by the code of what is said of it.

import type { Cases } from "./diagnostic-cases.ts";
import { notText } from "./sources.ts";

const image = "type Image<C, H, W> = Tensor<float, [1, C, H, W]>;\n";
/** A body of one block over an image, in a file with a dim, a param and a const. */
const body = (statements: string, before = "") =>
  `${image}${before}dim F = 16;\nparam mode: "directed" | "full" | "none" = "directed";\nconst base = 32;\n\nblock Net<C, H, W>(x: Image<C, H, W>, out: int = C, wide: bool = false): Image<out, H, W> {\n  ${statements}\n}\n`;
const layer =
  "block Layer<C, H, W>(x: Image<C, H, W>, out: int, gate: bool = true): Image<out, H, W> {\n  return x |> conv2d(out, kernel: 3) as conv;\n}\n";
const model = (members: string, after = "") =>
  `type Image<C, H, W> = Tensor<float, [B, C, H, W]>;\ndim B = 1;\nparam steps: int = 50;\nparam adaptor: bool = true;\nparam mode: "epsilon" | "v" = "v";\nconst base = 32;\n\nmodel Net<H = 8> {\n  graph denoise(z: Image<4, H, H>, t: Tensor<f32, [B]>): Image<4, H, H> {\n    return z;\n  }\n  ${members}\n}\n${after}`;
const sampler = (fields: string, head = "denoise(z, t)") => model(`sampler ${head} {\n    ${fields}\n  }`);
/** The looped graph takes a text and a picture beside the latent. */
const conditions = (list: string, more = "", members = "") =>
  sampler(`${fields}, conditions: { ${list} }${more}`)
    .replace("t: Tensor<f32, [B]>)", "t: Tensor<f32, [B]>, text: Image<3, H, H>, picture: Image<3, H, H>)")
    .replace("  sampler", `  graph encode(x: Image<3, H, H>): Image<3, H, H> {\n    return x;\n  }\n  ${members}sampler`);
const fields = 'method: "ddim", steps: steps, guidance: 7.5, predicts: mode, schedule: "cosine", betas: [0.1, 0.2], trainSteps: 1000';

const library = "type Row<C> = Tensor<float, [C]>;\nblock Half<C>(x: Row<C>): Row<C> {\n  return x / 2;\n}\n";

/** A block with a label in each round of a `repeat`, within a model. */
const laidOut = (after: string) =>
  `${image}const base = 32;\n\n${layer}block Net<C, H, W>(x: Image<C, H, W>, depth: int = 2): Image<C, H, W> {\n  weight gain: Tensor<float, [C]> = ones;\n  let h = x * view(gain, [1, C, 1, 1]);\n  repeat depth as layer { h = h |> Layer(C) as ""; }\n  return h;\n}\nmodel Tiny<H = 8> {\n  graph run(x: Image<4, H, H>): Image<4, H, H> {\n    return x |> Net() as net;\n  }\n}\n${after}\n`;

export const checkCases: Cases = {
  "missing-file": ['import { A } from "./nowhere.mv";\n', 'import { A } from "nowhere.mv";\n'],
  "unreadable-file": [{ "a.mv": 'import { F } from "./b.mv";\n', "b.mv": notText }],
  "import-cycle": [
    {
      "a.mv": 'import { B } from "./b.mv";\ndim A = 1;\n',
      "b.mv": 'import { C } from "./c.mv";\ndim B = 1;\n',
      "c.mv": 'import { A } from "./a.mv";\ndim C = 1;\n',
    },
    { "a.mv": 'import { A } from "./a.mv";\ndim A = 1;\n' },
  ],
  "not-exported": [
    { "a.mv": 'import { Vidoe, F } from "./b.mv";\n', "b.mv": "dim F = 16;\ntype Video<C> = Tensor<float, [F, C]>;\n" },
    { "a.mv": 'import { F } from "./b.mv";\n', "b.mv": 'import { F } from "./c.mv";\n', "c.mv": "dim F = 16;\n" },
  ],
  "duplicate-name": [
    "dim F = 16;\nparam F: int = 2;\n",
    body("const y = x;\n  const y = y;\n  return y;"),
    { "a.mv": 'import { F } from "./b.mv";\ndim F = 8;\n', "b.mv": "dim F = 16;\n" },
  ],
  "shadowed-name": [
    body("let h = x;\n  repeat 3 as layer {\n    const h = h + (h |> silu());\n  }\n  return h;"),
    body("const y = x;\n  if (wide) {\n    let y = 2 * x;\n    y = y + y;\n  }\n  return y;"),
    body("const x = 2;\n  return x;"),
    body("let h = x;\n  repeat level, i of [1, 2] {\n    repeat i of 2 { h = h + level + i; }\n  }\n  return h;"),
    body("if (wide) { weight C: Tensor<float, [1]> = ones; }\n  return x;"),
    model("const scale = 2;\n  graph half(z: Image<4, H, H>): Image<4, H, H> {\n    const scale = 4;\n    return z / scale;\n  }"),
    model("graph half(H: Image<4, 8, 8>): Image<4, 8, 8> {\n    return H;\n  }"),
  ],
  "unknown-name": [
    laidOut('layout ours of Net { "layer.{i}": "l.{j + depth}" }'),
    {
      "a.mv": `import layouts from "./b.mv";\n${laidOut("")}`,
      "b.mv": 'layout ours of Layer { conv: "c.{out + base + bas}" }\n',
    },
    body("return x + skip;"),
    body("const width = bases * 2;\n  return x |> conv2d(width, kernel: 1) as conv;"),
    body("y = x;\n  return x;"),
    body("return x |> conv2d(silu, kernel: 1) as conv;"),
    "dim G = f;\ndim F = 16;\n",
    { "a.mv": 'import { G } from "./b.mv";\ndim H = F * G;\n', "b.mv": "dim F = 16;\ndim G = 2;\n" },
    {
      "a.mv": 'import { G } from "./b.mv";\ndim H = F * G;\n',
      "b.mv": 'import { F } from "./c.mv";\ndim G = F;\n',
      "c.mv": "dim F = 16;\n",
    },
  ],
  "unknown-call": [
    { "a.mv": 'import { Row } from "./b.mv";\nblock Net<C>(x: Row<C>): Row<C> {\n  return x |> Half();\n}\n', "b.mv": library },
    body("return x |> sliu();"),
    body("return x |> Lyaer(out) as layer;", layer),
    body("return x |> attention();"),
  ],
  "unknown-type": [
    { "a.mv": 'import { Half } from "./b.mv";\nblock Net<C>(x: Row<C>): Row<C> {\n  return x |> Half();\n}\n', "b.mv": library },
    body("weight scale: Imgae<C, H, W> = ones;\n  return x;"),
    "param units: integer = 2;\n",
  ],
  "unknown-dtype": [
    body("weight scale: Tensor<flot, [C]> = ones;\n  return x;"),
    body("weight scale: Tensor<f64, [C]> = ones;\n  return x;"),
  ],
  "not-a-value": [body("return x + Image;"), body("return x |> conv2d(Layer, kernel: 1) as conv;", layer)],
  "not-a-block": [body("return x |> F();"), body("return x |> Image();")],
  "constant-cycle": [
    "const a = b + 1;\nconst b = a + 1;\n",
    "dim B = B;\n",
    "param p: int[] = [F];\ndim F = c * 2;\nconst c = p[0];\n",
    { "a.mv": 'import { B } from "./b.mv";\ndim A = B;\n', "b.mv": "dim B = C;\nparam C: int = true ? B : 1;\n" },
  ],
  "too-nested": [
    Array.from({ length: 40 }, (_, i) => (i === 0 ? "type A0 = int;\n" : `type A${i} = A${i - 1}[];\n`)).join(""),
    Array.from({ length: 40 }, (_, i) => (i === 0 ? "const a0 = 1;\n" : `const a${i} = [a${i - 1}];\n`)).join(""),
  ],
  "type-cycle": ["type A = B;\ntype B = { a: int, b: A[] };\nparam a: A = 1;\n", "type A = A;\n"],
  "call-outside-block": [
    "const both = concat([], axis: 1);\n",
    "const places = div(7, 2) + range(3);\n",
    "param n: int = true ? 3 : silu(1);\n",
    model("const both = [concat([], axis: 1)];"),
    model("", "preset Mini of Net { steps: silu(1) }\n"),
  ],
  "tensor-default": [
    `${image}block Net<C, H, W>(x: Image<C, H, W>, y: Image<C, H, W> = x): Image<C, H, W> {\n  return x + y;\n}\n`,
    `${image}block Net<C, H, W>(x: Image<C, H, W>, more: Image<C, H, W>[] = [x]): Image<C, H, W> {\n  return x + more[0];\n}\n`,
  ],
  "any-axis": [
    `${image}type Half<C> = Tensor<float, [C / 2, _]>;\nblock Net<C, H, W>(x: Image<C, H, W>, y: Half<_>): Image<C, H, W> {\n  weight gain: Tensor<float, [_, 1, 1]> = ones;\n  weight shift: Half<C> = ones;\n  return x + gain + shift + y;\n}\n`,
    model("graph half(x: Image<_, H, H>): Image<_, H, H> {\n    return x;\n  }"),
  ],
  recursion: [
    `${image}block A<C, H, W>(x: Image<C, H, W>): Image<C, H, W> {\n  return x |> B() as b;\n}\nblock B<C, H, W>(x: Image<C, H, W>): Image<C, H, W> {\n  return x |> A() as a;\n}\n`,
    `${image}block A<C, H, W>(x: Image<C, H, W>): Image<C, H, W> {\n  return x |> A() as a;\n}\n`,
  ],
  "missing-argument": [
    body("return x |> conv2d(out) as conv;"),
    body("return x |> Layer() as layer;", layer),
    body("let l = [x];\n  l.push();\n  return x;"),
    body("return attend(x, x, heads: 1);"),
  ],
  "too-many-arguments": [
    body("return x |> silu(3);"),
    body("return Layer(x, out, true, 3) as layer;", layer),
    body("let l = [x];\n  return l.pop(1);"),
  ],
  "unknown-argument": [
    body("return x |> conv2d(out, kernal: 3) as conv;"),
    body("return x |> Layer(out: 8, gates: false) as layer;", layer),
  ],
  "repeated-argument": [
    body("return x |> conv2d(out, kernel: 3, kernel: 1) as conv;"),
    body("return x |> Layer(8, out: 8) as layer;", layer),
  ],
  "swapped-arguments": [
    `type Row = Tensor<float, [4, 4]>;\nblock Turn(key: Row, value: Row): Row {\n  return key - value;\n}\nblock Net(key: Row, value: Row): Row {\n  return Turn(value, key);\n}\n`,
    `type Row = Tensor<float, [4]>;\nblock Net(x: Row, width: int, scales: int[]): Row {\n  return x * width * scales.length;\n}\nblock Outer(x: Row, list: int[]): Row {\n  return x |> Net(list, 4);\n}\n`,
  ],
  "argument-order": [body("return x |> conv2d(kernel: 3, out) as conv;")],
  "wrong-type": [
    laidOut('layout ours of Net { "layer.{i}": "l.{i / 2 == 0}" }'),
    laidOut('layout ours of Net { "layer.{i}": "l.{i}" rows "one" of 2 as [_, 0.5] }'),
    body("if (C) { return x; }\n  return x;"),
    body("return x |> conv2d(out, kernel: 3, bias: 1) as conv;"),
    body("return x |> conv2d(out, kernel: 1.5) as conv;"),
    body("return x |> conv2d(x, kernel: 1) as conv;"),
    body("return F |> silu();"),
    body('return x |> conv2d(out, kernel: 3, padding: "ends") as conv;'),
    body('return x |> conv2d(out, kernel: [3, 1.5], padding: ["same", "casual"]) as conv;'),
    body('if (mode == "directd") { return x; }\n  return x;'),
    body("return out;"),
    body("let y = x;\n  y = 3;\n  return x;"),
    body("return concat([x, 3], axis: 1);"),
    body("return concat(x, axis: 1);"),
    body("return (wide ? x : 3) + x;"),
    body("repeat mode as unit { }\n  return x;"),
    body("return x[0];"),
    body('return x |> conv2d(out, kernel: 1) as "conv{wide}{0.5}{x}";'),
    body("const t = tensor([x, x]) + tensor(3) + tensor([true]);\n  return x + t;"),
    body("return x * float(3) * div(C, 2.0);"),
    body("return x * [x, x].max();"),
    'param mode: "directed" | "full" = "directd";\n',
    "param units: int = 2.5;\n",
    "param widths: int[] = [1, true];\n",
    "block Net<C>(x: Tensor<float, [C]>): int {\n  return x;\n}\n",
    "block Net<C>(x: Tensor<float, [C]>): { x: Tensor<float, [C]>, n: int } {\n  return { x: x, n: 1 };\n}\n",
    "block Net<C>(x: Tensor<float, [C]>): Tensor<float, [C]>[] {\n  return x;\n}\n",
    "block Net<C>(x: Tensor<float, [C]>): { mean: Tensor<float, [C]>, spread: Tensor<float, [C]> } {\n  return { mean: x, spread: [x] };\n}\n",
    model("graph pair(x: Image<4, H, H>): Image<4, H, H>[] {\n    return [x, x];\n  }", "").replace(
      "  graph pair",
      `  sampler denoise(z, t) { ${fields}, frames: pair }\n  graph pair`,
    ),
    'param steps: int = "fifty";\n',
    sampler(`${fields}, sigmas: "kerras"`),
    sampler(fields.replace('"ddim"', '"dpm"')),
    sampler(`${fields}, conditions: ["text"]`),
    conditions('text: "text"'),
    conditions('text: { from: "txt" }'),
    conditions('picture: { from: "image", encoder: "encode" }'),
    conditions('picture: { from: "image", unguided: "none" }'),
    conditions('picture: { from: "class", unguided: 0.5 }'),
    conditions('text: { from: "text", unguided: 0 }', "", 'tokenizer { file: "a.json", pad: "<pad>" }\n  '),
    sampler(`${fields}, frames: "decode"`),
    sampler(`${fields}, latents: "encode"`),
  ],
  "wrong-operands": [
    body(
      "return Both(x) + x;",
      "block Both<C, H, W>(x: Image<C, H, W>): { a: Image<C, H, W>, b: Image<C, H, W> } {\n  return { a: x, b: x };\n}\n",
    ),
    body("return x % 2;"),
    body("if (x < 3) { return x; }\n  return x;"),
    body("const n = mode + 1;\n  return x;"),
    body("if (x == x) { return x; }\n  return x;"),
  ],
  "type-arguments": [
    body("weight scale: Image<C> = ones;\n  return x;"),
    "type Text = Tensor<float, [1]>;\nblock Net<C>(x: Text<C>, y: Tensor<float, [C]>): Text {\n  return x;\n}\n",
  ],
  "unknown-field": [
    "param levels: { width: int, attends: bool }[] = [{ width: 320, attend: true }];\n",
    "const level = { width: 320, attends: true };\ndim W = level.widht;\n",
    body("const n = [1, 2].lenght;\n  return x;"),
    sampler(`${fields}, step: 3`),
    model('tokenizer { file: "a.json", pad: "<pad>", padding: "<pad>" }'),
    conditions('picture: { from: "image", encode: encode }'),
    conditions('picture: { from: "number", encoder: encode }'),
  ],
  "missing-field": [
    "param levels: { width: int, attends: bool }[] = [{ width: 320, attends: true }, { width: 640 }];\n",
    sampler(fields.replace("guidance: 7.5, ", "")),
    model('tokenizer { file: "a.json" }'),
    conditions("picture: { encoder: encode }"),
    conditions("picture: { unguided: 0.0 }"),
  ],
  "repeated-field": [
    laidOut('layout ours of Net { "layer.{i}": "l.{i}", "layer.{j}": "m.{j}" }'),
    "param level: { width: int, width: int } = { width: 1 };\n",
    "const level = { width: 320, width: 640 };\n",
    model("", "preset Mini of Net { H: 4, H: 8 }\n"),
    sampler(`${fields}, steps: 3`),
    sampler(fields, "denoise(z, z)"),
    conditions('text: { from: "tensor" }, text: { from: "tensor" }'),
  ],
  "unknown-method": [body("let l = [x];\n  l.append(x);\n  return x;"), body("let l = [x];\n  return l.reverse()[0];")],
  "not-a-variable": [body("const l = [x];\n  l.push(x);\n  return x;"), body("return [x].pop();")],
  "no-effect": [body("x |> silu();\n  return x;")],
  "assign-constant": [
    body("const y = x;\n  y = x + x;\n  return y;"),
    body("x = x + x;\n  return x;"),
    body("F = 3;\n  return x;"),
    body("weight w: Tensor<float, [C]> = ones;\n  w = w + w;\n  return x;"),
  ],
  "missing-return": [body("const y = x;"), body("if (wide) { return x; }"), body("repeat 2 as unit { return x; }")],
  unreachable: [body("return x;\n  return x + x;"), body("if (wide) { return x; } else { return x + x; }\n  const y = x;")],
  "unbound-dim": [`${image}block Net<C, H, W, E>(x: Image<C, H, W>): Image<E, H, W> {\n  return x;\n}\n`],
  "missing-label": [body("return x |> conv2d(out, kernel: 3);"), body("return x |> Layer(out);", layer)],
  "bad-label": [
    laidOut('layout ours of Net { "layer.{i}{j}": "l.{i}.{j}" }'),
    laidOut('layout ours of Net { "layer.{i}..conv": "l.{i}" }'),
    body('return x |> conv2d(out, kernel: 3) as "conv..in";'),
    body('return x |> conv2d(out, kernel: 3) as "conv {C}";'),
    body('return x |> conv2d(out, kernel: 3) as "conv.{C";'),
    body('repeat 2 as "down." { require wide, "is wide"; }\n  return x |> conv2d(out, kernel: 3) as ".{C}";'),
  ],
  "shared-rounds": [
    body("let h = x;\n  repeat 2 { h = h |> conv2d(C, kernel: 3) as conv; }\n  return h |> conv2d(out, kernel: 1) as head;"),
    body(
      'let h = x;\n  repeat i of 2 {\n    weight gain: Image<C, 1, 1> = ones;\n    h = ((h * gain) |> Layer(C) as layer |> Layer(C) as "other{i}" |> Layer(C) as tied third);\n    repeat 2 as unit { h = h |> Layer(C) as own; }\n    repeat 2 as "unit{i}" { h = h |> Layer(C) as own; }\n  }\n  return h |> conv2d(out, kernel: 1) as head;',
      layer,
    ),
  ],
  "repeated-label": [
    body('return x |> conv2d(C, kernel: 3) as tied conv |> conv2d(out, kernel: 3) as "conv";'),
    body("return x |> conv2d(out, kernel: 3) as conv |> conv2d(out, kernel: 3) as conv;"),
    body("weight conv: Tensor<float, [C]> = ones;\n  return x |> conv2d(out, kernel: 3) as conv;"),
    body("let h = x;\n  if (wide) { h = h |> conv2d(C, kernel: 3) as conv; }\n  return h |> conv2d(C, kernel: 3) as conv;"),
  ],
  "unknown-model": ["preset Mini of MagicVideo { }\n", model("", "ablation Without of Nte { adaptor: false }\n")],
  "unknown-override": [model("", "preset Mini of Net { stpes: 8 }\n"), model("", "ablation Without of Net { temporal: false }\n")],
  "override-constant": [model("", "preset Mini of Net { base: 8 }\n")],
  "unknown-graph": [
    sampler(fields, "denoize(z, t)"),
    conditions('picture: { from: "image", encoder: encod }'),
    conditions("", ", frames: decode"),
  ],
  "unknown-input": [sampler(fields, "denoise(z, time)"), conditions('pictures: { from: "image" }')],
  "sampler-inputs": [sampler(fields, "denoise(z)")],
  "sampler-batch": [
    sampler(fields).replace("dim B = 1;\n", "").replaceAll("[B", "[1"),
    sampler(fields).replace("dim B = 1;\n", "const B = 1;\n"),
    sampler(fields).replace("t: Tensor<f32, [B]>", "t: Tensor<f32, [1]>, text: Tensor<float, [base, 3]>"),
  ],
  "varying-condition": [conditions('t: { from: "number" }')],
  "no-tokenizer": [conditions('text: { from: "text", encoder: encode, unguided: "" }')],
  "repeated-member": [
    model("graph denoise(z: Image<4, H, H>): Image<4, H, H> {\n    return z;\n  }"),
    model('tokenizer { file: "a", pad: "b" }\n  tokenizer { file: "a", pad: "b" }'),
  ],
  "no-layouts": [{ "a.mv": 'import layouts from "./b.mv";\n', "b.mv": "dim F = 16;\n" }],
  "not-laid-out": [laidOut('layout ours of Lay { conv: "c" }'), laidOut('layout ours of base { conv: "c" }')],
  "lost-layouts": [
    {
      "a.mv": `import layouts from "./b.mv";\n${laidOut("").replace("const base = 32;\n\n", "").replace(", gate: bool = true", "")}`,
      "b.mv": 'layout ours of Layr { conv: "c" }\nlayout ours of Other { conv: "c" }\nlayout theirs of Other { conv: "d" }\n',
    },
  ],
  "unread-layouts": [
    {
      "layouts.mv":
        'import { Layer } from "./b.mv";\nlayout ours of Layer { conv: "c" }\nlayout ours of Net { gain: "{any}" }\nlayout theirs of Tiny { net: "" }\n',
      "b.mv": laidOut("").replace(/block Net(.|\n)*/, ""),
    },
  ],
  "repeated-layout": [
    laidOut('layout ours, theirs of Layer { conv: "c" }\nlayout ours of Layer { conv: "d" }'),
    {
      "a.mv": `import layouts from "./b.mv";\n${laidOut('layout ours of Layer { conv: "c" }')}`,
      "b.mv": 'import { Layer } from "./a.mv";\nlayout ours of Layer { conv: "c" }\n',
    },
  ],
  "bad-hole": [laidOut('layout ours of Layer { "conv.{1}": "c" }'), laidOut('layout ours of Net { "layer.{base + 1}.conv": "c" }')],
  "bad-key": [laidOut('layout ours of Layer { conv: "c." }'), laidOut('layout ours of Layer { conv: "c", drop: ["a/b", "a c"] }')],
  "unknown-path": [
    laidOut('layout ours of Layer { convv: "c" }'),
    laidOut('layout ours of Net { "layer.{i}.cnv.weight": "l.{i}" }'),
    laidOut('layout ours of Net { "layer.conv": "l" }'),
    laidOut('layout ours of Net { "gain.scale": "g" }'),
    laidOut('layout ours of Tiny { nett: "" }'),
  ],
  "unused-import": [
    {
      "a.mv":
        'import { Half, wide, Image } from "./b.mv";\n\nmodel Net<H = 8> {\n  graph run(x: Image<4, H, H>): Image<4, H, H> {\n    return x;\n  }\n}\n',
      "b.mv":
        "type Image<C, H, W> = Tensor<float, [1, C, H, W]>;\nparam wide: bool = true;\nblock Half<C, H, W>(x: Image<C, H, W>): Image<C, H, W> {\n  return wide ? x : x / 2;\n}\n",
    },
  ],
  "op-name": [
    "type Row = Tensor<float, [1, 4]>;\nblock silu(x: Row): Row {\n  return x / 2;\n}\nblock expand(x: Row): Row {\n  return x |> silu();\n}\n",
  ],
  "too-many-warnings": [body(`${"if (wide) { const y = x; }\n  ".repeat(101)}return x |> conv2d(out, kernel: 1) as conv;`)],
  "unused-block": [
    "type Row = Tensor<float, [1, 4]>;\nblock Half(x: Row): Row {\n  return x / 2;\n}\nblock Quarter(x: Row): Row {\n  return x |> Half() |> Half();\n}\nmodel M {\n  graph run(x: Row): Row {\n    return x |> Half();\n  }\n}\n",
  ],
  "unused-label": [
    body(
      'const y = x |> silu() as act |> Half() as half;\n  repeat 2 as round { require wide, "is wide"; }\n  return y |> conv2d(out, kernel: 1) as conv;',
      "block Half<C, H, W>(x: Image<C, H, W>): Image<C, H, W> {\n  return x / 2;\n}\n",
    ),
  ],
  "hidden-value": [
    model(
      "graph half(z: Image<4, H, H>): Image<4, H, H> {\n    const base = 2;\n    let steps = base;\n    repeat mode of 2 { steps = steps + mode; }\n    return z * steps;\n  }",
    ),
  ],
  "unused-value": [
    "block First<N, M>(x: Tensor<float, [N]>, y: Tensor<float, [M]>): Tensor<float, [N]> {\n  return x;\n}\n",
    body(
      "const y = x;\n  let n = 2;\n  n = n + 1;\n  let skips = [x];\n  skips.push(x);\n  let all = [x];\n  all.pop();\n  weight gain: Tensor<float, [C]> = ones;\n  return x |> conv2d(out, kernel: 1) as conv;",
    ),
    "dim B = 1;\ndim F = 16;\nparam width: int = 4;\nparam heads: int = 8;\nconst base = 32;\n\nmodel Net<H = 8> {\n  graph run(x: Tensor<float, [B, width, H]>): Tensor<float, [B, width, H]> {\n    const base = 2;\n    return base * x;\n  }\n}\npreset Wide of Net { width: 8, heads: 4 }\n",
  ],
};

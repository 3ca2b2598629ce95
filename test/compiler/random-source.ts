// A seed to a small program of well-formed statements, most of which check: sizes, axes, lists, branches and blocks in any mixture.

import { extremes } from "../dsl/mutations.ts";
import type { Random } from "../dsl/random.ts";

const sizes = ["C", "H", "W", "n", "1", "2", "3", "4", "C * 2", "H / 2", "C * H", "n + 1", "H - 1", "C / n", "C % 3", "2 ** n"];
const axes = ["1", "C", "H", "W", "C * H", "H * W", "n", "C / 2", "2", "H * W * C", "4"];

const wholes = extremes.filter((number) => Number.isSafeInteger(Number(number)) && !number.includes("."));

/** `#` is a size, `@` an axis, `$` a label of its own. */
const statements = [
  "h = h |> conv2d(C, kernel: #) as $;",
  "h = h |> conv2d(#, kernel: 1, stride: #) as $;",
  'h = h |> conv2d(C, kernel: #, stride: 2, padding: "end") as $;',
  'h = h |> conv2d(C, kernel: [#, 1], padding: ["causal", #], dilation: #, groups: #) as $;',
  'h = h |> conv1d(#, kernel: #, padding: "none") as $;',
  "h = h |> convTranspose2d(C, kernel: #, stride: [#, 1]) as $;",
  "h = h |> averagePool2d([#, #], stride: #);",
  "h = h |> linear(#) as $;",
  "h = h |> groupNorm(#) as $;",
  "h = h |> layerNorm() as $;",
  "h = h |> rmsNorm(affine: false);",
  "h = h |> layerNorm(affine: n < #) as $;",
  "h = h |> silu();",
  "h = h |> gelu() |> quickGelu();",
  'h = h |> gelu(approximate: "tanh") |> abs() |> sqrt();',
  "h = h |> relu() |> sin() |> cos();",
  "h = h |> geglu();",
  "h = h |> upsample(#);",
  "h = h |> softmax(axis: #);",
  "h = h |> slice(axis: #, start: #, size: #);",
  "h = h |> sum(axis: #);",
  "h = h - (h |> mean(axis: #)) / (h |> max(axis: #));",
  "h = h |> pad(axis: #, before: #, after: #);",
  "h = h |> arrange([@, @, @, @]);",
  "h = h |> arrange([@, @, @]);",
  "h = h |> expand([@, @, @, @, @]);",
  "h = view(h, [@, @, @, @]);",
  "h = view(h, [1, C, H, W]);",
  "h = concat([h, x], axis: #);",
  "h = attend(h, h, h, heads: #);",
  "h = matmul(h, h);",
  "h = h + x;",
  "h = h * # - x / #;",
  "h = -h * 0.5;",
  "h = x;",
  "h = h |> Part(#) as $;",
  "h = Part(x, out: #) as $;",
  "n = #;",
  "n = n * # + #;",
  "n = n - # / #;",
  "n = l[#];",
  "n = l.length;",
  "l.push(#);",
  "n = l.pop();",
  "l = l.reversed();",
  "l = [#, #, n];",
  "s.push(h);",
  "h = s.pop();",
  "h = s[#];",
  "h = concat(s, axis: #);",
  "if (n < #) { h = h |> silu(); } else { n = #; }",
  "if (l == [#, #]) { h = x; }",
  "repeat # as $ { h = h |> conv2d(C, kernel: 1) as $; }",
  "repeat i of # { n = n + i; l.push(i); }",
  "repeat a, i of l { n = a - i; }",
  'require n < # || n >= #, "a sentence";',
  "weight $: Tensor<float, [@, @]> = zeros;",
  "weight $: Tensor<float, [1, C, 1, 1]> = normal(0.02);",
  "const $ = h;",
  "const $ = { a: #, b: [#] };",
  "h = Split(h).a;",
  "n = div(n, #);",
  "n = [n, #, 2].min() + l.max();",
  "h = h * view(float(range(#)), [1, 1, 1, #]);",
  "h = h + view(tensor([#, n, 2.5]), [1, 1, 3, 1]);",
  "h = h + view(view(float(range(W) - n), [W]), [1, 1, 1, W]);",
  'h = h |> conv2d(C, kernel: 1) as "$.{n}";',
  'repeat i of # { h = h |> conv2d(C, kernel: 1) as "$.{i}"; }',
  'repeat i of # as "$.{n}" { h = h |> conv2d(C, kernel: 1) as "{l.length}"; }',
  "repeat # { h = h |> conv2d(C, kernel: 1) as tied same |> layerNorm() as $; }",
  "repeat # as tied $ { h = h |> Part(#) as $; }",
  "s = Split(h).all;",
  "h = Pick(s, n: #);",
  "s.push(Pick([h, x], n: #));",
  "h = Pick(s, n: #, more: s);",
];

export function randomSource(random: Random): string {
  let serial = 0;
  const filled = (text: string) =>
    text
      .replace(/#/g, () => (random.below(20) === 0 ? random.pick(wholes) : random.pick(sizes)))
      .replace(/@/g, () => random.pick(axes))
      .replace(/\$/g, () => `l${serial++}`);
  const split =
    "block Split<C, H, W>(x: Image<C, H, W>): { a: Image<C, H, W>, all: Image<_, _, _>[] } {\n  return { a: x * 2, all: [x, x |> slice(axis: 1, start: 0, size: 1)] };\n}\nblock Pick<C>(s: Image<C, _, _>[], n: int, more: Image<_, _, _>[] = []): Image<C, _, _> {\n  return more.length > 1 ? more[0] + s[n] : s[n];\n}\n";
  const body = () => Array.from({ length: random.below(7) }, () => filled(random.pick(statements))).join("\n  ");
  const part =
    `block Part<C, H, W>(x: Image<C, H, W>, out: int = C, n0: int = 2): Image<${random.below(3) > 0 ? "C" : "out"}, H, W> {\n  let h = x;\n  let n = n0;\n  let l = [out, 2];\n  let s = [x];\n  ${body()}\n  return h;\n}\n`.replace(
      /h = h \|> Part.*?;|h = Part.*?;/g,
      "",
    );
  const [channels, height] = [random.pick(["1", "2", "4", "6"]), random.pick(["1", "2", "4", "8"])];
  const sampled = random.below(4) === 0;
  const rates = () => random.pick(["1", "1.0", "0.5", "2 / 4.0", "width", "1", "0", "(0 - 1)"]);
  const paths = () => random.pick(["**", "key", "time", "**", "key", "**.weight", "time.*", "net", "net.**.weight", "kee"]);
  const mean = `mean(view(abs(y), [B * ${channels} * H * H]), axis: 0)`;
  const trained = `
  graph loss(z: Image<${channels}, H, H>, text: Tensor<float, [B, D]>, noise: Image<${channels}, H, H>, t: Tensor<f32, [B]>): Tensor<f32, [1]> {
    const y = Net(z + noise) as net + view((t |> sinusoid(${channels} * 2) |> linear(1) as time) + (text |> linear(1) as key), [B, 1, 1, 1]);
    return ${random.pick([mean, mean, mean, "mean(mean(y, axis: 0), axis: 1)", "y"])};
  }
  train first {
    loss: loss, learningRate: ${rates()}, batch: ${random.pick(["1", "4", "width"])}, steps: 10, ema: 0.9, when: width > 1,
    inputs: {
      z: { from: "${random.pick(["noise", "noise", "noise", "noise", "clip", "image"])}" }, text: { from: "noise" }, noise: { from: "noise" },
      t: { from: "${random.pick(["time", "sigma", "noise"])}" },
    },
    weights: [{ path: "${paths()}" }, { path: "${paths()}", rate: ${rates()}, weightDecay: ${rates()} }],
  }`;
  const graph = sampled
    ? `graph denoise(z: Image<${channels}, H, H>, t: Tensor<f32, [B]>, text: Tensor<float, [B, D]>): Image<${channels}, H, H> {\n    return Net(z) as net + view((t |> sinusoid(${channels} * 2) |> linear(1) as time) + (text |> linear(1) as key), [B, 1, 1, 1]);\n  }\n  sampler denoise(z, t) { method: "ddim", steps: 4, guidance: 1, predicts: "v", schedule: "cosine", betas: [0.1, 0.2], trainSteps: 10 }${random.below(2) === 0 ? trained : ""}`
    : random.below(4) === 0
      ? `graph run(x: Image<${channels}, H, H>): { x: Image<${channels}, H, H>, all: Image<_, _, _>[] } {\n    const y = Net(x) as net;\n    return { x: y, all: [x, y, Split(y).all[${random.pick(sizes.filter((size) => /^\d$/.test(size)))} - 1]] };\n  }`
      : `graph run(x: Image<${channels}, H, H>): Image<${channels}, H, H> {\n    return Net(x) as net;\n  }`;
  return `dim B = ${random.pick(["1", "2"])};\ndim D = 3;\nparam width: int = 4;\ntype Image<C, H, W> = Tensor<float, [B, C, H, W]>;\n${split}${part}block Net<C, H, W>(x: Image<C, H, W>): Image<C, H, W> {\n  let h = x;\n  let n = width;\n  let l = [C, 2];\n  let s = [x];\n  ${body()}\n  return h;\n}\nmodel M<H = ${height}> {\n  ${graph}\n}\npreset P of M { width: ${random.pick(wholes)}, H: 3 }\n`;
}

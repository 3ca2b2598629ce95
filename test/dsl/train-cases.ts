// Models with one wrong stage of training each, by the code of what is said of it.

import type { Cases } from "./diagnostic-cases.ts";

interface Changed {
  readonly loss?: string;
  readonly inputs?: string;
  readonly weights?: string;
  /** Beside the learning rate, the batch and the number of steps. */
  readonly figures?: string;
  readonly members?: string;
}

const inputs = 'x: { from: "clip", encoder: encode }, tokens: { from: "text" }, noise: { from: "noise" }, t: { from: "time" }';

/** A model with a small loss, and one stage. */
export const trained = (changed: Changed = {}, stage = "denoiser") => `dim B = 1;
dim F = 4;
dim L = 5;
param peak: float = 1e-3;
type Video<C, H> = Tensor<float, [B, F, C, H, H]>;
block Net<H>(z: Video<4, H>, t: Tensor<f32, [B]>): Video<4, H> {
  const h = z |> conv2d(8, kernel: 3) as stem;
  return (h + view(t |> sinusoid(8), [B, 1, 8, 1, 1])) |> conv2d(4, kernel: 3) as head;
}
block Text(tokens: Tensor<i32, [B, L]>): Tensor<float, [B, 1, 4, 1, 1]> {
  return view(tokens |> embedding(9, 4) as table |> mean(axis: 1), [B, 1, 4, 1, 1]);
}
model Tiny<H = 4> {
  tokenizer { file: "a.json", pad: "<pad>" }
  graph encode(x: Video<3, 2 * H>): Video<4, H> { return x |> conv2d(4, kernel: 3, stride: 2) as encoder; }
  graph pair(x: Video<3, 2 * H>, y: Video<3, 2 * H>): Video<4, H> { return (x + y) |> conv2d(4, kernel: 3, stride: 2) as encoder; }
  graph small(x: Video<3, H>): Video<4, H> { return x |> conv2d(4, kernel: 1) as small; }
  graph denoise(z: Video<4, H>, t: Tensor<f32, [B]>, text: Tensor<float, [B, 1, 4, 1, 1]>): Video<4, H> { return Net(z + text, t) as unet; }
  graph encodeText(tokens: Tensor<i32, [B, L]>): Tensor<float, [B, 1, 4, 1, 1]> { return Text(tokens) as text; }
  sampler denoise(z, t) {
    method: "ddim", steps: 4, guidance: 2.0, predicts: "epsilon", schedule: "cosine", trainSteps: 10,
    conditions: { text: { from: "text", encoder: encodeText, unguided: "" } },
  }
  graph loss(x: Video<4, H>, tokens: Tensor<i32, [B, L]>, noise: Video<4, H>, t: Tensor<f32, [B]>): Tensor<f32, [1]> {
    ${changed.loss ?? "return mean(view(abs(Net(x + noise + Text(tokens) as text, t) as unet), [B * F * 4 * H * H]), axis: 0);"}
  }${changed.members === undefined ? "" : `\n  ${changed.members}`}
  train ${stage} {
    loss: loss,
    inputs: { ${changed.inputs ?? inputs} },
    weights: ${changed.weights ?? '[{ path: "text" }, { path: "unet" }]'},
    learningRate: peak, batch: 2, steps: 10${changed.figures === undefined ? "" : `, ${changed.figures}`},
  }
}
`;

const from = (source: string, to: string) => trained({ inputs: inputs.replace(source, to) });

/** A stage that normalises latents, beside graphs with layers that it may name. */
export const normalised = (stage: string) =>
  trained({
    members:
      `graph encodeFine(x: Video<3, H>): Video<4, H> { return (x |> conv2d(6, kernel: 1) as "fine.quant" |> slice(axis: 2, start: 0, size: 4)) * 0.5; }
  graph encodeWide(x: Video<3, H>): Video<6, H> { return x |> conv2d(6, kernel: 1) as "fine.quant" |> silu(); }
  graph decodeFine(z: Video<4, H>): Video<3, H> { return z / 0.5 |> conv2d(4, kernel: 1) as "back.quant" |> conv2d(3, kernel: 1, bias: false) as "back.out"; }
  train latents { ${stage} }`.replace("z / 0.5 |>", "(z / 0.5) |>"),
    inputs: inputs.replace('from: "clip", encoder: encode', 'from: "noise"'),
  });

/** What the source alone tells. */
export const trainChecks: Cases = {
  "loss-batch": [
    trained().replace("dim B = 1;", "const B = 1;"),
    trained().replace("noise: Video<4, H>, t: Tensor<f32, [B]>)", "noise: Tensor<float, [1, F, 4, H, H]>, t: Tensor<f32, [B]>)"),
  ],
  "no-sampler": [trained().replace(/ {2}sampler(.*\n)*? {2}\}\n/, "")],
  "no-such-weights": [
    trained({ weights: '[{ path: "unit" }]' }),
    trained({ weights: '[{ path: "unet.**.haed" }, { path: "unet.*.head" }]' }),
  ],
};

/** An entry for the sixth of two layers. */
export const unmatched = trained({
  members:
    "graph deep(x: Video<3, H>): Video<3, H> {\n    let h = x;\n    repeat 2 as deep { h = h |> conv2d(3, kernel: 1) as conv; }\n    return h;\n  }",
  weights: '[{ path: "unet" }, { path: "deep.1", rate: 0 }, { path: "deep.5", rate: 0 }]',
});

/** What sizes tell. */
export const trainSizes: Cases = {
  "train-value": [
    trained({
      figures: 'betas: [0.9, 1.0], ema: 1.0, warmup: 11, stills: -0.1, decay: "cosine", finalRate: 2.0, levelPower: 0.0, clipNorm: 0.0',
    }),
    trained({ weights: '[{ path: "unet", rate: peak - 1.0 }]' }),
    from('from: "text"', 'from: "text", dropped: 1.5'),
    trained({
      loss: "return mean(view(abs(Net(x + noise + Text(tokens) as text, float(t)) as unet), [B * F * 4 * H * H]), axis: 0);",
      inputs: inputs.replace('t: { from: "time" }', 't: { from: "label", of: "shape", classes: 1 }'),
    }).replace("t: Tensor<f32, [B]>): Tensor<f32, [1]>", "t: Tensor<i32, [B]>): Tensor<f32, [1]>"),
    trained({
      inputs: inputs.replace('from: "time"', 'from: "noise"').replace('from: "clip", encoder: encode', 'from: "noise"'),
      figures: 'levels: "uniform", levelPower: 0.5, stills: 0.1, finalRate: 0.1',
    }),
    trained({
      inputs: inputs.replace('from: "time"', 'from: "noise"').replace('from: "clip", encoder: encode', 'from: "noise"'),
      figures: 'levels: "uniform", levelPower: 0.5, stills: 0.1',
    }),
    trained().replace("peak: float = 1e-3", "peak: float = 0.0"),
  ],
  "train-tensor": [
    trained({ loss: "return (Net(x + noise + Text(tokens) as text, t) as unet);" }).replace("): Tensor<f32, [1]>", "): Video<4, H>"),
    trained({
      loss: "const y = Net(x + noise + Text(tokens) as text, t) as unet;\n    return { whole: mean(view(y, [B * F * 4 * H * H]), axis: 0), each: mean(view(y, [B * F * 4, H * H]), axis: 1) };",
    }).replace("): Tensor<f32, [1]>", "): { whole: Tensor<f32, [1]>, each: Tensor<f32, [B * F * 4, 1]> }"),
    from('tokens: { from: "text" }', 'tokens: { from: "noise" }'),
    from('noise: { from: "noise" }', 'noise: { from: "text" }'),
    from('t: { from: "time" }', 't: { from: "clip" }'),
    from('noise: { from: "noise" }', 'noise: { from: "sigma" }'),
    from('noise: { from: "noise" }', 'noise: { from: "label", of: "shape", classes: 6 }'),
    from('noise: { from: "noise" }', 'noise: { from: "clip", encoder: small }'),
    from("encoder: encode", "encoder: pair"),
    trained({ inputs: inputs.replace("encoder: encode", "encoder: encodeText"), weights: '[{ path: "unet" }]' }),
    from("encoder: encode", "encoder: small")
      .replace("graph small(x: Video<3, H>): Video<4, H>", "graph small(x: Video<3, H>): Video<8, H>")
      .replace("conv2d(4, kernel: 1)", "conv2d(8, kernel: 1)"),
  ],
  "nothing-trained": [trained({ weights: "[]" }), trained({ weights: '[{ path: "unet" }, { path: "unet", rate: 0 }]' })],
  "unread-by-loss": [
    trained({ weights: '[{ path: "unet" }, { path: "small" }]' }),
    trained({ loss: "return mean(view(abs(Net(x + noise + Text(tokens) as text, t) as unett), [B * F * 4 * H * H]), axis: 0);" }),
  ],
  "trained-encoder": [
    trained({
      loss: "const seen = noise |> slice(axis: 2, start: 0, size: 3) |> conv2d(4, kernel: 3, stride: 2) as encoder |> upsample(2);\n    return mean(view(abs(Net(x + seen + Text(tokens) as text, t) as unet), [B * F * 4 * H * H]), axis: 0);",
      weights: '[{ path: "unet" }, { path: "encoder" }]',
    }),
  ],
  "latent-layer": [
    normalised('normalises: encodeFine, writer: "encoder", readers: ["back.quant"]'),
    normalised('normalises: encode, writer: "encoder", readers: ["back.quant"]'),
    normalised('normalises: encodeFine, writer: "fine.quant", readers: ["back.out"]'),
    normalised('normalises: encodeFine, writer: "fine.quant", readers: ["fine.quant", "unet.stem"]'),
    normalised('normalises: encodeWide, writer: "fine.quant", readers: ["back.quant"]'),
  ],
};

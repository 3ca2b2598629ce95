// Mistakes in the stages of MagicVideo's training, as a researcher makes them.

import { type Breakage, of } from "./breakage.ts";

const magic = of("magicvideo.mv");
const mini = "in preset Mini";

export const trainBreakages: readonly Breakage[] = [
  magic("loss: denoiserLoss", "loss: denoiseLoss", "unknown-graph", "denoiseLoss", "did you mean `denoiserLoss`"),
  magic('noise: { from: "noise" },\n      tokens', "tokens", "missing-field", "inputs", "lacks `noise`"),
  magic(
    'tokens: { from: "text", dropped: 0.1 }',
    'token: { from: "text", dropped: 0.1 }',
    "unknown-input",
    "token",
    "did you mean `tokens`",
  ),
  magic('z: { from: "clip", encoder: encode }', 'z: { from: "clip" }', "train-tensor", '"clip"', "`[B, F, 3, H, W]`"),
  magic('z: { from: "clip", encoder: encode }', 'z: { from: "clip", encoder: decode }', "train-tensor", "decode", "`z` of `decode`"),
  magic('signal: { from: "signal" }', 'signal: { from: "noise level" }', "wrong-type", '"noise level"', '"signal"'),
  magic('{ path: "text", rate: textRate }', '{ path: "texts", rate: textRate }', "no-such-weights", '"texts"', "did you mean `text`"),
  magic(
    '"unet.**.attend.time"',
    '"unet.**.attend.times"',
    "no-such-weights",
    '"unet.**.attend.times"',
    "did you mean `unet.**.attend.time`",
  ),
  magic('{ path: "unet.**.adaptor" },', '{ path: "unet.**.adaptor", rate: -1.0 },', "train-value", "-1.0", "a number from 0"),
  magic(
    '{ path: "decoder.time1", rate: 0 },',
    "",
    "unread-by-loss",
    '"decoder"',
    "`autoencoderLoss` does not read: `decoder.time1.norm.weight`",
    'freeze them behind it, `{ path: "decoder.time1", rate: 0 }`',
    mini,
  ),
  magic(
    '{ path: "text", rate: textRate }, { path: "unet", rate: imageRate }',
    '{ path: "text", rate: textRate }, { path: "encoder", rate: imageRate }',
    "trained-encoder",
    "encode",
    "`encoder.stem.weight`",
    mini,
  ),
  magic("levelPower: 0.6, learningRate: 1.5e-3", "levelPower: -0.6, learningRate: 1.5e-3", "train-value", "-0.6", "above 0", mini),
  magic("UNet(z * Each(signal)", "UNet(z * signal", "wrong-rank", "z * signal"),
  magic(
    "as decoder;\n    const reconstruction",
    "as decoded;\n    const reconstruction",
    "unread-by-loss",
    '"decoder"',
    "`decoder.quant.weight`",
    mini,
  ),
  magic('writer: "encoder.quant"', 'writer: "encoder.head"', "latent-layer", '"encoder.head"', "convolution of one place", mini),
];

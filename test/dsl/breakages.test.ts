// Mistakes as a researcher makes them, one replacement in the shipped models each: one error, at its place, with the names that it is about.

import { expect, test } from "vitest";
import { TokenizerCheck } from "../../cli/tokenizer-check.ts";
import { checkSizes } from "../../compiler/check-sizes.ts";
import { renderDiagnostic } from "../../dsl/index.ts";
import { type Breakage, of } from "./breakage.ts";
import { checkFiles, models } from "./sources.ts";
import { trainBreakages } from "./train-breakages.ts";

const [magic, video, vae, clip, layouts] = [of("magicvideo.mv"), of("video.mv"), of("vae.mv"), of("clip.mv"), of("layouts.mv")];
const mini = "in preset Mini";
const concat = "[h, skips.pop()]";

const breakages: readonly Breakage[] = [
  // Arguments: swapped, left out, misspelt.
  magic("UNet(z, t, text)", "UNet(z, text, t)", "swapped-arguments", "text, t", "`t`", "`text`"),
  magic(
    "VideoDecoder(z / latentScale, vaeWidths, heads)",
    "VideoDecoder(z / latentScale, heads, vaeWidths)",
    "swapped-arguments",
    "heads, vaeWidths",
    "`widths`",
  ),
  magic(
    "D, textLayers, textHeads, textActivation, textStart)",
    "D, textHeads)",
    "missing-argument",
    "ClipText(tokens, vocabulary, D, textHeads) as text",
    "`heads`",
  ),
  magic("const width = levels[0].width;", "const base = levels[0].width;", "unknown-name", "width"),
  vae(
    "Attention(n, n, 1, bias: true)",
    "Attention(n, 1, bias: true)",
    "missing-argument",
    "Attention(n, 1, bias: true) as attention",
    "`context`",
  ),
  clip("causal: true", "casual: true", "unknown-argument", "casual", "did you mean `causal`"),
  video("attend(query, key, value,", "attend(query, value, key,", "swapped-arguments", "value, key", "`key`"),
  video("attend(query, key, value,", "attend(key, query, value,", "swapped-arguments", "key, query", "`query`"),
  magic("sampler denoise(z, t)", "sampler denoise(t, z)", "sampler-tensor", "t, z", "sampler denoise(z, t)"),
  magic("sampler denoise(z, t)", "sampler decode(z, t)", "unknown-input", "t", "`decode`"),
  // Axes.
  magic(
    "concat([h, skips.pop()], axis: 2)",
    "concat([h, skips.pop()], axis: 1)",
    "argument-shape",
    "concat([h, skips.pop()], axis: 1)",
    "axis F of 16",
    "32",
  ),
  magic(
    "text |> expand([B * F, pieces * L, D])",
    "text |> expand([B, pieces * L, D])",
    "argument-shape",
    "text |> expand([B, pieces * L, D])",
    "axis N",
  ),
  magic(
    "text |> expand([B * F, pieces * L, D])",
    "text |> expand([F * B, pieces * L, D])",
    "axis-mismatch",
    "text |> expand([F * B, pieces * L, D])",
    "F * B is not B * F",
  ),
  magic(
    "t |> arrange([B, F, C, H, W])",
    "t |> arrange([B, F, C, W, H])",
    "axis-mismatch",
    'x + (t |> arrange([B, F, C, W, H]) |> conv2d(C, kernel: 1, init: "zeros") as leave)',
    "W is not H",
  ),
  magic(
    "Video<out, H / stride, W / stride>",
    "Video<out, H / stride, H / stride>",
    "axis-mismatch",
    "x |> conv2d(out, kernel: 3, stride: stride, init: init) as conv |> Adaptor() as adaptor",
    "W is not H",
  ),
  magic(
    "Video<3, H * scale, W * scale> {\n    return VideoDecoder",
    "Video<3, W * scale, H * scale> {\n    return VideoDecoder",
    "axis-mismatch",
    "VideoDecoder(z / latentScale, vaeWidths, heads) as decoder",
    "H * scale",
  ),
  video(
    "|> arrange([B, F, C, H, W]);",
    "|> arrange([B, F, C, W, H]);",
    "axis-mismatch",
    'Attention(pixels, pixels, heads, causal: time == "directed", init: "zeros") as attention |> arrange([B, F, C, W, H])',
    "W is not H",
    "`Time`",
  ),
  video(
    "weight scale: Tensor<float, [F, C]>",
    "weight scale: Tensor<float, [C, F]>",
    "axis-mismatch",
    "view(scale, [1, F, C, 1, 1])",
    "C lies",
  ),
  magic("t |> arrange([B, F, C, H, W])", "t |> arrange([B, F, H, W])", "cannot-arrange", "arrange([B, F, H, W])", "C (320) would be lost"),
  magic("[B, 1, out, 1, 1]", "[B, 1, 1, out, 1]", "shape-mismatch", "h + s", "axis H", "out", "320"),
  magic("[B, 1, out, 1, 1]", "[B, out, 1, 1]", "wrong-rank", "h + s", "5 axes", "4 axes", "[1, B, out, 1, 1]"),
  vae(
    "slice(axis: 2, start: 0, size: kept)",
    "slice(axis: 1, start: 0, size: kept)",
    "result-shape",
    "moments |> slice(axis: 1, start: 0, size: kept)",
    "axis F of 16",
  ),
  vae(
    "slice(axis: 2, start: 0, size: kept)",
    "slice(axis: 2, start: channels, size: 2 * channels)",
    "bad-attribute",
    "size: 2 * channels",
    "4 to 11",
  ),
  video(
    "view(scale, [1, F, C, 1, 1])",
    "view(scale, [1, C, F, 1, 1])",
    "axis-mismatch",
    "view(scale, [1, C, F, 1, 1])",
    "F lies in another place",
  ),
  video(
    "view(shift, [1, F, C, 1, 1])",
    "view(shift, [F, C, 1, 1])",
    "wrong-rank",
    "x * view(scale, [1, F, C, 1, 1]) + view(shift, [F, C, 1, 1])",
    "[F, C, 1, 1]",
  ),
  // Widths.
  magic("sinusoid(width)", "sinusoid(width + 1)", "bad-attribute", "width + 1", "321", "odd"),
  magic(
    "FrameConv(Z) as head",
    "FrameConv(2 * Z) as head",
    "result-shape",
    "h |> groupNorm(groups) as norm |> silu() |> FrameConv(2 * Z) as head",
    "axis Z of 4",
    "8",
  ),
  magic(
    "linear(out) as step, [B",
    "linear(C) as step, [B",
    "cannot-view",
    "view(step |> silu() |> linear(C) as step, [B, 1, out, 1, 1])",
    "[B, C] has 320",
    "640",
  ),
  magic("silu() |> FrameConv(out) as conv1", "silu() |> FrameConv() as conv1", "shape-mismatch", "h + s", "axis C", "out on the right"),
  magic(
    'conv2d(C, kernel: 1, init: "zeros") as leave',
    'conv2d(2 * C, kernel: 1, init: "zeros") as leave',
    "shape-mismatch",
    'x + (t |> arrange([B, F, C, H, W]) |> conv2d(2 * C, kernel: 1, init: "zeros") as leave)',
    "axis C",
    "2 * C",
  ),
  clip(
    "embedding(vocabulary, width, init: start)",
    "embedding(width, vocabulary, init: start)",
    "swapped-arguments",
    "width, vocabulary",
    "`vocabulary`",
  ),
  clip(
    "linear(width) as narrow",
    "linear(4 * width) as narrow",
    "shape-mismatch",
    'h + ((activation == "gelu" ? wide |> gelu() : wide |> quickGelu()) |> linear(4 * width) as narrow)',
    "axis width",
    "3072",
  ),
  vae(
    "conv2d(3, kernel: 3) as head",
    "conv2d(4, kernel: 3) as head",
    "result-shape",
    "h |> groupNorm(groups, eps: 1e-6) as norm |> silu() |> conv2d(4, kernel: 3) as head",
    "`VideoDecoder`",
    "returns 4",
  ),
  magic(
    "ImageEncoder(x, Z, vaeWidths)",
    "ImageEncoder(x, 2 * Z, vaeWidths)",
    "result-shape",
    "(ImageEncoder(x, 2 * Z, vaeWidths) as encoder) * latentScale",
    "axis Z of 4",
    "8",
  ),
  // Skips, levels, signatures.
  magic(
    "return y + (out == C ? x : x |> conv2d(out, kernel: 1) as skip);",
    "return y + x;",
    "shape-mismatch",
    "y + x",
    "axis out",
    "C on the right",
    "conv2d(640, kernel: 1) as skip",
  ),
  vae(
    "out == C ? x : x",
    "out != C ? x : x",
    "shape-mismatch",
    "y + (out != C ? x : x |> conv2d(out, kernel: 1) as skip)",
    "axis out",
    "C on the right",
  ),
  magic("let skips = [h];", "let skips = [];", "empty-list", "skips.pop()", "`skips.pop()`"),
  magic("      skips.push(h);\n    }\n  }", "    }\n  }", "shape-mismatch", concat, "H / 8", "H / 4"),
  magic("repeat units + 1 as unit", "repeat units as unit", "shape-mismatch", concat, "axis 2", "H / 4", "H / 8"),
  magic("h |> upsample(2) |> FrameConv()", "h |> FrameConv()", "shape-mismatch", concat, "H / 8", "H / 4"),
  magic("levels[0].width", "levels[levels.length].width", "out-of-range", "levels.length", "index 4", "list of 4"),
  vae(
    "if (i + 1 < widths.length) { h = h |> conv2d",
    "if (i < widths.length) { h = h |> conv2d",
    "result-shape",
    "moments |> slice(axis: 2, start: 0, size: kept)",
    "axis H / 8 of 32",
    "16",
  ),
  magic(
    "H / stride, W / stride>",
    "H, W>",
    "result-shape",
    "x |> conv2d(out, kernel: 3, stride: stride, init: init) as conv |> Adaptor() as adaptor",
    "`FrameConv` promises axis H of 32",
    "16",
  ),
  magic(
    "h = concat([h, skips.pop()]",
    "concat([h, skips.pop()]",
    "no-effect",
    "concat([h, skips.pop()], axis: 2) |> ResBlock(step, level.width) as res",
  ),
  magic("t = t + SpaceAttention(n, n)", "const t = t + SpaceAttention(n, n)", "shadowed-name", "t", "`t = …;`"),
  // Weights and labels.
  video("x * view(scale, [1, F, C, 1, 1]) + view", "x + view", "unread-weight", "scale", "unet.stem.adaptor.scale"),
  video(
    "weight scale: Tensor<float, [F, C]> = ones;",
    "weight scale: Tensor<float, [B * F, C]> = ones;",
    "batch-weight",
    "weight scale: Tensor<float, [B * F, C]> = ones;",
    "[16, 320]",
    "[32, 320]",
  ),
  magic("(h + s) |> groupNorm(groups) as norm2", "(h + s) |> groupNorm(groups) as norm1", "repeated-label", "norm1", "as norm12"),
  magic("Space(text) as space", "Space(text)", "missing-label", "Space(text)", "as space"),
  // Presets and ablations.
  magic(
    "heads: 4, groups: 8",
    "heads: 5, groups: 8",
    "not-divisible",
    "heads: heads",
    "axis C",
    "5 heads",
    mini,
    "set at magicvideo.mv:225:10",
  ),
  magic(
    "heads: 4, groups: 8",
    "heads: 4, groups: 10",
    "not-divisible",
    "groups",
    "axis C",
    "10 groups",
    `${mini} and 7 more`,
    "set at magicvideo.mv:225:21",
  ),
  magic("H: 8, W: 8", "H: 7, W: 8", "requirement-failed", "H % 2 ** halvings == 0 && W % 2 ** halvings == 0", "H is 7", mini),
  magic("vaeWidths: [16, 24, 32, 64]", "vaeWidths: [16, 24, 36, 64]", "not-divisible", "groups", "36 channels", mini),
  magic("{ width: 48, attends: true }", "{ width: 50, attends: true }", "not-divisible", "groups", "50 channels", mini),
  magic("latentScale: 1.0", "latentScale: 0.0", "zero-divisor", "z / latentScale", "`latentScale`", mini),
  magic("eta: 1.0,", "eta: 10,", "sampler-value", "10", "from 0 to 1", mini),
  magic("steps: 6", "steps: 2500", "sampler-value", "2500", "1 to 1000", mini),
  magic("betas: [0.00085, 0.012]", "betas: [0.012, 0.00085]", "sampler-value", "[0.012, 0.00085]", "rising"),
  magic('predicts: "v"', 'predicts: "velocity"', "wrong-type", '"velocity"', '"epsilon", "v"'),
  magic("vocabulary: 32", "vocabulary: 20", "tokenizer-mismatch", "20", "ids up to 24", mini),
  magic('padToken: "<pad>"', 'padToken: "[PAD]"', "tokenizer-invalid", '"[PAD]"', mini),
  magic(
    "{ spatial: false }",
    "{ spatial: false, groups: 7 }",
    "not-divisible",
    "groups",
    "in ablation TemporalOnly and 2 more",
    "set at magicvideo.mv:245:63",
  ),
  magic('{ time: "full" }', '{ time: "ful" }', "wrong-type", '"ful"', 'did you mean `"full"`'),
  magic(
    "NoAdaptor of MagicVideo { adaptor: false }",
    "NoAdaptor of MagicVideo { adapter: false }",
    "unknown-override",
    "adapter",
    "did you mean `adaptor`",
  ),
  magic("encoder: encodeText", "encoder: encode", "sampler-tensor", "encode", "tokens"),
  magic("frames: decode", "frames: encode", "sampler-tensor", "encode", "latent `z`"),
  magic("latents: encode", "latents: decode", "sampler-tensor", "decode", "pictures"),
  magic("latents: encode", "latents: encoder", "unknown-graph", "encoder", "encode"),
  magic("eps: 1e-6) as norm", "eps: -1e-6) as norm", "bad-attribute", "eps: -1e-6", "at least 0"),
  // Names and imports.
  magic("Adaptor, Time, adaptor", "Adapter, Time, adaptor", "not-exported", "Adapter", "did you mean `Adaptor`"),
  magic('{ ClipText } from "./clip.mv"', '{ ClipText } from "./text.mv"', "missing-file", '"./text.mv"'),
  vae("Attention, Time, groups", "Attention, groups", "unknown-call", "Time", 'import { Time } from "./video.mv"'),
  vae("conv2d(deepest, kernel: 3)", "conv2d(deep, kernel: 3)", "unknown-name", "deep", "did you mean `deepest`"),
  magic(
    "h |> groupNorm(groups) as norm |> silu() |> FrameConv(Z)",
    "h |> groupnorm(groups) as norm |> silu() |> FrameConv(Z)",
    "unknown-call",
    "groupnorm",
    "did you mean `groupNorm`",
  ),
  ...trainBreakages,
  // Layouts.
  layouts(
    '"output_blocks.{i * (units + 1) + j}.0"',
    '"output_blocks.{i * units + j}.0"',
    "layout-clash",
    '"output_blocks.{i * units + j}.0"',
    "unet.up.0.unit.2.res",
    "unet.up.1.unit.0.res",
  ),
  layouts(
    'in_proj_" rows 1 of 3',
    'in_proj_" rows 0 of 3',
    "layout-clash",
    '"transformer.resblocks.{i}.attn.in_proj_" rows 0 of 3',
    "rows 0 of",
  ),
  layouts('in_proj_" rows 2 of 3', 'v"', "layout-parts", '"transformer.resblocks.{i}.attn.in_proj_" rows 0 of 3', "no weight has rows 2"),
  layouts("widths.length - 1 - i", "width.length - 1 - i", "unknown-name", "width", "did you mean `widths`"),
  layouts('"q" as [_, _, 1, 1]', '"q" as [_, 1, 1]', "layout-shape", '"q" as [_, 1, 1]', "[512, 512]", "[512, 1, 1]"),
];

const files = [...models].reverse();

test.each(breakages)("$file: $to", ({ file, from, to, code, at, names }) => {
  const own = models.get(file) ?? "";
  expect(own).toContain(from);
  const { program, diagnostics, texts } = checkFiles(
    new Map(files.map(([name, text]) => [name, name === file ? text.replace(from, () => to) : text])),
  );
  const tokenizers = new TokenizerCheck("models/magicvideo.mv");
  const sizes = program === undefined ? [] : checkSizes(program, (tokenizer) => tokenizers.errorsOf(tokenizer));
  const errors = [...diagnostics, ...sizes].filter(({ severity }) => severity === "error");
  const [first] = errors;
  const text = first && texts.get(first.span.file)?.slice(first.span.start, first.span.end);
  expect([errors.map((error) => error.code), text]).toEqual([[code], expect.stringContaining(at)]);
  if (code !== "mixed-batch" && !["missing-label", "missing-argument"].includes(code))
    expect(text?.length).toBeLessThanOrEqual(at.length + 12);
  const rendered = first === undefined ? "" : renderDiagnostic(first, texts);
  for (const name of names) expect(rendered).toContain(name);
  // Nothing that the file's own sizes show is put down to a preset.
  if (!names.some((name) => name.startsWith("in "))) expect(rendered).not.toMatch(/\n {2}in (preset|ablation)/);
});

// A copy of the model may call what it is made of otherwise: it is built all the same, without what the layouts say of that.
test.each<readonly [string, Breakage["file"], RegExp, string, string, string]>([
  ["a misspelt block of a layout", "layouts.mv", /of FrameConv/, "of FrameConf", "FrameConf", "did you mean `FrameConv`"],
  ["an import that is forgotten", "layouts.mv", /VaeRes, VaeAttention/, "VaeAttention", "VaeRes", 'import { VaeRes } from "./vae.mv"'],
  ["the model renamed", "magicvideo.mv", /\bMagicVideo\b/g, "Mine", "MagicVideo", "give magicvideo.mv one by that name"],
  ["a block renamed that others are in", "magicvideo.mv", /\bUNet\b/g, "Denoiser", "UNet", "or import a copy of layouts.mv"],
])("%s is one warning", (_, file, from, to, at, hint) => {
  const { program, diagnostics, texts } = checkFiles(
    new Map(files.map(([name, text]) => [name, name === file ? text.replace(from, to) : text])),
  );
  const found = [...diagnostics, ...(program === undefined ? [] : checkSizes(program))];
  const shown = found.map((one) => [one.code, one.severity, texts.get(one.span.file)?.slice(one.span.start, one.span.end)]);
  expect(shown).toEqual([["lost-layouts", "warning", at]]);
  expect(found[0]?.hint).toContain(hint);
});

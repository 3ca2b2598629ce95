// What is said of a checkpoint that a model takes, and of one that it does not: each tensor by name, with what it most likely is.

import { describe, expect, test } from "vitest";
import type { CheckpointTensor } from "../../../cli/checkpoint/checkpoint.ts";
import { type TakeOptions, takeWeights } from "../../../cli/weights/taken.ts";
import type { MvcError } from "../../../runtime/errors.ts";
import { checkpointOf, layoutOf, numbers, tensor, weightsOf } from "./by-hand.ts";

const weights = weightsOf({
  "unet.stem.weight": [3, 2, 1, 1],
  "unet.key.weight": [2, 768],
  "unet.adaptor.scale": { shape: [4, 3], axes: ["F", "C"] },
  "text.a.weight": [2, 2],
  "text.b.weight": [2, 2],
});
const image = layoutOf("image", {
  "unet.stem.weight": "unet/conv_in.weight",
  "unet.key.weight": "unet/attn2.to_k.weight",
  "text.a.weight": [{ key: "te/in_proj.weight", part: { index: 0, of: 2 } }],
  "text.b.weight": [{ key: "te/in_proj.weight", part: { index: 1, of: 2 } }],
});
const whole = { "unet/conv_in.weight": [3, 2, 1, 1], "unet/attn2.to_k.weight": [2, 768], "te/in_proj.weight": [4, 2] } as const;

type Given = { readonly [key: string]: CheckpointTensor | readonly number[] };
const take = (tensors: Given, options: Partial<TakeOptions> = {}, ...others: readonly Given[]) =>
  takeWeights(
    [
      { checkpoint: checkpointOf(tensors), shown: "x.ckpt" },
      ...others.map((one, i) => ({ checkpoint: checkpointOf(one), shown: `y${i}.ckpt` })),
    ],
    weights,
    { model: "Net", layouts: [image], fitting: () => undefined, ...options },
  );
const said = (...args: Parameters<typeof take>) => {
  const { madeNotes, notes } = take(...args);
  return [...madeNotes, ...notes];
};
const of = (tensors: Given, path: string, options: Partial<TakeOptions> = {}) => {
  const weight = weights.get(path);
  if (weight === undefined) throw new Error(path);
  return numbers(take(tensors, options).source.of(weight));
};
function refusal(tensors: Given, options: Partial<TakeOptions> = {}): MvcError {
  try {
    take(tensors, options);
  } catch (thrown) {
    return thrown as MvcError;
  }
  throw new Error("it was taken");
}

test("weights of the image model, and what the video model adds to them as training starts", () => {
  expect(of(whole, "text.b.weight")).toEqual([4, 5, 6, 7]);
  expect(of(whole, "unet.adaptor.scale")).toEqual(Array(12).fill(1));
  expect(said(whole)).toEqual([
    "the model adds 1 tensor (unet.adaptor.scale) to what the layout image has: they start as training does, with the seed 0",
  ]);
});

test("what the model does not take, by what it is", () => {
  const more = {
    "te/position_ids": [1, 4],
    betas: [1000],
    alphas_cumprod: [1000],
    "loss.logvar": [1],
    "optimizer.state.0.exp_avg": [4],
    "odd.thing": [1],
  };
  const notes = said({ ...whole, ...more }).slice(1);
  const taken = (what: string, are: string) => `x.ckpt has ${what} that the model does not take${are}`;
  expect(notes).toEqual([
    taken("2 tensors (betas, alphas_cumprod)", ": the noise levels of its training, which the model's sampler says by itself"),
    taken("1 tensor (te/position_ids)", ": a list of counting numbers"),
    taken("1 tensor (loss.logvar)", ": of the loss that the autoencoder was trained by"),
    taken("1 tensor (optimizer.state.0.exp_avg)", ": states of the optimizer"),
    taken("1 tensor (odd.thing)", ""),
  ]);
});

describe("several checkpoints", () => {
  const { "te/in_proj.weight": text, ...unet } = whole;
  const motion = layoutOf("motion", { "unet.adaptor.scale": "temporal.scale" });
  const layouts = [image, motion];

  test("each in its layout: what one lacks the other has, and nothing is left to make", () => {
    const { counts, taken } = take(unet, { layouts }, { "in_proj.weight": text }, { "temporal.scale": [4, 3] });
    expect([counts, taken.map(({ match }) => match.layout.name)]).toEqual([
      [2, 2, 1],
      ["image", "image", "motion"],
    ]);
    expect(said(unet, { layouts }, { "in_proj.weight": text }, { "temporal.scale": [4, 3] })).toEqual([]);
  });

  test("a weight that two have is the last one's", () => {
    const last = { "in_proj.weight": tensor([4, 2], { values: [9, 8, 7, 6, 5, 4, 3, 2] }) };
    const weight = weights.get("text.b.weight");
    expect(weight && numbers(take(whole, {}, last).source.of(weight))).toEqual([5, 4, 3, 2]);
    expect(take(whole, {}, last).counts).toEqual([2, 2]);
  });

  test("what other checkpoints would have is missing, and no addition of the model's", () => {
    const error = refusal({ "temporal.scale": [4, 3] }, { layouts });
    expect(error.message).toContain('the model, of x.ckpt, needs the tensor "unet.stem.weight" and 3 more');
    expect(error.hint).toContain("no checkpoint in the layout motion has all of it: give what else there is beside it");
  });
});

describe("refused before the work", () => {
  const { "te/in_proj.weight": _, ...unet } = whole;
  test.each<[string, Given, string, string]>([
    [
      "another width",
      { ...whole, "unet/attn2.to_k.weight": [2, 1024] },
      '"unet/attn2.to_k.weight" for "unet.key.weight" of x.ckpt must have the shape [2, 768], found [2, 1024]',
      "its 1024 is the text width of Stable Diffusion 2, and the model's is 768",
    ],
    [
      "an inpainting model",
      { ...whole, "unet/conv_in.weight": [3, 9, 1, 1] },
      "must have the shape [3, 2, 1, 1], found [3, 9, 1, 1]",
      "its 9 is what an inpainting model takes: latent, mask and masked picture, and the model's is 2",
    ],
    ["transposed", { ...whole, "unet/attn2.to_k.weight": [768, 2] }, "must have the shape [2, 768], found [768, 2]", "it is transposed"],
    [
      "a part that is missing",
      unet,
      'the model, of x.ckpt, needs the tensor "text.a.weight" and 1 more, such as "text.b.weight"',
      "it is without `te/`: give what else there is beside it: `--weights` may be given several times, or fill what is missing: `--init SEED`",
    ],
    [
      "a LoRA",
      { "lora_unet_a.lora_up.weight": [1], "lora_unet_a.lora_down.weight": [1] },
      'x.ckpt holds no weight of Net: its tensors are "lora_unet_a.lora_up.weight"',
      "they are LoRA factors; they change a checkpoint that is given beside them",
    ],
    [
      "keys of a layout that is not declared",
      { "down_blocks.0.x.weight": [1], "conv_in.bias": [2] },
      "holds no weight of Net",
      "they are keys of a diffusers U-Net; give a checkpoint of this model, or declare a layout of such keys: the model's layouts are `image`, `own`",
    ],
    [
      "whole numbers",
      { ...whole, "unet/attn2.to_k.weight": { ...tensor([2, 768]), dtype: "I8" } },
      '"unet/attn2.to_k.weight" of x.ckpt must be F32, F16, BF16 or F64, found I8',
      "",
    ],
  ])("%s", (_, tensors, message, hint) => {
    const error = refusal(tensors);
    expect(error.message).toContain(message);
    expect(error.hint).toContain(hint);
  });

  test("other options are tried where a part is there and lacks something, not where it is missing as a whole", () => {
    const { "unet/attn2.to_k.weight": __, ...lacking } = whole;
    const fitting = () => "`--preset Other`";
    expect(refusal(lacking, { fitting }).hint).toContain("its tensors are those of `--preset Other`");
    expect(refusal(unet, { fitting }).hint).toContain("it is without `te/`");
  });

  test("a part that is missing is filled where a seed is given, and that is said", () => {
    expect(said(unet, { init: 7 })[0]).toBe("x.ckpt lacks 2 tensors (text.a.weight, text.b.weight), which `--init 7` made");
  });

  test("a layout by name: the one that is meant, and one that is not there", () => {
    expect(refusal(whole, { layout: "own" }).message).toContain("holds no weight of Net");
    expect(refusal(whole, { layout: "kohya" }).hint).toContain('"image", "own"');
  });

  test("frames: more than the model's are cut, fewer are refused with the option that fits", () => {
    const own = (frames: number) => ({
      "unet.stem.weight": [3, 2, 1, 1],
      "unet.key.weight": [2, 768],
      "text.a.weight": [2, 2],
      "text.b.weight": [2, 2],
      "unet.adaptor.scale": [frames, 3],
    });
    expect(of(own(8), "unet.adaptor.scale")).toEqual(Array.from({ length: 12 }, (_, i) => i));
    expect(said(own(8))).toEqual(["of 1 tensor (unet.adaptor.scale) the first frames were taken, of 8 that x.ckpt has"]);
    expect(refusal(own(2)).hint).toBe("it was trained on 2 frames, and this is 4: `--set F=2`");
  });
});

// LoRA files merged into weights: W + strength · alpha / r · up · down, worked out by hand, under every form of keys.

import { describe, expect, test } from "vitest";
import type { CheckpointTensor } from "../../../cli/checkpoint/checkpoint.ts";
import type { WeightSource } from "../../../cli/weights/initial.ts";
import { withLora } from "../../../cli/weights/lora.ts";
import { type FloatType, within } from "../../../cli/weights/streams.ts";
import { checkpointOf, layoutOf, numbers, tensor, weightsOf } from "./by-hand.ts";

const weights = weightsOf({
  "unet.mid.query.weight": [2, 3],
  "unet.mid.leave.weight": [2, 1, 1, 1],
  "text.q.weight": [2, 3],
  "unet.norm.weight": [3],
});
const diffusers = layoutOf("diffusers", {
  "unet.mid.query.weight": "unet/mid_block.attentions.0.attn1.to_q.weight",
  "unet.mid.leave.weight": "unet/mid_block.attentions.0.attn1.to_out.0.weight",
  "text.q.weight": "text_encoder/text_model.encoder.layers.0.self_attn.q_proj.weight",
  "unet.norm.weight": "unet/norm.weight",
});
const compvis = layoutOf("compvis", { "unet.mid.query.weight": "model.diffusion_model.middle_block.1.to_q.weight" });

const sourceOf = (dtype: FloatType): WeightSource => ({
  of: ({ type }) => within(tensor(type.shape, { dtype }) as never, { period: 1, start: 0, length: 1 }),
});
/** [1, 2] · [10, 20, 30] and [1, -1] · [0, 1, 0]. */
const up = tensor([2, 2], { values: [1, 1, 2, -1] });
const down = tensor([2, 3], { values: [10, 20, 30, 0, 1, 0] });
const product = [10, 21, 30, 20, 39, 60];

function merged(
  tensors: { readonly [key: string]: CheckpointTensor },
  strength = 1,
  dtype: FloatType = "F32",
  path = "unet.mid.query.weight",
) {
  const lora = { checkpoint: checkpointOf(tensors), strength };
  const { source, notes } = withLora(sourceOf(dtype), lora, weights, [diffusers, compvis], "x.lora");
  const weight = weights.get(path);
  if (weight === undefined) throw new Error(path);
  return { values: numbers(source.of(weight)), dtype: source.of(weight).dtype, notes };
}
const plain = [0, 1, 2, 3, 4, 5];
const plus = (scale: number) => plain.map((value, i) => value + scale * (product[i] ?? 0));

const kohya = "lora_unet_mid_block_attentions_0_attn1_to_q";
test.each([
  [`${kohya}.lora_up.weight`, `${kohya}.lora_down.weight`],
  ["lora_unet_middle_block_1_to_q.lora_up.weight", "lora_unet_middle_block_1_to_q.lora_down.weight"],
  ["unet.mid_block.attentions.0.attn1.to_q.lora_B.weight", "unet.mid_block.attentions.0.attn1.to_q.lora_A.weight"],
  [
    "base_model.model.mid_block.attentions.0.attn1.to_q.lora_B.default.weight",
    "base_model.model.mid_block.attentions.0.attn1.to_q.lora_A.default.weight",
  ],
  ["unet.mid_block.attentions.0.attn1.to_q.lora.up.weight", "unet.mid_block.attentions.0.attn1.to_q.lora.down.weight"],
  ["mid_block.attentions.0.attn1.processor.to_q_lora.up.weight", "mid_block.attentions.0.attn1.processor.to_q_lora.down.weight"],
  ["unet.mid.query.lora_B.weight", "unet.mid.query.lora_A.weight"],
])("%s", (upKey, downKey) => {
  const { values, notes } = merged({ [upKey]: up, [downKey]: down });
  expect(values).toEqual(plus(1));
  expect(notes).toEqual(["x.lora changes 1 of the model's layers, at strength 1"]);
});

test("alpha over rank, times the strength; negative takes it out again", () => {
  const tensors = { [`${kohya}.lora_up.weight`]: up, [`${kohya}.lora_down.weight`]: down, [`${kohya}.alpha`]: tensor([], { values: [1] }) };
  expect(merged(tensors, 1).values).toEqual(plus(0.5));
  expect(merged(tensors, -3).values).toEqual(plus(-1.5));
});

test("text encoders, convolutions, and what is not changed", () => {
  const te = "lora_te_text_model_encoder_layers_0_self_attn_q_proj";
  const leave = "lora_unet_mid_block_attentions_0_attn1_to_out_0";
  const tensors = {
    [`${te}.lora_up.weight`]: up,
    [`${te}.lora_down.weight`]: down,
    [`${leave}.lora_up.weight`]: tensor([2, 1, 1, 1], { values: [2, 3] }),
    [`${leave}.lora_down.weight`]: tensor([1, 1, 1, 1], { values: [10] }),
  };
  expect(merged(tensors, 1, "F32", "text.q.weight").values).toEqual(plus(1));
  expect(merged(tensors, 1, "F32", "unet.mid.leave.weight").values).toEqual([20, 31]);
  expect(merged(tensors).values).toEqual(plain);
});

test("the type of the weight stays, rounded once", () => {
  const tensors = { [`${kohya}.lora_up.weight`]: up, [`${kohya}.lora_down.weight`]: down };
  // 20010, 42022, 60032, 40023, then beyond 65504: halves are 16 apart from 2^14 on, 32 from 2^15 on.
  expect(merged(tensors, 2001, "F16")).toMatchObject({
    dtype: "F16",
    values: [20016, 42016, 60032, 40032, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
  });
});

describe("refused by name", () => {
  const pair = { [`${kohya}.lora_up.weight`]: up, [`${kohya}.lora_down.weight`]: down };
  test.each<[string, { readonly [key: string]: CheckpointTensor }]>([
    ['"a.hada_w1_a" is of LoHa or LoKr factors', { ...pair, "a.hada_w1_a": up }],
    ['"a.dora_scale" is of DoRA magnitudes', { ...pair, "a.dora_scale": up }],
    [`"${kohya}" has only one of its two factors`, { [`${kohya}.lora_up.weight`]: up }],
    ["it holds no LoRA factors: its tensors are conv_in.weight", { "conv_in.weight": up }],
    [
      "the model has none of the layers that it changes: 1 tensor (lora_unet_x)",
      { "lora_unet_x.lora_up.weight": up, "lora_unet_x.lora_down.weight": down },
    ],
    [
      `"${kohya}" of x.lora must have the shape [2, r] and [r, 3], found [2, 2] and [2, 4]`,
      { ...pair, [`${kohya}.lora_down.weight`]: tensor([2, 4]) },
    ],
  ])("%s", (said, tensors) => expect(() => merged(tensors)).toThrow(said));

  test("layers that the model lacks beside those that it has are said", () => {
    const { notes } = merged({ ...pair, "lora_te2_x.lora_up.weight": up, "lora_te2_x.lora_down.weight": down });
    expect(notes[1]).toBe("x.lora changes 1 tensor (lora_te2_x) too, which the model does not have");
  });
});

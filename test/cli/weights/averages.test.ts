// Averages beside the weights, under the names that trainers give them.

import { expect, test } from "vitest";
import { averagesOf, isAverage } from "../../../cli/weights/averages.ts";

test("Lightning's averages have no dots, and leave out what the model is wrapped in", () => {
  const plain = ["model.diffusion_model.input_blocks.1.0.in_layers.0.weight", "model.diffusion_model.out.2.bias", "first_stage_model.a.b"];
  const keys = [
    ...plain,
    "model_ema.diffusion_modelinput_blocks10in_layers0weight",
    "model_ema.diffusion_modelout2bias",
    "model_ema.decay",
  ];
  expect([...averagesOf(keys, plain)]).toEqual([
    [plain[0], "model_ema.diffusion_modelinput_blocks10in_layers0weight"],
    [plain[1], "model_ema.diffusion_modelout2bias"],
  ]);
});

test("averages with the keys of what they are averages of", () => {
  expect([...averagesOf(["ema.unet.a", "ema_model.module.b", "unet.a"], ["unet.a", "module.b"])]).toEqual([
    ["unet.a", "ema.unet.a"],
    ["module.b", "ema_model.module.b"],
  ]);
  expect(["schema.weight", "ema", "unet.ema.weight", "emanation.x"].filter(isAverage)).toEqual([]);
});

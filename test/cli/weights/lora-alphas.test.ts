// LoRAs whose scale lies beside their factors: PEFT's folders against what PEFT itself merges, and the header that diffusers writes.

import { describe, expect, test } from "vitest";
import { openCheckpoint } from "../../../cli/checkpoint/open-checkpoint.ts";
import { withLora } from "../../../cli/weights/lora.ts";
import { alphasOf } from "../../../cli/weights/lora-alphas.ts";
import { elementsOf } from "../../../cli/weights/streams.ts";
import type { TensorData } from "../../../runtime/index.ts";
import { readSafetensors } from "../../../runtime/index.ts";
import { numbers, weightsOf } from "./by-hand.ts";

const floats = (tensor: TensorData | undefined) => Float32Array.from(tensor?.data ?? []);

test.each(["scaled", "stabilised"])("golden/lora/%s", async (name) => {
  const golden = await readSafetensors(`golden/lora/${name}.safetensors`);
  const paths = Object.keys(golden).flatMap((key) => (key.startsWith("before/") ? [key.slice("before/".length)] : []));
  const weights = weightsOf(Object.fromEntries(paths.map((path) => [path, golden[`before/${path}`]?.shape ?? []])));
  const source = { of: ({ path }: { path: string }) => elementsOf("F32", () => [floats(golden[`before/${path}`])]) };
  const checkpoint = await openCheckpoint(`golden/lora/${name}`);
  const merged = withLora(source, { checkpoint, strength: 1 }, weights, [], name);
  let furthest = 0;
  for (const [path, weight] of weights) {
    const [found, expected] = [numbers(merged.source.of(weight)), floats(golden[`after/${path}`])];
    expect(found).toHaveLength(expected.length);
    for (const [i, value] of found.entries()) furthest = Math.max(furthest, Math.abs(value - (expected[i] ?? 0)));
  }
  checkpoint.close();
  expect(merged.notes).toContain(`${name} changes 4 of the model's layers, at strength 1`);
  // PEFT sums in f32, we in f64: some roundings of values up to 8.
  expect(furthest).toBeLessThan(4e-6);
});

describe("what a file says of itself", () => {
  const alphas = (about: unknown) =>
    alphasOf({ lora_adapter_metadata: typeof about === "string" ? about : JSON.stringify(about) }, "x.lora");

  test("by part, as diffusers writes it; nothing where nothing is said", () => {
    const alphaOf = alphas({ "unet.lora_alpha": 8, "unet.r": 4, "text_encoder.lora_alpha": 2, "text_encoder.use_rslora": true });
    expect(alphaOf("unet.mid_block.to_q", 4)).toBe(8);
    expect(alphaOf("text_encoder.layers.0.q_proj", 16)).toBe(8);
    expect(alphaOf("transformer.x", 4)).toBeUndefined();
    expect(alphasOf({ ss_network_alpha: "4" }, "x.lora")("unet.x", 4)).toBeUndefined();
  });

  test("a layer's own, by the end of its name or the whole of it", () => {
    const alphaOf = alphas({ lora_alpha: 1, alpha_pattern: { to_q: 2, "^mid.to_k": 3 } });
    expect(["mid.to_q", "mid.into_q", "base_model.model.mid.to_k", "a.mid.to_k"].map((layer) => alphaOf(layer, 9))).toEqual([2, 1, 3, 1]);
  });

  test.each<[string, unknown]>([
    ["is not JSON", "{"],
    ["is not an object", []],
    ["has a lora_alpha or alpha_pattern of no number", { lora_alpha: "8" }],
    ['has an alpha for "to_q" that is no number', { lora_alpha: 1, alpha_pattern: { to_q: "2" } }],
    ['has an alpha for the pattern "(a+)+$", which is no layer\'s name', { lora_alpha: 1, alpha_pattern: { "(a+)+$": 2 } }],
  ])("%s", (said, about) => expect(() => alphas(about)).toThrow(`what it says of itself (lora_adapter_metadata) ${said}`));
});

/** The keys of a LoRA file to its factors, by the name of the layer that they change. */

import { mvcError } from "../../runtime/errors.ts";
import type { CheckpointTensor } from "../checkpoint/checkpoint.ts";

/** The layer's weight W becomes W + strength · scale / rank · up · down (Hu et al., 2021); `scale` is one number, the rank where there is none. */
export interface Factors {
  readonly up: CheckpointTensor;
  readonly down: CheckpointTensor;
  readonly alpha: CheckpointTensor | undefined;
}

/** kohya's and PEFT's forms, and the two that diffusers had before. */
const forms: readonly { readonly keys: RegExp; readonly layer: (match: RegExpExecArray) => string }[] = [
  { keys: /^(.+)\.lora_(down|up)\.weight$/, layer: ([, layer = ""]) => layer },
  { keys: /^(.+)\.lora_(A|B)(?:\.default)?\.weight$/, layer: ([, layer = ""]) => layer },
  { keys: /^(.+)\.lora(?:_linear_layer)?[._](down|up)\.weight$/, layer: ([, layer = ""]) => layer },
  { keys: /^(.+)\.processor\.(?:to_\w+)_lora\.(down|up)\.weight$/, layer: (match) => `${match[1]}.${attentionLayer(match[0])}` },
];

function attentionLayer(key: string): string {
  const [, name = ""] = /\.processor\.(to_\w+)_lora\./.exec(key) ?? [];
  return name === "to_out" ? "to_out.0" : name;
}

/** Ways to change weights that are no product of two factors. */
const others: readonly (readonly [keys: RegExp, called: string])[] = [
  [/\.hada_|\.lokr_/, "LoHa or LoKr factors"],
  [/\.dora_scale$|lora_magnitude_vector/, "DoRA magnitudes"],
  [/\.lora_mid\./, "LoCon factors with a middle one"],
  [/\.(diff|diff_b)$/, "whole differences of weights"],
];

/**
 * @param shown what the file is called.
 * @throws MvcError `lora-invalid` where it holds no factors, half of some, or what is no LoRA.
 */
export function factorsOf(tensors: ReadonlyMap<string, CheckpointTensor>, shown: string): ReadonlyMap<string, Factors> {
  const invalid = (reason: string) => mvcError("lora-invalid", { file: shown, reason });
  const halves = new Map<string, { up?: CheckpointTensor; down?: CheckpointTensor }>();
  const alphas = new Map<string, CheckpointTensor>();
  const unknown: string[] = [];
  for (const [key, tensor] of tensors) {
    const other = others.find(([keys]) => keys.test(key));
    if (other !== undefined) throw invalid(`"${key}" is of ${other[1]}`);
    if (key.endsWith(".alpha")) {
      alphas.set(key.slice(0, -".alpha".length), tensor);
      continue;
    }
    const read = forms.map(({ keys, layer }) => ({ match: keys.exec(key), layer })).find(({ match }) => match !== null);
    if (read === undefined || read.match === null) {
      unknown.push(key);
      continue;
    }
    const layer = read.layer(read.match);
    const half = /(up|B)(\.default)?\.weight$/.test(key) ? "up" : "down";
    halves.set(layer, { ...halves.get(layer), [half]: tensor });
  }
  if (halves.size === 0) throw invalid(`it holds no LoRA factors: its tensors are ${unknown.slice(0, 3).join(", ")}`);
  if (unknown[0] !== undefined) throw invalid(`"${unknown[0]}" is no LoRA factor`);
  const whole = [...halves].map(([layer, { up, down }]) => {
    if (up === undefined || down === undefined) throw invalid(`"${layer}" has only one of its two factors`);
    return [layer, { up, down, alpha: alphas.get(layer) }] as const;
  });
  return new Map(whole);
}

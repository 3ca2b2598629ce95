/** What a LoRA's file says of its scale beside the factors, as PEFT and diffusers write it, to the alpha of each layer. */

import { mvcError } from "../../runtime/errors.ts";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";

/** The alpha of a layer whose factors have a rank; undefined where nothing is said, which is the rank by convention. */
export type AlphaOf = (layer: string, rank: number) => number | undefined;

interface Config {
  /** `unet.` in a file of several parts. */
  readonly part: string;
  readonly alpha: number;
  readonly patterns: readonly (readonly [layer: string, alpha: number])[];
  /** Rank-stabilised: the scale is alpha / √rank, not alpha / rank (Kalajdzievski, 2023). */
  readonly stabilised: boolean;
}

/**
 * PEFT's `adapter_config.json` (`lora_alpha`, `alpha_pattern`, `use_rslora`), and the same by part in the header of diffusers' files
 * (`unet.lora_alpha`).
 * @throws MvcError `lora-invalid` where what is said is not JSON of numbers.
 */
export function alphasOf(metadata: Checkpoint["metadata"], shown: string): AlphaOf {
  const configs = ["adapter_config", "lora_adapter_metadata"].flatMap((key) => {
    const text = metadata[key];
    return text === undefined ? [] : configsIn(text, `what it says of itself (${key})`, shown);
  });
  return (layer, rank) => {
    const config = configs.find(({ part }) => layer.startsWith(part));
    if (config === undefined) return undefined;
    const name = layer.slice(config.part.length).replace(/^base_model\.model\./, "");
    const alpha = config.patterns.find(([pattern]) => fits(name, pattern))?.[1] ?? config.alpha;
    return config.stabilised ? alpha * Math.sqrt(rank) : alpha;
  };
}

function configsIn(text: string, where: string, shown: string): Config[] {
  const invalid = (reason: string) => mvcError("lora-invalid", { file: shown, reason: `${where} ${reason}` });
  let said: unknown;
  try {
    said = JSON.parse(text);
  } catch {
    throw invalid("is not JSON");
  }
  if (!isRecord(said)) throw invalid("is not an object");
  const heads = Object.keys(said).flatMap((key) => (key.endsWith("lora_alpha") ? [key.slice(0, -"lora_alpha".length)] : []));
  return heads.map((part) => {
    const alpha = said[`${part}lora_alpha`];
    const patterns = said[`${part}alpha_pattern`] ?? {};
    if (typeof alpha !== "number" || !isRecord(patterns)) throw invalid(`has a ${part}lora_alpha or ${part}alpha_pattern of no number`);
    const entries = Object.entries(patterns).map(([layer, value]) => {
      if (typeof value !== "number") throw invalid(`has an alpha for "${layer}" that is no number`);
      // Any other is a regular expression: a file from elsewhere must not have one run.
      if (!/^\^?[\w.]+$/.test(layer)) throw invalid(`has an alpha for the pattern "${layer}", which is no layer's name`);
      return [layer, value] as const;
    });
    return { part, alpha, patterns: entries, stabilised: said[`${part}use_rslora`] === true };
  });
}

/** As PEFT reads a pattern that is a name: the whole of a layer's with `^`, else the end of it from a dot on. */
function fits(name: string, pattern: string): boolean {
  return `.${name}`.endsWith(`.${pattern.replace(/^\^/, "")}`) && (!pattern.startsWith("^") || name.length === pattern.length - 1);
}

function isRecord(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

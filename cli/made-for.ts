/** The configuration that weights were made for, as texts in their file's metadata, and how it differs from what is built. */

import type { Settings } from "./choices.ts";

export interface MadeFor {
  readonly model: string;
  readonly preset: string | null;
  readonly ablations: readonly string[];
  readonly settings: Settings;
}

/** Flat texts, which the format asks for; lists and records as JSON. */
export function metadataOf({ model, preset, ablations, settings }: MadeFor): { readonly [key: string]: string } {
  return { model, preset: preset ?? "", ablations: JSON.stringify(ablations), settings: JSON.stringify(settings) };
}

/** Undefined where the file does not say, or says it in a way that is not ours. */
export function madeForOf(metadata: { readonly [key: string]: string }): MadeFor | undefined {
  const { model, preset, ablations, settings } = metadata;
  if (model === undefined || ablations === undefined) return undefined;
  const [list, record] = [parsed(ablations), parsed(settings ?? "{}")];
  if (!Array.isArray(list) || !list.every((one) => typeof one === "string")) return undefined;
  if (typeof record !== "object" || record === null || Array.isArray(record)) return undefined;
  return { model, preset: preset === undefined || preset === "" ? null : preset, ablations: list, settings: record as MadeFor["settings"] };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** `MagicVideo, preset Mini, ablation NoAdaptor, F=8`. */
export function described({ model, preset, ablations, settings }: MadeFor): string {
  const set = Object.entries(settings).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return [model, ...(preset === null ? [] : [`preset ${preset}`]), ...ablations.map((name) => `ablation ${name}`), ...set].join(", ");
}

/** What a user must know of weights that were made for another configuration; nothing where they were made for this one. */
export function differenceOf(weights: MadeFor, built: MadeFor): string | undefined {
  if (described(weights) === described(built)) return undefined;
  return `the weights were made for ${described(weights)}, and this is ${described(built)}: what it samples shows the change without training for it`;
}

/** What the form holds to the address's fragment, which no server sees, and back. */

import type { ModelEntry } from "./models.ts";
import type { Wish } from "./studio.ts";

/** Longer ones were not made by this page. */
export const longestPrompt = 500;
export const mostGuidance = 30;

export interface Linked extends Partial<Wish> {
  /** What the fragment says and this page cannot do, as `steps=x`. */
  readonly faults: readonly string[];
}

/** `prompt=a+red+circle&seed=1&steps=25&guidance=2&model=mini`. */
export function fragmentOf({ prompt, seed, steps, guidance, model }: Wish): string {
  return new URLSearchParams({ prompt, seed: `${seed}`, steps: `${steps}`, guidance: `${guidance}`, model: nameOf(model) }).toString();
}

export function wishOf(fragment: string, models: readonly [ModelEntry, ...ModelEntry[]]): Linked {
  const said = new URLSearchParams(fragment);
  const faults: string[] = [];
  const read = <T>(name: string, reader: (text: string) => T | undefined): T | undefined => {
    const text = said.get(name);
    if (text === null) return undefined;
    const value = reader(text);
    if (value === undefined) faults.push(`${name}=${text.length > 40 ? `${text.slice(0, 40)}…` : text}`);
    return value;
  };
  const whole = (from: number, to: number) => (text: string) => {
    const value = Number(text);
    return /^\d+$/.test(text) && value >= from && value <= to ? value : undefined;
  };
  const model = read("model", (text) => models.find((one) => nameOf(one) === text));
  const prompt = read("prompt", (text) => (text.length <= longestPrompt ? text : undefined));
  const seed = read("seed", whole(0, Number.MAX_SAFE_INTEGER));
  const steps = read("steps", whole(1, (model ?? models[0]).trainSteps));
  const guidance = read("guidance", (text) => {
    const value = Number(text);
    return text.trim() !== "" && value >= 0 && value <= mostGuidance ? value : undefined;
  });
  return {
    ...(model && { model }),
    ...(prompt !== undefined && { prompt }),
    ...(seed !== undefined && { seed }),
    ...(steps !== undefined && { steps }),
    ...(guidance !== undefined && { guidance }),
    faults,
  };
}

/** The last part of the package's address. */
function nameOf({ path }: ModelEntry): string {
  return path.split("/").at(-1) ?? path;
}

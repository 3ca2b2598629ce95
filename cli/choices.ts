/** The options that say what is compiled, shared by `report`, `build` and `explain`, to the compiler's choices. */

import type { Choices, Setting } from "../compiler/expand/configure.ts";

/** What `--set` gives, by name. */
export type Settings = { readonly [name: string]: Setting };

export interface ChoiceOptions {
  readonly model?: string | undefined;
  readonly preset?: string | undefined;
  readonly ablation?: readonly string[] | undefined;
  readonly set?: Settings | undefined;
  readonly precision: "f32" | "f16";
}

/** A file and the choices as a command line has them, to say of what something is told; it can be pasted. */
export function shownChoices(file: string, { model, preset, ablation = [], set = {} }: ChoiceOptions): string {
  const option = (name: string, value: string | undefined) => (value === undefined ? [] : [`--${name} ${quoted(value)}`]);
  const settings = Object.entries(set).map(([name, value]) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`);
  const chosen = [...option("model", model), ...option("preset", preset)];
  return [
    quoted(file),
    ...chosen,
    ...ablation.flatMap((name) => option("ablation", name)),
    ...settings.flatMap((one) => option("set", one)),
  ].join(" ");
}

/** As a shell reads it as one word. */
function quoted(word: string): string {
  return /^[\w.,:=/+@-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

export function choicesOf(options: ChoiceOptions): Choices {
  return {
    model: options.model,
    preset: options.preset,
    ablations: options.ablation ?? [],
    settings: options.set ?? {},
    precision: options.precision,
  };
}

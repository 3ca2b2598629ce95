/** The weights of a file to the choices of a model that they fit, where a build found that its own do not. */

import { configurationsOf } from "../compiler/check-sizes.ts";
import { expandModel } from "../compiler/compile.ts";
import type { Choices } from "../compiler/expand/configure.ts";
import type { Program } from "../dsl/index.ts";

/** By key; only shapes count. */
type Tensors = ReadonlyMap<string, { readonly shape: readonly number[] }>;

/** The options of the configuration that reads the most of the file's tensors and lacks none; undefined where none fits. */
export function fittingOptions(program: Program, chosen: Choices, tensors: Tensors): string | undefined {
  const declared = configurationsOf(program).filter(({ model }) => chosen.model === undefined || model === chosen.model);
  const presets = [...new Set([chosen.preset, ...declared.map(({ preset }) => preset)])];
  const ablations = [chosen.ablations ?? [], ...declared.map((one) => one.ablations ?? [])];
  const tried = presets.flatMap((preset) => ablations.map((some): Choices => ({ ...chosen, preset, ablations: some })));
  let best: { readonly options: string; readonly read: number } | undefined;
  for (const choices of tried) {
    const read = readIf(program, choices, tensors);
    if (read > (best?.read ?? 0)) best = { options: optionsOf(choices), read };
    if (read === tensors.size) break;
  }
  return best?.options;
}

/** How many of the tensors the configuration reads; 0 where it lacks one or there is no such configuration. */
function readIf(program: Program, choices: Choices, tensors: Tensors): number {
  const expanded = expandModel(program, choices);
  if (!expanded.ok) return 0;
  const shapes = new Map<string, string>();
  for (const { values } of expanded.value.graphs.values()) {
    for (const value of values) if (value.kind === "weight") shapes.set(value.path, value.type.shape.join());
  }
  return [...shapes].every(([path, shape]) => tensors.get(path)?.shape.join() === shape) ? shapes.size : 0;
}

function optionsOf({ preset, ablations = [] }: Choices): string {
  const words = [...(preset === undefined ? [] : [`--preset ${preset}`]), ...ablations.map((name) => `--ablation ${name}`)];
  return words.length === 0 ? "no --preset and no --ablation" : `\`${words.join(" ")}\``;
}

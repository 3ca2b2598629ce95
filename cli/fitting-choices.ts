/** The weights of a file to the choices of a model that they fit, where a build found that its own do not. */

import { configurationsOf } from "../compiler/check-sizes.ts";
import { weighModel } from "../compiler/compile.ts";
import type { Choices } from "../compiler/expand/configure.ts";
import { layOutWeights } from "../compiler/package/weights.ts";
import type { Program } from "../dsl/index.ts";
import { MvcError } from "../runtime/errors.ts";
import { type Match, matchBest, ownLayout, type Stored } from "./weights/match.ts";

type Tensors = ReadonlyMap<string, Stored>;

/** The options of the configuration that reads the most weights of the file and lacks none; undefined where none fits. */
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

/** How many weights the configuration reads; 0 where one is lacking that the file should have, or there is no such configuration. */
function readIf(program: Program, choices: Choices, tensors: Tensors): number {
  const weighed = weighModel(program, choices);
  if (!weighed.ok) return 0;
  const { graphs, layouts } = weighed.value;
  const { weights } = layOutWeights(graphs.values());
  let match: Match;
  try {
    match = matchBest(weights, [...layouts, ownLayout(weights)], tensors, "");
  } catch (thrown) {
    if (thrown instanceof MvcError) return 0;
    throw thrown;
  }
  return match.missing.length + match.misshapen.length === 0 ? match.places.size : 0;
}

function optionsOf({ preset, ablations = [] }: Choices): string {
  const words = [...(preset === undefined ? [] : [`--preset ${preset}`]), ...ablations.map((name) => `--ablation ${name}`)];
  return words.length === 0 ? "no --preset and no --ablation" : `\`${words.join(" ")}\``;
}

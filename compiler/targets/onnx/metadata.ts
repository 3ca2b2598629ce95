/** A configured model to what the ONNX model of one of its graphs says of itself: a sentence, and properties that engines hand to whoever loads it. */

import type { Graph } from "../../graph/graph.ts";
import { hasUnguidedHalf, type Manifest } from "../../package/manifest.ts";

/** A property is a text; lists and records are JSON. */
export interface About {
  readonly doc: string;
  readonly metadata: { readonly [key: string]: string };
}

const guidedOrder = "guided half first, then unguided: of 2 B rows, 0 to B - 1 have the conditions, B to 2 B - 1 what `unguided` says";

/** What a build was told, and the recipe that came of it. */
export interface Configured extends Pick<Manifest, "preset" | "ablations" | "precision" | "sampler"> {
  readonly name: string;
}

/** `axes` has the axes of each input and output as the source names them, `sampler` the recipe as the manifest has it. */
export function aboutOf({ name: model, preset, ablations, precision, sampler }: Configured, graph: Graph): About {
  const inputs = graph.values.flatMap((value) => (value.kind === "input" ? [[value.name, value.axes] as const] : []));
  const outputs = graph.outputs.map(({ name, axes }) => [name, axes] as const);
  const choices = [...(preset === null ? [] : [`preset ${preset}`]), ...ablations.map((one) => `ablation ${one}`)];
  const guided = sampler !== null && hasUnguidedHalf(sampler) && [sampler.prepare, sampler.step].includes(graph.name);
  return {
    doc: `${graph.name} of ${[model, ...choices].join(", ")}`,
    metadata: {
      model,
      preset: preset ?? "",
      ablations: JSON.stringify(ablations),
      precision,
      graph: graph.name,
      axes: JSON.stringify(Object.fromEntries([...inputs, ...outputs])),
      ...(sampler === null ? {} : { sampler: JSON.stringify(sampler) }),
      ...(guided ? { guided_batch: guidedOrder } : {}),
    },
  };
}

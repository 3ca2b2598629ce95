/** A model's weights to the tensors of a checkpoint in a layout, file by file. */

import type { KeyPlace, Layout } from "../../compiler/module/layout.ts";
import type { PlacedWeight } from "../../compiler/package/weights.ts";
import { mvcError } from "../../runtime/errors.ts";
import type { TensorSource } from "../../runtime/node/safetensors-file.ts";
import type { WeightSource } from "./initial.ts";
import { storedShape, type Weights } from "./match.ts";
import { as, toWrite } from "./streams.ts";

export interface ExportedFiles {
  /** By path within the output; of a layout without parts one, by the path "". */
  readonly files: ReadonlyMap<string, readonly TensorSource[]>;
  /** Weights that no checkpoint in this layout holds. */
  readonly leftOut: readonly string[];
}

/** A weight, and the place where it is written: the first that a layout has for it. */
interface Written {
  readonly weight: PlacedWeight;
  readonly place: KeyPlace;
}

/**
 * Each tensor in the type that the weights have.
 * @throws MvcError `tensor-missing` where the model has only some of the parts that a tensor is made of.
 */
export function exportedFiles(layout: Layout, weights: Weights, source: WeightSource): ExportedFiles {
  const byKey = new Map<string, Written[]>();
  const leftOut: string[] = [];
  for (const weight of weights.values()) {
    const place = layout.places.get(weight.path)?.[0];
    if (place === undefined) leftOut.push(weight.path);
    else byKey.set(place.key, [...(byKey.get(place.key) ?? []), { weight, place }]);
  }
  const files = new Map<string, TensorSource[]>();
  const isFolder = [...byKey.keys()].some((key) => key.includes("/"));
  for (const [key, written] of byKey) {
    const slash = key.indexOf("/");
    const file = slash >= 0 ? fileOf(key.slice(0, slash)) : isFolder ? "model.safetensors" : "";
    files.set(file, [...(files.get(file) ?? []), tensorOf(key.slice(slash + 1), written, source, layout.name)]);
  }
  return { files, leftOut };
}

/** Where diffusers looks for a part; parts that it does not know are files. */
function fileOf(part: string): string {
  if (/^(text_encoder|image_encoder|safety_checker)(_\d)?$/.test(part)) return `${part}/model.safetensors`;
  if (/^(unet|vae|transformer|controlnet|motion_adapter)(_\d)?$/.test(part)) return `${part}/diffusion_pytorch_model.safetensors`;
  return `${part}.safetensors`;
}

function tensorOf(name: string, written: readonly Written[], source: WeightSource, layout: string): TensorSource {
  const parts = [...written].sort((a, b) => (a.place.part?.index ?? 0) - (b.place.part?.index ?? 0));
  const [first] = parts;
  if (first === undefined) throw new Error("export: a tensor of no weights");
  const of = first.place.part?.of ?? 1;
  if (parts.length !== of) {
    const expected = `all ${of} parts of "${name}"`;
    const way = `the model has ${parts.length} of ${of} parts (${parts.map(({ weight }) => weight.path).join(", ")}): its layout cannot be written`;
    throw mvcError("tensor-missing", { tensor: name, where: `the layout ${layout}`, expected, way });
  }
  const { dtype } = source.of(first.weight);
  return {
    name,
    dtype,
    shape: storedShape(first.weight.type.shape, first.place),
    *chunks() {
      for (const { weight } of parts) yield* toWrite(as(dtype, source.of(weight)));
    },
  };
}
